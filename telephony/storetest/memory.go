package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotline/telephony"
)

// Memory is a store for tests of the call centre that need no database. It
// passes the suite like the others.
type Memory struct {
	mu        sync.Mutex
	calls     map[string][]byte // JSON: what is read is a copy
	missed    map[string]telephony.MissedCall
	events    []telephony.Event
	seats     map[string]telephony.Seat
	skills    map[string]telephony.Skills
	blocks    map[string]telephony.Block
	callbacks map[string]telephony.Callback
	announced map[string]telephony.Announcement
	shifts    []telephony.Shift
	surveys   surveys
}

var _ telephony.Store = (*Memory)(nil)

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{
		calls: map[string][]byte{}, missed: map[string]telephony.MissedCall{}, seats: map[string]telephony.Seat{}, skills: map[string]telephony.Skills{},
		blocks: map[string]telephony.Block{}, callbacks: map[string]telephony.Callback{}, announced: map[string]telephony.Announcement{},
	}
}

// AppendEvents writes events in order.
func (m *Memory) AppendEvents(_ context.Context, events []telephony.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		e.ID = int64(len(m.events) + 1)
		m.events = append(m.events, e)
	}
	return nil
}

// Events reads the log.
func (m *Memory) Events(_ context.Context, f telephony.EventFilter) ([]telephony.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inside := map[string]bool{}
	for _, c := range m.records() {
		inside[c.ID] = within(c.StartedAt, f.From, f.To)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 1000
	}
	found := []telephony.Event{}
	for _, e := range m.events {
		asked := f.From.IsZero() && f.To.IsZero() || inside[e.CallID]
		if f.States {
			asked = e.Type == telephony.EvState && within(e.At, f.From, f.To)
		}
		if e.ID > f.After && (f.CallID == "" || e.CallID == f.CallID) && asked && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, nil
}

func within(t, from, to time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (to.IsZero() || t.Before(to))
}

// records lists all calls, newest first.
func (m *Memory) records() []telephony.CDR {
	list := make([]telephony.CDR, 0, len(m.calls))
	for _, data := range m.calls {
		var c telephony.CDR
		if err := json.Unmarshal(data, &c); err != nil {
			panic(err) // it was made by Marshal
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b telephony.CDR) int {
		if d := b.StartedAt.Compare(a.StartedAt); d != 0 {
			return d
		}
		return strings.Compare(b.ID, a.ID)
	})
	return list
}

// WriteLog writes events and records.
func (m *Memory) WriteLog(ctx context.Context, events []telephony.Event, records []telephony.CallRecord) error {
	if err := m.AppendEvents(ctx, events); err != nil {
		return err
	}
	for _, r := range records {
		if err := m.SaveCall(ctx, r.CDR, r.Missed); err != nil {
			return err
		}
	}
	return nil
}

// SaveCall writes a record.
func (m *Memory) SaveCall(_ context.Context, c telephony.CDR, missed *telephony.MissedCall) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[c.ID] = data
	if missed != nil {
		if _, there := m.missed[c.ID]; !there {
			m.missed[c.ID] = *missed
		}
	}
	return nil
}

// Call reads a record.
func (m *Memory) Call(_ context.Context, id string) (telephony.CDR, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var c telephony.CDR
	data, ok := m.calls[id]
	if !ok {
		return c, fmt.Errorf("call %s: %w", id, telephony.ErrNotFound)
	}
	return c, json.Unmarshal(data, &c)
}

// Calls lists records, newest first.
func (m *Memory) Calls(_ context.Context, f telephony.CallFilter) (telephony.CallPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	page := telephony.CallPage{Items: []telephony.CDR{}}
	same := func(want, is string) bool { return want == "" || want == is }
	var all []telephony.CDR
	for _, c := range m.records() {
		if within(c.StartedAt, f.From, f.To) && same(f.Caller, c.Caller) && same(f.Line, c.Line) && !slices.Contains(f.NotLines, c.Line) && same(f.Queue, c.Queue) &&
			same(f.Seat, c.Seat) && same(f.User, c.User) && same(string(f.Direction), string(c.Direction)) &&
			(f.Missed == nil || *f.Missed == c.Missed) {
			all = append(all, c)
		}
	}
	var err error
	page.Total = len(all)
	page.Items, page.NextCursor, err = cut(all, f.Cursor, f.Limit)
	return page, err
}

