package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/search/gather"
)

func topicOf(i int) gather.Topic {
	return gather.Topic{
		ID: fmt.Sprintf("t-%03d", i), Version: 1, Name: fmt.Sprintf("望江路%d号路灯不亮", i), Words: []string{"路灯"}, Category: fmt.Sprint("c", i%2), District: fmt.Sprint("d", i%3),
		Place: "p1", PlaceName: "望江路", Location: &search.Point{Lon: 123.1, Lat: 36.2}, First: noon, Last: noon.Add(time.Duration(i/2) * time.Hour), Members: 2 + i, People: 2, Heat: float64(1 + i%5),
		PerMonth: 1.5, CreatedAt: noon, UpdatedAt: noon, Apart: []string{"t-x"}, Steps: []gather.Step{{At: noon, By: "u1", What: gather.Named, With: "路灯"}},
	}
}

// fresh is a ticket that is gathered into a topic.
func fresh(topic string, i int) gather.Move {
	return gather.Move{Member: memberOf(topic, i), Fresh: true}
}

func memberOf(topic string, i int) gather.Member {
	return gather.Member{
		Ticket: fmt.Sprintf("ticket-%s-%03d", topic, i), Number: fmt.Sprintf("20260504-%06d", i), Topic: topic,
		At: noon.Add(time.Duration(i) * time.Hour), GatheredAt: noon.Add(time.Duration(i) * time.Minute),
	}
}

// RunTopics runs the suite of topics; open makes an empty store.
func RunTopics(t *testing.T, open func(t *testing.T) gather.Store) {
	for name, test := range map[string]func(t *testing.T, s gather.Store){
		"topic round trip": topicRoundTrip, "members": topicMembers, "joining": topicsJoined, "topics of many": topicOfMany, "topic lists": topicLists, "followers": topicFollowers,
		"nothing by halves": topicsWhole, "what grew": topicsGrown,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func put(t *testing.T, s gather.Store, topics ...gather.Topic) {
	t.Helper()
	require.NoError(t, s.Gather(t.Context(), gather.Change{Topics: topics}))
}

func topicRoundTrip(t *testing.T, s gather.Store) {
	a := topicOf(1)
	put(t, s, a)
	got, err := s.Topic(t.Context(), a.ID)
	require.NoError(t, err)
	require.Equal(t, a, got)
	_, err = s.Topic(t.Context(), "none")
	require.ErrorIs(t, err, gather.ErrNotFound)
	require.ErrorIs(t, s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{a}}), gather.ErrConflict)
	a.Version, a.Name = 2, "路灯"
	put(t, s, a)
	got, err = s.Topic(t.Context(), a.ID)
	require.NoError(t, err)
	require.Equal(t, "路灯", got.Name)
}

