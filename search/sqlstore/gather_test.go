package sqlstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/search/ftsindex"
	"hotline/search/gather"
	"hotline/search/sqlstore"
)

var noon = time.Date(2026, 5, 4, 4, 0, 0, 0, time.UTC)

// city is a source of tickets, in a real index and a real store.
type city struct {
	t       *testing.T
	reports []gather.Report
	index   *search.Index
	store   *sqlstore.Store
	grew    []string // topics that were told of since the last look began
	refused string   // a topic that cannot be told of
	failing error    // of reading tickets
	*gather.Gatherer
}

var errRefused = errors.New("the disk is full")

func newCity(t *testing.T, h *handle) *city {
	driver, err := ftsindex.Open(t.Context(), "fts://"+filepath.Join(t.TempDir(), "s.db"), ftsindex.Options{})
	require.NoError(t, err)
	c := &city{t: t, index: search.New(driver, search.Options{})}
	t.Cleanup(func() { require.NoError(t, c.index.Close()) })
	c.store, err = sqlstore.New(t.Context(), h)
	require.NoError(t, err)
	c.restart()
	return c
}

// restart is a process that knows nothing but what was kept.
func (c *city) restart() {
	ids := 0
	c.Gatherer = gather.New(c, c.index, c.store, gather.Settings{
		NewID: func(at time.Time) string { ids++; return fmt.Sprintf("topic-%d-%d", at.UnixMilli(), ids) },
		Grew: func(_ context.Context, x gather.Topic) error {
			if x.ID == c.refused {
				return errRefused
			}
			c.grew = append(c.grew, x.ID)
			return nil
		},
	})
}

func (c *city) After(_ context.Context, number string, limit int) (list []gather.Report, err error) {
	for _, r := range c.reports {
		if r.Number > number && len(list) < limit {
			list = append(list, r)
		}
	}
	return list, c.failing
}

func (c *city) Reports(_ context.Context, ids []string) (list []gather.Report, err error) {
	for _, r := range c.reports {
		if slices.Contains(ids, r.ID) {
			list = append(list, r)
		}
	}
	return list, c.failing
}

// report takes a ticket; unindexed ones come later.
func (c *city) report(place, matter string, person int, indexed bool) string {
	n := len(c.reports)
	at := noon.Add(time.Duration(n) * time.Minute)
	r := gather.Report{
		ID: fmt.Sprintf("ticket-%04d", n), Number: fmt.Sprintf("20260504-%06d", n+1), Person: fmt.Sprint("p", person), Title: place + matter, Text: "您好，" + place + "这里" + matter + "，请尽快处理。",
		Category: "c-" + matter[:6], District: "east", Place: "key-" + place, PlaceName: place, Location: &search.Point{Lon: 123.1, Lat: 36.2}, At: at, Accepted: at,
	}
	c.reports = append(c.reports, r)
	if indexed {
		c.indexed(n)
	}
	return r.ID
}

func (c *city) indexed(n int) {
	r := c.reports[n]
	require.NoError(c.t, c.index.Put(c.t.Context(), search.Document{
		ID: r.ID, Number: r.Number, Version: 1, Title: r.Title, Body: r.Text, Categories: []string{r.Category}, District: r.District, Place: r.Place, Location: r.Location, CreatedAt: r.At,
	}))
}

func (c *city) now() time.Time { return noon.Add(time.Duration(len(c.reports)) * time.Minute) }

func (c *city) look() {
	c.t.Helper()
	c.grew = nil
	require.NoError(c.t, c.Look(c.t.Context(), c.now()))
}

// topics are the tickets of each topic of two or more.
func (c *city) topics() map[string][]string {
	c.t.Helper()
	page, err := c.store.Topics(c.t.Context(), gather.Filter{})
	require.NoError(c.t, err)
	out := map[string][]string{}
	for _, x := range page.Items {
		members, total, err := c.store.Members(c.t.Context(), x.ID, 100)
		require.NoError(c.t, err)
		require.Equal(c.t, x.Members, total)
		for _, m := range members {
			out[x.ID] = append(out[x.ID], m.Ticket)
		}
		slices.Sort(out[x.ID])
	}
	return out
}