// cut takes one page; the cursor is the number of items before it.
func cut[T any](all []T, cursor string, limit int) ([]T, string, error) {
	from := 0
	if cursor != "" {
		n, err := strconv.Atoi(cursor)
		if err != nil || n < 0 || n > len(all) || strings.HasSuffix(cursor, ".") {
			return nil, "", fmt.Errorf("cursor: %w", telephony.ErrInvalid)
		}
		from = n
	}
	if limit <= 0 {
		limit = 50
	}
	to := min(from+limit, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return append([]T{}, all[from:to]...), next, nil
}

// OpenCalls lists the calls of a node, and those of none, without an end, oldest first.
func (m *Memory) OpenCalls(_ context.Context, node string, limit int) ([]telephony.CDR, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	open := []telephony.CDR{}
	for _, c := range slices.Backward(m.records()) {
		if c.EndedAt.IsZero() && (c.Node == node || c.Node == "") && len(open) < limit {
			open = append(open, c)
		}
	}
	return open, nil
}

// Missed lists missed calls, newest first.
func (m *Memory) Missed(_ context.Context, f telephony.MissedFilter) (telephony.MissedPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []telephony.MissedCall
	for _, k := range m.missed {
		if within(k.EndedAt, f.From, f.To) && (f.Line == "" || f.Line == k.Line) && !slices.Contains(f.NotLines, k.Line) && (!f.Open || k.HandledAt.IsZero()) {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b telephony.MissedCall) int {
		if d := b.EndedAt.Compare(a.EndedAt); d != 0 {
			return d
		}
		return strings.Compare(b.CallID, a.CallID)
	})
	var err error
	page := telephony.MissedPage{Total: len(all)}
	page.Items, page.NextCursor, err = cut(all, f.Cursor, f.Limit)
	return page, err
}

// HandleMissed marks a missed call as called back.
func (m *Memory) HandleMissed(_ context.Context, callID, user string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.missed[callID]
	switch {
	case !ok:
		return fmt.Errorf("missed call %s: %w", callID, telephony.ErrNotFound)
	case !k.HandledAt.IsZero():
		return fmt.Errorf("missed call %s: %w", callID, telephony.ErrConflict)
	}
	k.HandledAt, k.HandledBy = at, user
	m.missed[callID] = k
	return nil
}

// SaveSeat makes or changes a seat.
func (m *Memory) SaveSeat(_ context.Context, s telephony.Seat) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seats[s.ID] = s
	return nil
}

// Seat reads one seat.
func (m *Memory) Seat(_ context.Context, id string) (telephony.Seat, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seats[id]
	if !ok {
		return s, fmt.Errorf("seat %s: %w", id, telephony.ErrNotFound)
	}
	return s, nil
}

// Seats lists all seats, by id.
func (m *Memory) Seats(_ context.Context) ([]telephony.Seat, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seats := []telephony.Seat{}
	for _, s := range m.seats {
		seats = append(seats, s)
	}
	slices.SortFunc(seats, func(a, b telephony.Seat) int { return strings.Compare(a.ID, b.ID) })
	return seats, nil
}

// DeleteSeat removes a seat.
func (m *Memory) DeleteSeat(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seats[id]; !ok {
		return fmt.Errorf("seat %s: %w", id, telephony.ErrNotFound)
	}
	delete(m.seats, id)
	return nil
}

// SaveSkills replaces what a person is able to do.
func (m *Memory) SaveSkills(_ context.Context, user string, s telephony.Skills) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.skills[user] = maps.Clone(s)
	if len(s) == 0 {
		delete(m.skills, user)
	}
	return nil
}

// Skills are those of all people who have any, by user.
func (m *Memory) Skills(context.Context) (map[string]telephony.Skills, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]telephony.Skills{}
	for user, s := range m.skills {
		all[user] = maps.Clone(s)
	}
	return all, nil
}

// SaveBlock makes or changes a block.
func (m *Memory) SaveBlock(_ context.Context, b telephony.Block) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocks[b.ID] = b
	return nil
}

// Block reads one block.
func (m *Memory) Block(_ context.Context, id string) (telephony.Block, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blocks[id]
	if !ok {
		return b, fmt.Errorf("block %s: %w", id, telephony.ErrNotFound)
	}
	return b, nil
}