func topicMembers(t *testing.T, s gather.Store) {
	last, err := s.LastNumber(t.Context(), noon)
	require.NoError(t, err)
	require.Empty(t, last)
	change := gather.Change{Topics: []gather.Topic{topicOf(1)}}
	for i := range 30 {
		change.Moves = append(change.Moves, fresh("t-001", i))
	}
	alone := memberOf("", 99)
	change.Moves = append(change.Moves, gather.Move{Member: alone, Fresh: true})
	require.NoError(t, s.Gather(t.Context(), change))
	list, total, err := s.Members(t.Context(), "t-001", 4)
	require.NoError(t, err)
	require.Equal(t, 30, total)
	require.Equal(t, []gather.Member{memberOf("t-001", 29), memberOf("t-001", 28), memberOf("t-001", 27), memberOf("t-001", 26)}, list)
	list, total, err = s.Members(t.Context(), "", 4)
	require.NoError(t, err)
	require.Zero(t, total, "tickets alone are in no topic")
	require.Empty(t, list)
	list, err = s.Memberships(t.Context(), []string{alone.Ticket, "none", memberOf("t-001", 3).Ticket})
	require.NoError(t, err)
	require.ElementsMatch(t, []gather.Member{alone, memberOf("t-001", 3)}, list)
	last, err = s.LastNumber(t.Context(), noon.Add(10*time.Minute))
	require.NoError(t, err)
	require.Equal(t, "20260504-000009", last)
	days, err := s.Days(t.Context(), []string{"t-001", "t-none"}, noon, noon.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, []gather.Day{{Topic: "t-001", Day: "2026-05-04", Count: 12}, {Topic: "t-001", Day: "2026-05-05", Count: 12}}, days, "noon in Shanghai is the fourth hour of UTC")
	busy, err := s.Busiest(t.Context(), noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 9), 2)
	require.NoError(t, err)
	require.Equal(t, []gather.Day{{Topic: "t-001", Day: "2026-05-05", Count: 18}, {Topic: "t-001", Day: "2026-05-04", Count: 12}}, busy)
	moved := alone
	moved.Topic = "t-001"
	require.ErrorIs(t, s.Gather(t.Context(), gather.Change{Moves: []gather.Move{{Member: moved, Was: "t-002"}}}), gather.ErrConflict, "it is not there")
	require.ErrorIs(t, s.Gather(t.Context(), gather.Change{Moves: []gather.Move{{Member: moved, Fresh: true}}}), gather.ErrConflict, "it was gathered before")
	require.NoError(t, s.Gather(t.Context(), gather.Change{Moves: []gather.Move{{Member: moved}}}))
	_, total, err = s.Members(t.Context(), "t-001", 1)
	require.NoError(t, err)
	require.Equal(t, 31, total)
}

func topicsJoined(t *testing.T, s gather.Store) {
	put(t, s, topicOf(1), topicOf(2))
	require.NoError(t, s.Gather(t.Context(), gather.Change{Moves: []gather.Move{fresh("t-001", 1), fresh("t-002", 2), fresh("t-002", 3)}}))
	for topic, users := range map[string][]string{"t-001": {"u1", "u2"}, "t-002": {"u2", "u3"}} {
		for _, user := range users {
			require.NoError(t, s.Follow(t.Context(), topic, user, true))
		}
	}
	kept, gone := topicOf(1), topicOf(2)
	kept.Version, gone.Version, gone.Into, gone.Members = 2, 2, kept.ID, 0
	require.NoError(t, s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{kept, gone}, Joined: map[string]string{gone.ID: kept.ID}}))
	_, total, err := s.Members(t.Context(), kept.ID, 9)
	require.NoError(t, err)
	require.Equal(t, 3, total)
	_, total, err = s.Members(t.Context(), gone.ID, 9)
	require.NoError(t, err)
	require.Zero(t, total)
	followers, err := s.Followers(t.Context(), kept.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"u1", "u2", "u3"}, followers)
	page, err := s.Topics(t.Context(), gather.Filter{Least: 1})
	require.NoError(t, err)
	require.Len(t, page.Items, 1, "what was joined to another is in no list")
}

func topicOfMany(t *testing.T, s gather.Store) {
	put(t, s, topicOf(1))
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			a := topicOf(1)
			a.Version, a.NamedBy = 2, fmt.Sprint("u", i)
			if s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{a}}) == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, won.Load())
}

// topicsWhole: where one topic has changed meanwhile, nothing of the change is written.
func topicsWhole(t *testing.T, s gather.Store) {
	put(t, s, topicOf(1))
	stale := topicOf(1)
	err := s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{topicOf(2), stale}, Moves: []gather.Move{fresh("t-002", 1)}})
	require.ErrorIs(t, err, gather.ErrConflict)
	_, err = s.Topic(t.Context(), "t-002")
	require.ErrorIs(t, err, gather.ErrNotFound)
	list, err := s.Memberships(t.Context(), []string{memberOf("t-002", 1).Ticket})
	require.NoError(t, err)
	require.Empty(t, list)
}

