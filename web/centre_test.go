package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"hotline/telephony"
	"hotline/telephony/storetest"
)

// centre is a call centre with the calls it is given. Campaigns are those of a real one that was never started.
type centre struct {
	*telephony.Center
	mu        sync.Mutex
	calls     map[string]telephony.CDR
	sound     []byte
	hungUp    []string
	statuses  []string
	skills    map[string]telephony.Skills
	shifts    []telephony.Shift
	sealed    map[string][]string
	filters   []any // of lists that were asked for
	announced []telephony.Announcement
	told      []string // transfers and supervision
	block     telephony.Block
	elsewhere map[string]string // URL of another node, by call
}

// deaf hears of calls and does nothing.
type deaf struct{}

func (deaf) Offered(context.Context, telephony.Offer) error                    { return nil }
func (deaf) Answered(context.Context, string, string, string, time.Time) error { return nil }
func (deaf) Ended(context.Context, telephony.CDR) error                        { return nil }
func (deaf) Missed(context.Context, telephony.MissedCall) error                { return nil }

func newCentre() *centre {
	real, err := telephony.New(telephony.Config{
		Listen: []string{"127.0.0.1:0"}, Lines: []telephony.Line{{Number: "12340", Name: "12340"}}, Gateway: "127.0.0.1:5060", SpoolDir: "never made",
	}, storetest.NewMemory(), deaf{}, nil, telephony.Options{})
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 11, 22, 6, 0, 0, 123e6, time.UTC)
	return &centre{Center: real, sound: bytes.Repeat([]byte("RIFFdata"), 5000), calls: map[string]telephony.CDR{
		"c1": {ID: "c1", Direction: telephony.Inbound, Caller: "13812345678", Called: "12345", Line: "12345", Seat: "8001", User: "u-agent1", StartedAt: at, QueuedAt: at.Add(time.Second), SeatAt: at.Add(4 * time.Second), BridgedAt: at.Add(4 * time.Second)},
		"c2": {ID: "c2", Direction: telephony.Inbound, Caller: "13900001111", Line: "12345", User: "u-agent2", StartedAt: at, EndedAt: at.Add(time.Minute), EndedBy: telephony.PartyCaller},
	}}
}

func (c *centre) Calls(_ context.Context, f telephony.CallFilter) (telephony.CallPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.filters = append(c.filters, f)
	var p telephony.CallPage
	for _, id := range []string{"c1", "c2"} {
		if cdr := c.calls[id]; f.User == "" || f.User == cdr.User {
			p.Items = append(p.Items, cdr)
		}
	}
	p.Total = len(p.Items)
	return p, nil
}

func (c *centre) NodeOf(_ context.Context, id string) string { return c.elsewhere[id] }

func (c *centre) Call(_ context.Context, id string) (telephony.CDR, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr, ok := c.calls[id]
	if id == "c3" || id == "c4" { // missed ones
		return telephony.CDR{ID: id, Line: "12345"}, nil
	}
	if !ok {
		return cdr, fmt.Errorf("call: %w", telephony.ErrNotFound)
	}
	return cdr, nil
}

func (c *centre) offer(id, user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr := c.calls[id]
	cdr.Offers = append(cdr.Offers, telephony.Offered{Seat: "8002", User: user})
	c.calls[id] = cdr
}

type sound struct{ *bytes.Reader }

func (sound) Close() error { return nil }

func (c *centre) Recording(ctx context.Context, id string) (io.ReadSeekCloser, telephony.Recording, error) {
	if _, err := c.Call(ctx, id); err != nil {
		return nil, telephony.Recording{}, err
	}
	return sound{bytes.NewReader(c.sound)}, telephony.Recording{State: telephony.RecordingStored, SHA256: "abc"}, nil
}

func (c *centre) Hangup(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hungUp = append(c.hungUp, id+" by "+user)
	cdr := c.calls[id]
	cdr.EndedAt = time.Now()
	c.calls[id] = cdr
	return nil
}

func (c *centre) AddParty(_ context.Context, id, number, user string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr, ok := c.calls[id]
	if !ok || !cdr.EndedAt.IsZero() {
		return "", telephony.ErrConflict
	}
	cdr.Parties = append(cdr.Parties, telephony.Added{ID: "1", Number: number, User: user, CalledAt: time.Now()})
	c.calls[id] = cdr
	return "1", nil
}

func (c *centre) DropParty(_ context.Context, id, party, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.calls[id].Parties {
		if p := &c.calls[id].Parties[i]; p.ID == party {
			p.DroppedBy, p.LeftAt = user, time.Now()
			return nil
		}
	}
	return telephony.ErrNotFound
}

