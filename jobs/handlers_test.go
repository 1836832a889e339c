package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/jobs"
	"hotline/jobs/notify"
	"hotline/search"
	"hotline/ticketing"
)

// store is a ticket store of a few funcs.
type store struct {
	tickets []ticketing.Ticket // in order of id
	city    *ticketing.CityVersion
	cities  int // reads of the city
}

func (s *store) Ticket(_ context.Context, ref string) (ticketing.Ticket, error) {
	for _, t := range s.tickets {
		if t.ID == ref {
			return t, nil
		}
	}
	return ticketing.Ticket{}, ticketing.ErrAbsent
}

func (s *store) Scan(_ context.Context, _, after string, limit int) ([]ticketing.Ticket, error) {
	var out []ticketing.Ticket
	for _, t := range s.tickets {
		if t.ID > after && len(out) < limit {
			out = append(out, t)
		}
	}
	return out, nil
}

func (s *store) City(context.Context) (ticketing.CityVersion, error) {
	if s.city == nil {
		return ticketing.CityVersion{}, ticketing.ErrAbsent
	}
	s.cities++
	return *s.city, nil
}

func (s *store) CityVersion(context.Context) (int64, error) {
	if s.city == nil {
		return 0, ticketing.ErrAbsent
	}
	return s.city.Version, nil
}

func city(version int64) *ticketing.CityVersion {
	return &ticketing.CityVersion{Version: version, City: ticketing.City{
		Categories: []ticketing.Category{
			{Code: "env"}, {Code: "env.noise", Parent: "env"}, {Code: "env.noise.night", Parent: "env.noise"},
			{Code: "loop.a", Parent: "loop.b"}, {Code: "loop.b", Parent: "loop.a"},
		},
		Departments: []ticketing.Department{{Code: "gov"}, {Code: "eco", Parent: "gov"}, {Code: "pol", Parent: "gov"}},
	}}
}

func at(h int) time.Time { return time.Date(2026, 3, 2, h, 0, 0, 0, time.UTC) }

func ticket(id, number string) ticketing.Ticket {
	return ticketing.Ticket{
		ID: id, Number: number, Version: 4, State: ticketing.InProgress, Channel: ticketing.ByPhone,
		Urgency: ticketing.Urgent, Line: "12345", Department: "eco",
		Appeal: ticketing.Appeal{
			Type: ticketing.Complaint, Title: "夜间噪声", Description: "工地半夜施工，请回电13812345678",
			Category: "env.noise.night", District: "d1", Address: "望京街道",
		},
		Citizen:     ticketing.Citizen{Name: "张三", Phone: "13812345678"},
		Assignments: []ticketing.Assignment{{Department: "gave-it-back", Lead: true}, {Department: "eco", Lead: true}},
		Records:     []ticketing.Record{{Kind: ticketing.RecordCoHandling, State: ticketing.RecordOpen, Department: "pol"}},
		Clocks: []ticketing.Clock{
			{Name: ticketing.ClockSign, DueAt: at(1), StoppedAt: at(1)},
			{Name: ticketing.ClockResolve, DueAt: at(9)},
		},
		Answer: "已责令停工", CreatedAt: at(0),
	}
}

func TestSourceDocument(t *testing.T) {
	sealed, draft, filed := ticket("2", "20260302-000002"), ticket("3", ""), ticket("4", "20260302-000004")
	sealed.Partition = "12388"
	draft.State, filed.State = ticketing.Draft, ticketing.Draft
	s := &store{tickets: []ticketing.Ticket{ticket("1", "20260302-000001"), sealed, draft, filed}, city: city(1)}
	src := jobs.Source(s, nil)
	ctx := context.Background()
	doc, found, err := src.Document(ctx, "1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, search.Document{
		ID: "1", Number: "20260302-000001", Version: 4, Title: "夜间噪声",
		Body: "工地半夜施工，请回电138****5678\n望京街道\n已责令停工",
		Type: "complaint", Category: "env.noise.night", Categories: []string{"env.noise.night", "env.noise", "env"},
		District: "d1", Department: "eco", Departments: []string{"eco", "gov", "pol", "area:d1|", "area:d1|12345", "area:|12345"},
		State: "in_progress", Channel: "phone", Urgency: "urgent", CreatedAt: at(0), DueAt: at(9),
	}, doc)
	require.NotContains(t, fmt.Sprint(doc), "张三")
	for id, want := range map[string]bool{"2": false, "3": false, "4": true, "nobody": false} {
		_, found, err := src.Document(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, found, id)
	}
	var ids []string
	require.NoError(t, src.Documents(ctx, "", func(docs []search.Document) error {
		for _, d := range docs {
			ids = append(ids, d.ID)
		}
		return nil
	}))
	require.Equal(t, []string{"1", "4"}, ids)
	require.Equal(t, 1, s.cities, "the city is read once per version")
	s.city = city(2)
	s.city.City.Categories[0].Parent = "all"
	doc, _, err = src.Document(ctx, "1")
	require.NoError(t, err)
	require.Equal(t, []string{"env.noise.night", "env.noise", "env", "all"}, doc.Categories)
}