func (c *city) only() gather.Topic {
	c.t.Helper()
	page, err := c.store.Topics(c.t.Context(), gather.Filter{})
	require.NoError(c.t, err)
	require.Len(c.t, page.Items, 1)
	return page.Items[0]
}

func eachCity(t *testing.T, test func(t *testing.T, c *city)) {
	for name, open := range engines(t) {
		t.Run(name, func(t *testing.T) { test(t, newCity(t, open(t))) })
	}
}

// TestTicketsAreGatheredAsTheyCome: one matter at one place is one topic, that keeps its id.
func TestTicketsAreGatheredAsTheyCome(t *testing.T) {
	eachCity(t, func(t *testing.T, c *city) {
		first := c.report("丽水花园", "搅拌站夜间噪音扰民", 1, true)
		other := c.report("青石新村", "搅拌站夜间噪音扰民", 2, true)
		c.look()
		require.Empty(t, c.topics())
		require.Empty(t, c.grew)
		second := c.report("丽水花园", "附近搅拌站夜间噪音太吵", 3, true)
		c.report("丽水花园", "路灯不亮", 4, true)
		c.look()
		topic := c.only()
		require.Equal(t, map[string][]string{topic.ID: {first, second}}, c.topics())
		require.Equal(t, []string{topic.ID}, c.grew)
		require.Equal(t, 2, topic.People)
		require.Equal(t, "丽水花园", topic.PlaceName)
		require.Contains(t, topic.Name, "搅拌站")
		require.Equal(t, "east", topic.District)

		c.restart()
		third := c.report("丽水花园", "搅拌站夜间噪音扰民睡不着", 1, true)
		c.look()
		require.Equal(t, map[string][]string{topic.ID: {first, second, third}}, c.topics())
		require.Equal(t, 2, c.only().People, "one of them reports again")
		c.look()
		require.Empty(t, c.grew, "what was gathered is not gathered again")
		again := c.report("青石新村", "搅拌站夜间噪音扰民", 5, true)
		c.look()
		require.Len(t, c.topics(), 2)
		require.Contains(t, slices.Collect(maps.Values(c.topics())), []string{other, again})
	})
}

// TestATicketWaitsForTheIndex, so that two that come at once find each other.
func TestATicketWaitsForTheIndex(t *testing.T) {
	eachCity(t, func(t *testing.T, c *city) {
		c.report("丽水花园", "搅拌站夜间噪音扰民", 1, false)
		c.report("丽水花园", "附近搅拌站夜间噪音太吵", 2, true)
		c.look()
		require.Empty(t, c.topics())
		c.indexed(0)
		c.look()
		require.Equal(t, 2, c.only().Members)
		lost := c.report("丽水花园", "路灯不亮", 3, false)
		for range 12 { // minutes: it is not waited for any longer
			c.report("金桥大厦", "电梯困人", 4, true)
		}
		c.look()
		known, err := c.store.Memberships(t.Context(), []string{lost})
		require.NoError(t, err)
		require.Len(t, known, 1)
	})
}

// TestAFailureLosesNothing: what a look could not read, the next does.
func TestAFailureLosesNothing(t *testing.T) {
	eachCity(t, func(t *testing.T, c *city) {
		c.report("丽水花园", "搅拌站夜间噪音扰民", 1, true)
		c.report("丽水花园", "附近搅拌站夜间噪音太吵", 2, true)
		c.failing = errors.New("the disk is gone")
		require.ErrorIs(t, c.Look(t.Context(), c.now()), c.failing)
		c.failing = nil
		c.look()
		require.Equal(t, 2, c.only().Members)
	})
}

// TestWhoIsToBeToldIsToldInTheEnd: of one topic that cannot be told of the next look tells,
// of the others at once; a process that died in between has not lost it.
func TestWhoIsToBeToldIsToldInTheEnd(t *testing.T) {
	eachCity(t, func(t *testing.T, c *city) {
		c.report("丽水花园", "搅拌站夜间噪音扰民", 1, true)
		c.report("丽水花园", "附近搅拌站夜间噪音太吵", 2, true)
		c.look()
		noisy := c.only().ID
		c.report("青石新村", "电梯困人", 3, true)
		c.report("青石新村", "电梯困人没人管", 4, true)
		c.report("丽水花园", "搅拌站夜间噪音大", 5, true)
		c.refused = noisy
		c.grew = nil
		require.ErrorIs(t, c.Look(t.Context(), c.now()), errRefused)
		require.Len(t, c.grew, 1)
		require.NotEqual(t, noisy, c.grew[0])
		c.restart()
		c.refused = ""
		c.look()
		require.Equal(t, []string{noisy}, c.grew)
		c.look()
		require.Empty(t, c.grew)
	})
}