// Blocks lists blocks, newest first. A cursor is the last one's id.
func (m *Memory) Blocks(_ context.Context, f telephony.BlockFilter) (telephony.BlockPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := newest(m.blocks, func(b telephony.Block) time.Time { return b.ProposedAt })
	all = slices.DeleteFunc(all, func(b telephony.Block) bool { return slices.Contains(f.NotLines, b.Line) })
	if f.Open {
		all = slices.DeleteFunc(all, func(b telephony.Block) bool {
			return !b.LiftedAt.IsZero() || !b.Until.IsZero() && !f.At.Before(b.Until)
		})
	}
	page := telephony.BlockPage{Total: len(all)}
	var err error
	page.Items, page.NextCursor, err = pageOf(all, func(b telephony.Block) string { return b.ID }, f.Cursor, f.Limit)
	return page, err
}

// newest lists what is kept by id, newest first.
func newest[T any](kept map[string]T, at func(T) time.Time) []T {
	ids := slices.SortedFunc(maps.Keys(kept), func(a, b string) int {
		if d := at(kept[b]).Compare(at(kept[a])); d != 0 {
			return d
		}
		return strings.Compare(b, a)
	})
	all := make([]T, len(ids))
	for i, id := range ids {
		all[i] = kept[id]
	}
	return all
}

// pageOf cuts a page out of a list. A cursor is the id of the last one of the page before.
func pageOf[T any](all []T, id func(T) string, cursor string, limit int) (items []T, next string, err error) {
	if cursor != "" {
		i := slices.IndexFunc(all, func(x T) bool { return id(x) == cursor })
		if i < 0 {
			return []T{}, "", fmt.Errorf("cursor: %w", telephony.ErrInvalid)
		}
		all = all[i+1:]
	}
	if limit <= 0 {
		limit = 50
	}
	if len(all) > limit {
		all = all[:limit]
		next = id(all[limit-1])
	}
	return append([]T{}, all...), next, nil
}

// SaveCallback makes or changes a callback.
func (m *Memory) SaveCallback(_ context.Context, c telephony.Callback) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.Calls = slices.Clone(c.Calls)
	m.callbacks[c.ID] = c
	return nil
}

// Callback reads one callback.
func (m *Memory) Callback(_ context.Context, id string) (telephony.Callback, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.callbacks[id]
	if !ok {
		return c, fmt.Errorf("callback %s: %w", id, telephony.ErrNotFound)
	}
	return c, nil
}

// Callbacks lists callbacks, newest first.
func (m *Memory) Callbacks(_ context.Context, f telephony.CallbackFilter) (telephony.CallbackPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := newest(m.callbacks, func(c telephony.Callback) time.Time { return c.CreatedAt })
	all = slices.DeleteFunc(all, func(c telephony.Callback) bool { return slices.Contains(f.NotLines, c.Line) })
	if f.Open {
		all = slices.DeleteFunc(all, func(c telephony.Callback) bool { return !c.EndedAt.IsZero() })
	}
	if f.Number != "" {
		all = slices.DeleteFunc(all, func(c telephony.Callback) bool { return c.Number != f.Number })
	}
	page := telephony.CallbackPage{Total: len(all)}
	var err error
	page.Items, page.NextCursor, err = pageOf(all, func(c telephony.Callback) string { return c.ID }, f.Cursor, f.Limit)
	return page, err
}

// SaveAnnouncement makes or replaces that of a line.
func (m *Memory) SaveAnnouncement(_ context.Context, a telephony.Announcement) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a.Say = slices.Clone(a.Say)
	m.announced[a.Line] = a
	return nil
}

// DeleteAnnouncement takes that of a line away.
func (m *Memory) DeleteAnnouncement(_ context.Context, line string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.announced, line)
	return nil
}

// Announcements are those of all lines, by line.
func (m *Memory) Announcements(context.Context) ([]telephony.Announcement, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.announced), func(a, b telephony.Announcement) int { return strings.Compare(a.Line, b.Line) }), nil
}

// ReplaceShifts replaces those that begin in [from, to).
func (m *Memory) ReplaceShifts(_ context.Context, from, to time.Time, shifts []telephony.Shift) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shifts = slices.DeleteFunc(m.shifts, func(s telephony.Shift) bool { return !s.From.Before(from) && s.From.Before(to) })
	m.shifts = append(m.shifts, shifts...)
	return nil
}

// Shifts are those that lie in [from, to) or reach into it.
func (m *Memory) Shifts(_ context.Context, from, to time.Time) ([]telephony.Shift, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := []telephony.Shift{}
	for _, s := range m.shifts {
		if s.From.Before(to) && s.To.After(from) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b telephony.Shift) int {
		if d := a.From.Compare(b.From); d != 0 {
			return d
		}
		return strings.Compare(a.User, b.User)
	})
	return found, nil
}