func TestSourceHidesThePersonOfAConfidentialTicket(t *testing.T) {
	secret := ticket("1", "20260302-000001")
	secret.Confidential = true
	secret.Appeal.Title, secret.Appeal.Description = "张三反映夜间噪声", "我是张三，电话138-1234-5678"
	secret.Answer = "已答复张三"
	doc, found, err := jobs.Source(&store{tickets: []ticketing.Ticket{secret}, city: city(1)}, nil).Document(t.Context(), "1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "***反映夜间噪声", doc.Title)
	require.NotContains(t, doc.Body, "张三")
	require.NotContains(t, doc.Body, "5678")
}

func TestSourceSaysWhereAMatterIs(t *testing.T) {
	where := func(address, text string) (string, *search.Point) {
		if strings.Contains(address, "望京") {
			return "d1/望京街道", &search.Point{Lon: 1, Lat: 2}
		}
		if strings.Contains(text, "噪声") {
			return "d2/别处", &search.Point{Lon: 3, Lat: 4}
		}
		return "", nil
	}
	tick := ticket("1", "20260302-000001")
	s := &store{tickets: []ticketing.Ticket{tick}, city: city(1)}
	read := func() search.Document {
		doc, _, err := jobs.Source(s, where).Document(t.Context(), "1")
		require.NoError(t, err)
		return doc
	}
	require.Equal(t, "d1/望京街道", read().Place)
	require.Equal(t, &search.Point{Lon: 1, Lat: 2}, read().Location)
	s.tickets[0].Appeal.Address = "某处"
	require.Equal(t, "d2/别处", read().Place)
	s.tickets[0].Appeal.Location = &ticketing.Point{Lon: 121.5, Lat: 31.2, Datum: "gcj02"}
	require.Equal(t, &search.Point{Lon: 121.5, Lat: 31.2}, read().Location, "a point on the map is better")
	s.tickets[0].Appeal = ticketing.Appeal{Title: "停水"}
	require.Empty(t, read().Place)
	require.Nil(t, read().Location)
}

func TestSourceWithoutCityAndWithLoops(t *testing.T) {
	tick := ticket("1", "20260302-000001")
	s := &store{tickets: []ticketing.Ticket{tick}}
	doc, found, err := jobs.Source(s, nil).Document(context.Background(), "1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, []string{"env.noise.night"}, doc.Categories)
	s.city = city(1)
	s.tickets[0].Appeal.Category = "loop.a"
	doc, _, err = jobs.Source(s, nil).Document(context.Background(), "1")
	require.NoError(t, err)
	require.Equal(t, []string{"loop.a", "loop.b"}, doc.Categories)
}

func TestSourcePages(t *testing.T) {
	s := &store{city: city(1)}
	for i := range 1203 {
		s.tickets = append(s.tickets, ticket(fmt.Sprintf("%05d", i), fmt.Sprintf("20260302-%06d", i)))
	}
	n := 0
	require.NoError(t, jobs.Source(s, nil).Documents(context.Background(), "00001", func(d []search.Document) error {
		n += len(d)
		return nil
	}))
	require.Equal(t, 1201, n)
	stop := errors.New("enough")
	require.ErrorIs(t, jobs.Source(s, nil).Documents(context.Background(), "", func([]search.Document) error { return stop }), stop)
}

// shelf is an index in memory.
type shelf struct {
	docs    map[string]search.Document
	refuse  map[string]bool
	err     error
	puts    int
	deleted func(ids []string) // called after a delete
}

func (s *shelf) Put(_ context.Context, docs ...search.Document) error {
	s.puts++
	if s.err != nil {
		return s.err
	}
	for _, d := range docs {
		if s.refuse[d.ID] {
			return errors.New("document refused")
		}
	}
	for _, d := range docs {
		if s.docs[d.ID].Version <= d.Version {
			s.docs[d.ID] = d
		}
	}
	return nil
}

func (s *shelf) Delete(_ context.Context, ids ...string) error {
	for _, id := range ids {
		delete(s.docs, id)
	}
	if s.deleted != nil {
		s.deleted(ids)
	}
	return s.err
}

func rows(keys ...string) []ticketing.OutboxItem {
	var out []ticketing.OutboxItem
	for i, k := range keys {
		out = append(out, ticketing.OutboxItem{ID: int64(i + 1), Topic: ticketing.TopicIndex, Key: k})
	}
	return out
}

func TestIndexHandler(t *testing.T) {
	ctx := context.Background()
	draft := ticket("c", "")
	s := &store{tickets: []ticketing.Ticket{ticket("a", "n1"), ticket("b", "n2"), draft}, city: city(1)}
	sh := &shelf{docs: map[string]search.Document{"gone": {ID: "gone"}}}
	drain := jobs.IndexHandler(sh, jobs.Source(s, nil)).Drain
	refused, err := drain(ctx, rows("a:1", "a:2", "b:4", "c:1", "gone:7", "a:3"))
	require.NoError(t, err)
	require.Empty(t, refused)
	require.Equal(t, 1, sh.puts, "one write for the batch")
	require.Len(t, sh.docs, 2)
	require.EqualValues(t, 4, sh.docs["a"].Version)

	// A draft that is filed while another node's delete is under way ends up in the index.
	sh.deleted = func([]string) { s.tickets[2].Number = "n3" }
	_, err = drain(ctx, rows("c:1"))
	require.NoError(t, err)
	require.Contains(t, sh.docs, "c")

	sh.err = search.ErrUnavailable
	_, err = drain(ctx, rows("a:1", "b:1"))
	require.ErrorIs(t, err, search.ErrUnavailable)
}

func TestIndexHandlerSetsRefusedAside(t *testing.T) {
	s := &store{}
	var keys []string
	for i := range 100 {
		id := fmt.Sprintf("t%03d", i)
		s.tickets = append(s.tickets, ticket(id, "n"+id))
		keys = append(keys, id+":1", id+":2")
	}
	sh := &shelf{docs: map[string]search.Document{}, refuse: map[string]bool{"t000": true, "t057": true, "t099": true}}
	h := jobs.IndexHandler(sh, jobs.Source(s, nil))
	refused, err := h.Drain(context.Background(), rows(keys...))
	require.NoError(t, err)
	require.Len(t, sh.docs, 97)
	var got []string
	for _, f := range refused {
		require.ErrorContains(t, f.Err, "refused")
		got = append(got, f.Item.Key)
	}
	require.ElementsMatch(t, []string{"t000:1", "t000:2", "t057:1", "t057:2", "t099:1", "t099:2"}, got)

	broken := &shelf{err: errors.New("disk full")}
	_, err = jobs.IndexHandler(broken, jobs.Source(s, nil)).Drain(context.Background(), rows(keys...))
	require.ErrorContains(t, err, "disk full", "an engine that takes nothing is broken, not its documents")
	require.Less(t, broken.puts, 60)
}

type told struct {
	name string
	err  error
	got  []notify.Message
}

func (s *told) Name() string { return s.name }

func (s *told) Send(_ context.Context, m notify.Message) error {
	s.got = append(s.got, m)
	return s.err
}

type notes map[string]ticketing.Notification

func (n notes) Notification(_ context.Context, id string) (ticketing.Notification, error) {
	if id == "broken" {
		return ticketing.Notification{}, errors.New("store away")
	}
	v, ok := n[id]
	if !ok {
		return v, ticketing.ErrAbsent
	}
	return v, nil
}

func TestNotifyHandler(t *testing.T) {
	ctx := context.Background()
	all := notes{"n1": {ID: "n1", TicketID: "t1", Number: "20260302-000001", Kind: "deadline.red",
		Clock: ticketing.ClockSign, Audience: "department:eco", CreatedAt: at(3)}}
	a, b := &told{name: "a", err: errors.New("away")}, &told{name: "b"}
	h := jobs.NotifyHandler(all, a, b)
	item := ticketing.OutboxItem{ID: 1, Topic: ticketing.TopicNotify, Key: "n1"}
	require.ErrorContains(t, h.Handle(ctx, item), "a: away")
	want := notify.Message{ID: "n1", Kind: "deadline.red", TicketID: "t1", Number: "20260302-000001",
		Clock: "sign", Audience: "department:eco", At: at(3)}
	require.Equal(t, []notify.Message{want}, b.got, "one sender's failure keeps no other from sending")
	a.err = nil
	require.NoError(t, h.Handle(ctx, item))
	require.Equal(t, []notify.Message{want, want}, a.got, "the same id on every try")
	item.Key = "nobody"
	require.NoError(t, h.Handle(ctx, item))
	item.Key = "broken"
	require.Error(t, h.Handle(ctx, item))
	refused, err := jobs.NotifyHandler(all).Drain(ctx, []ticketing.OutboxItem{item})
	require.NoError(t, err, "nobody to tell")
	require.Empty(t, refused)
}