func (c *centre) Transfer(_ context.Context, id, number, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number == "8009" {
		return telephony.ErrConflict
	}
	c.told = append(c.told, fmt.Sprintf("transfer %s to %s by %s", id, number, user))
	return nil
}

func (c *centre) AskRating(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, fmt.Sprintf("rating of %s asked by %s", id, user))
	return nil
}

func (c *centre) Supervise(_ context.Context, id, user, seat string, how telephony.Supervision) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.calls[id]; !ok {
		return "", telephony.ErrNotFound
	}
	c.told = append(c.told, fmt.Sprintf("%s %s by %s at %s", how, id, user, seat))
	return "1", nil
}

func (c *centre) SetSupervision(_ context.Context, id, party, user string, how telephony.Supervision) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if party != "1" {
		return telephony.ErrNotFound
	}
	c.told = append(c.told, fmt.Sprintf("%s %s/%s by %s", how, id, party, user))
	return nil
}

func (c *centre) EndSupervision(ctx context.Context, id, party, user string) error {
	return c.SetSupervision(ctx, id, party, user, "end")
}

func (c *centre) HandOver(ctx context.Context, id, party, user string) error {
	return c.SetSupervision(ctx, id, party, user, "hand over")
}

// did notes what was asked of a call.
func (c *centre) did(what, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.calls[id]; !ok {
		return telephony.ErrNotFound
	}
	c.told = append(c.told, what+" "+id+" by "+user)
	return nil
}

func (c *centre) Hold(_ context.Context, id, user string) error   { return c.did("hold", id, user) }
func (c *centre) Resume(_ context.Context, id, user string) error { return c.did("resume", id, user) }
func (c *centre) Mute(_ context.Context, id, user string) error   { return c.did("mute", id, user) }
func (c *centre) Unmute(_ context.Context, id, user string) error { return c.did("unmute", id, user) }

func (c *centre) Dial(_ context.Context, user, seat, number string) (string, error) {
	if number == "8009" {
		return "", telephony.ErrConflict
	}
	return "c9", c.did("dial "+number+" from "+seat, "c1", user)
}

func (c *centre) TakeOver(ctx context.Context, id, party string) error {
	return c.SetSupervision(ctx, id, party, "", "take over")
}

func (c *centre) ProposeBlock(_ context.Context, id, user, reason string) (telephony.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.block = telephony.Block{ID: "b1", Caller: c.calls[id].Caller, CallID: id, Line: c.calls[id].Line, Reason: reason, ProposedBy: user, ProposedAt: time.Now()}
	return c.block, nil
}

func (c *centre) Block(_ context.Context, id string) (telephony.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != "b1" {
		return telephony.Block{}, telephony.ErrNotFound
	}
	return c.block, nil
}

func (c *centre) ConfirmBlock(_ context.Context, id, lead string, term time.Duration) (telephony.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != "b1" {
		return telephony.Block{}, telephony.ErrNotFound
	}
	c.block.ConfirmedBy, c.block.Until = lead, time.Now().Add(term)
	return c.block, nil
}

func (c *centre) LiftBlock(_ context.Context, _, lead, reason string) (telephony.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.block.LiftedAt.IsZero() {
		return c.block, telephony.ErrConflict
	}
	c.block.LiftedBy, c.block.LiftedAt, c.block.LiftReason = lead, time.Now(), reason
	return c.block, nil
}

func (c *centre) PlanShifts(_ context.Context, _, _ time.Time, shifts []telephony.Shift, user string) ([]telephony.Shift, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range shifts {
		if !shifts[i].To.After(shifts[i].From) {
			return nil, telephony.ErrInvalid
		}
		shifts[i].By = user
	}
	c.shifts = shifts
	return shifts, nil
}

func (c *centre) Attendances(context.Context, time.Time, time.Time) (telephony.RosterReport, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := telephony.RosterReport{Unplanned: []telephony.Unscheduled{{User: "u-agent2", Present: time.Hour}}}
	for _, s := range c.shifts {
		r.Shifts = append(r.Shifts, telephony.Attendance{Shift: s, Late: time.Minute})
	}
	return r, nil
}

func (c *centre) Announce(_ context.Context, a telephony.Announcement) (telephony.Announcement, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Say[0] == "none" {
		return a, telephony.ErrInvalid
	}
	a.From = time.Now()
	c.announced = []telephony.Announcement{a}
	return a, nil
}

func (c *centre) TakeOff(context.Context, string, string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.announced) == 0 {
		return telephony.ErrNotFound
	}
	c.announced = nil
	return nil
}