// TestPeopleHaveTheLastWord: what is split stays apart, what is joined stays together, a name stays.
func TestPeopleHaveTheLastWord(t *testing.T) {
	eachCity(t, func(t *testing.T, c *city) {
		ctx := t.Context()
		var all []string
		for i, matter := range []string{"搅拌站夜间噪音扰民", "附近搅拌站夜间噪音太吵", "搅拌站夜间噪音扰民睡不着", "搅拌站夜间噪音大"} {
			all = append(all, c.report("丽水花园", matter, i, true))
		}
		c.look()
		topic := c.only()
		require.Equal(t, 4, topic.Members)
		var refused *gather.RefusedError
		_, _, err := c.Split(ctx, topic.ID, topic.Version, all, "u1", c.now())
		require.ErrorAs(t, err, &refused, "nothing would be left")
		_, _, err = c.Split(ctx, topic.ID, topic.Version, []string{"none"}, "u1", c.now())
		require.ErrorAs(t, err, &refused)
		_, _, err = c.Split(ctx, topic.ID, topic.Version-1, all[:2], "u1", c.now())
		require.ErrorIs(t, err, gather.ErrConflict)
		topic, other, err := c.Split(ctx, topic.ID, topic.Version, all[2:], "u1", c.now())
		require.NoError(t, err)
		require.Equal(t, map[string][]string{topic.ID: all[:2], other.ID: all[2:]}, c.topics())

		fifth := c.report("丽水花园", "搅拌站夜间噪音扰民", 9, true)
		c.look()
		now := c.topics()
		require.Len(t, now, 2, "what people took apart does not come together by itself")
		require.Contains(t, append(now[topic.ID], now[other.ID]...), fifth)

		topic, err = c.store.Topic(ctx, topic.ID)
		require.NoError(t, err)
		topic, err = c.Rename(ctx, topic.ID, topic.Version, " 丽水花园搅拌站 ", "u1", c.now())
		require.NoError(t, err)
		topic, err = c.Join(ctx, topic.ID, topic.Version, other.ID, "u1", c.now())
		require.NoError(t, err)
		require.Equal(t, 5, topic.Members)
		require.Equal(t, "丽水花园搅拌站", topic.Name)
		c.report("丽水花园", "搅拌站夜间噪音扰民", 10, true)
		c.look()
		require.Equal(t, topic.ID, c.only().ID)
		require.Equal(t, "丽水花园搅拌站", c.only().Name)
		require.Equal(t, 6, c.only().Members)
		gone, err := c.store.Topic(ctx, other.ID)
		require.NoError(t, err)
		require.Equal(t, topic.ID, gone.Into)
		_, err = c.Rename(ctx, other.ID, gone.Version, "x", "u1", c.now())
		require.ErrorAs(t, err, &refused)
	})
}

// TestManyNodesGatherAtOnce: each ticket is gathered once, and every topic has the tickets that it says.
func TestManyNodesGatherAtOnce(t *testing.T) {
	eachCity(t, func(t *testing.T, c *city) {
		for i := range 12 {
			for _, place := range []string{"丽水花园", "青石新村", "望江家园"} {
				c.report(place, "搅拌站夜间噪音扰民", i, true)
			}
		}
		var nodes sync.WaitGroup
		for range 4 {
			other := gather.New(c, c.index, c.store, gather.Settings{NewID: ticketID})
			nodes.Go(func() {
				for range 50 { // one that another was faster than looks again
					if !assert.NoError(t, other.Look(t.Context(), c.now())) {
						return
					}
				}
			})
		}
		nodes.Wait()
		c.look()
		total := 0
		for _, tickets := range c.topics() { // which compares what each says with what it has
			total += len(tickets)
		}
		require.Equal(t, len(c.reports), total)
		require.Len(t, c.topics(), 3)
	})
}

// ticketID is different each time, in whatever process.
func ticketID(time.Time) string { return rand.Text() }