func topicLists(t *testing.T, s gather.Store) {
	const n = 25
	var all []gather.Topic
	for i := range n {
		all = append(all, topicOf(i))
	}
	put(t, s, all...)
	single := topicOf(n)
	single.Members = 1
	put(t, s, single)
	orders := map[gather.Sort]func(a, b gather.Topic) bool{
		gather.Hottest: func(a, b gather.Topic) bool {
			return a.HeatAt(noon.AddDate(1, 0, 0)) >= b.HeatAt(noon.AddDate(1, 0, 0))-1e-9
		},
		gather.Newest:  func(a, b gather.Topic) bool { return !a.Last.Before(b.Last) },
		gather.Largest: func(a, b gather.Topic) bool { return a.Members >= b.Members },
	}
	for sort, holds := range orders {
		var seen []gather.Topic
		f := gather.Filter{Sort: sort, Limit: 7}
		for {
			page, err := s.Topics(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, n, page.Total)
			seen = append(seen, page.Items...)
			if f.Cursor = page.Next; f.Cursor == "" {
				break
			}
		}
		require.Len(t, seen, n)
		for i := range seen[1:] {
			require.True(t, holds(seen[i], seen[i+1]), sort)
		}
	}
	count := func(f gather.Filter) int {
		page, err := s.Topics(t.Context(), f)
		require.NoError(t, err)
		require.Len(t, page.Items, page.Total)
		return page.Total
	}
	require.Equal(t, n+1, count(gather.Filter{Least: 1}))
	require.Equal(t, 9, count(gather.Filter{Districts: []string{"d0"}}))
	require.Zero(t, count(gather.Filter{Districts: []string{}}))
	require.Equal(t, 12, count(gather.Filter{Categories: []string{"c1"}}))
	require.Equal(t, 1, count(gather.Filter{Name: "路7号"}))
	require.Zero(t, count(gather.Filter{Name: "%"}), "no character stands for others")
	require.Equal(t, 5, count(gather.Filter{Since: noon.Add(10 * time.Hour)}))
	_, err := s.Topics(t.Context(), gather.Filter{Cursor: "what"})
	var refused *gather.RefusedError
	require.ErrorAs(t, err, &refused)
}

func topicFollowers(t *testing.T, s gather.Store) {
	put(t, s, topicOf(1), topicOf(2))
	for range 2 { // twice is once
		require.NoError(t, s.Follow(t.Context(), "t-001", "u1", true))
	}
	page, err := s.Topics(t.Context(), gather.Filter{FollowedBy: "u1"})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	require.Equal(t, "t-001", page.Items[0].ID)
	require.NoError(t, s.Follow(t.Context(), "t-001", "u1", false))
	followers, err := s.Followers(t.Context(), "t-001")
	require.NoError(t, err)
	require.Empty(t, followers)
}

// topicsGrown: what grew is told of once, also when it grows while people are told.
func topicsGrown(t *testing.T, s gather.Store) {
	a, b := topicOf(1), topicOf(2)
	require.NoError(t, s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{a}, Moves: []gather.Move{fresh(a.ID, 1)}}))
	require.NoError(t, s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{b}, Moves: []gather.Move{fresh(b.ID, 1), fresh("", 2)}}))
	grown, err := s.Grown(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, []string{a.ID, b.ID}, []string{grown[0].Topic, grown[1].Topic}, "who waits longest is first")
	first, err := s.Grown(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, grown[:1], first)
	a.Version++
	require.NoError(t, s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{a}, Moves: []gather.Move{fresh(a.ID, 2)}}))
	for _, one := range grown {
		require.NoError(t, s.ToldGrown(t.Context(), one))
	}
	grown, err = s.Grown(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, grown, 1)
	require.Equal(t, a.ID, grown[0].Topic, "it grew again")
	a.Version += 2
	require.ErrorIs(t, s.Gather(t.Context(), gather.Change{Topics: []gather.Topic{a}, Moves: []gather.Move{fresh(b.ID, 3)}}), gather.ErrConflict)
	grown, err = s.Grown(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, grown, 1, "all of a change or nothing")
}