func (c *centre) Announcements() []telephony.Announcement {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.announced
}

func (c *centre) Sealed() map[string][]string { return c.sealed }

func (c *centre) Callback(_ context.Context, id string) (telephony.Callback, error) {
	cb := theCallback("")
	if id == "b2" {
		cb.Line = "12388"
	}
	if id != "b1" && id != "b2" {
		return cb, telephony.ErrNotFound
	}
	return cb, nil
}

func (c *centre) Callbacks(context.Context, telephony.CallbackFilter) (telephony.CallbackPage, error) {
	return telephony.CallbackPage{Items: []telephony.Callback{theCallback("")}, Total: 1}, nil
}

func (c *centre) ReturnMissed(_ context.Context, callID, user string) (telephony.Callback, error) {
	if callID != "c3" {
		return telephony.Callback{}, telephony.ErrConflict
	}
	return theCallback(user), nil
}

func (c *centre) WithdrawCallback(_ context.Context, id, user string) (telephony.Callback, error) {
	if id != "b1" {
		return telephony.Callback{}, telephony.ErrNotFound
	}
	cb := theCallback(telephony.CallbackAsked)
	cb.State, cb.EndedBy = telephony.CallbackWithdrawn, user
	return cb, nil
}

func theCallback(by string) telephony.Callback {
	return telephony.Callback{ID: "b1", Number: "13912345678", CallID: "c3", Queue: "default", By: by, State: telephony.CallbackWaiting}
}

func (c *centre) Blocks(context.Context, telephony.BlockFilter) (telephony.BlockPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return telephony.BlockPage{Items: []telephony.Block{c.block}, Total: 1}, nil
}

func (c *centre) PauseRecording(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cdr, ok := c.calls[id]
	if !ok || !cdr.EndedAt.IsZero() {
		return telephony.ErrConflict
	}
	cdr.Pauses = append(cdr.Pauses, telephony.Pause{From: time.Now(), By: user})
	c.calls[id] = cdr
	return nil
}

func (c *centre) ResumeRecording(_ context.Context, id, user string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.calls[id].Pauses {
		c.calls[id].Pauses[i].To, c.calls[id].Pauses[i].ResumedBy = time.Now(), user
	}
	return nil
}

func (c *centre) SetStatus(_ context.Context, user, seat string, s telephony.Status) error {
	if seat == "9999" {
		return telephony.ErrNotFound
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses = append(c.statuses, fmt.Sprintf("%s %s %s %s", user, seat, s.Presence, s.Reason))
	return nil
}

func (c *centre) ForceStatus(ctx context.Context, lead, seat string, s telephony.Status) error {
	return c.SetStatus(ctx, "by "+lead, seat, s)
}

func (c *centre) SetSkills(_ context.Context, user string, s telephony.Skills, lead string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s["a b"] != 0 {
		return telephony.ErrInvalid
	}
	c.skills = map[string]telephony.Skills{user: s}
	return nil
}

func (c *centre) Skills(context.Context) (map[string]telephony.Skills, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skills, nil
}

func (c *centre) Agents() []telephony.AgentState {
	return []telephony.AgentState{{Seat: "8001", User: "u-agent1", Presence: telephony.Ready, Registered: true}}
}

func (c *centre) Queues() []telephony.QueueState {
	return []telephony.QueueState{{Name: "default", Waiting: 1, Callers: []telephony.QueueCaller{{CallID: "c9", Position: 1, Since: time.Now()}}}}
}

func (c *centre) Lines() []telephony.Line {
	return []telephony.Line{{Number: "12345", Name: "12345", Queue: "default"}}
}

func (c *centre) Missed(_ context.Context, f telephony.MissedFilter) (telephony.MissedPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.filters = append(c.filters, f)
	return telephony.MissedPage{Items: []telephony.MissedCall{{CallID: "c3", Caller: "13700002222", Line: "12345", Waited: 1500 * time.Millisecond}}, Total: 1}, nil
}

func (c *centre) HandleMissed(_ context.Context, id, _ string) error {
	if id != "c3" {
		return telephony.ErrConflict
	}
	return nil
}

func (c *centre) Stats(_ context.Context, from, to time.Time, opts telephony.StatsOptions) (telephony.CallStats, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.filters = append(c.filters, opts)
	return telephony.CallStats{From: from, To: to, Total: telephony.CallFigures{Calls: 3, Queued: 2, Answered: 1, WaitTotal: 3 * time.Second},
		Seats: map[string]telephony.CallFigures{"=8001": {Queued: 2}}}, nil
}
