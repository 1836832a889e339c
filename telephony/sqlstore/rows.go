package sqlstore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

type callRow struct {
	bun.BaseModel `bun:"table:telephony_calls,alias:c"`

	ID        string `bun:"id,pk"`
	Direction string `bun:"direction"`
	Caller    string `bun:"caller"`
	Line      string `bun:"line"`
	Queue     string `bun:"queue"`
	Seat      string `bun:"seat"`
	UserID    string `bun:"user_id"`
	Missed    int64  `bun:"missed"`
	StartedAt int64  `bun:"started_at"`
	EndedAt   int64  `bun:"ended_at"`
	Node      string `bun:"node"`
	Doc       string `bun:"doc"`
}

type eventRow struct {
	bun.BaseModel `bun:"table:telephony_events,alias:e"`

	ID     int64  `bun:"id,pk,autoincrement"`
	At     int64  `bun:"at"`
	CallID string `bun:"call_id"`
	Seat   string `bun:"seat"`
	UserID string `bun:"user_id"`
	Type   string `bun:"type"`
	Data   string `bun:"data"`
}

type missedRow struct {
	bun.BaseModel `bun:"table:telephony_missed,alias:m"`

	CallID    string `bun:"call_id,pk"`
	Caller    string `bun:"caller"`
	Line      string `bun:"line"`
	Queue     string `bun:"queue"`
	Digit     string `bun:"digit"`
	StartedAt int64  `bun:"started_at"`
	EndedAt   int64  `bun:"ended_at"`
	WaitedMS  int64  `bun:"waited_ms"`
	Offers    int64  `bun:"offers"`
	Cause     string `bun:"cause"`
	HandledAt int64  `bun:"handled_at"`
	HandledBy string `bun:"handled_by"`
}

type seatRow struct {
	bun.BaseModel `bun:"table:telephony_seats,alias:s"`

	ID        string `bun:"id,pk"`
	UserID    string `bun:"user_id"`
	Algorithm string `bun:"algorithm"`
	HA1       string `bun:"ha1"`
	AutoReady int64  `bun:"auto_ready"`
	Disabled  int64  `bun:"disabled"`
}

type skillRow struct {
	bun.BaseModel `bun:"table:telephony_skills,alias:k"`

	UserID string `bun:"user_id,pk"`
	Skill  string `bun:"skill,pk"`
	Level  int64  `bun:"level"`
}

// The texts of rows that may hold citizens' numbers.
func (r *callRow) texts() []*string     { return []*string{&r.Caller, &r.Doc} }
func (r *eventRow) texts() []*string    { return []*string{&r.Data} }
func (r *missedRow) texts() []*string   { return []*string{&r.Caller} }
func (r *callbackRow) texts() []*string { return []*string{&r.Number, &r.Doc} }
func (r *contactRow) texts() []*string  { return []*string{&r.Number, &r.Doc} }
func (r *blockRow) texts() []*string    { return []*string{&r.Caller} }

// millis is 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func toCallRow(c telephony.CDR) (*callRow, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", c.ID, err)
	}
	return &callRow{
		Node: c.Node,
		ID:   c.ID, Direction: string(c.Direction), Caller: c.Caller, Line: c.Line, Queue: c.Queue,
		Seat: c.Seat, UserID: c.User, Missed: flag(c.Missed),
		StartedAt: millis(c.StartedAt), EndedAt: millis(c.EndedAt), Doc: string(doc),
	}, nil
}

func (r *callRow) cdr() (telephony.CDR, error) {
	var c telephony.CDR
	if err := json.Unmarshal([]byte(r.Doc), &c); err != nil {
		return c, fmt.Errorf("call %s: %w", r.ID, err)
	}
	return c, nil
}

func toMissedRow(m telephony.MissedCall) *missedRow {
	return &missedRow{
		CallID: m.CallID, Caller: m.Caller, Line: m.Line, Queue: m.Queue, Digit: m.Digit,
		StartedAt: millis(m.StartedAt), EndedAt: millis(m.EndedAt), WaitedMS: m.Waited.Milliseconds(),
		Offers: int64(m.Offers), Cause: m.Cause, HandledAt: millis(m.HandledAt), HandledBy: m.HandledBy,
	}
}

func (r *missedRow) missed() telephony.MissedCall {
	return telephony.MissedCall{
		CallID: r.CallID, Caller: r.Caller, Line: r.Line, Queue: r.Queue, Digit: r.Digit,
		StartedAt: instant(r.StartedAt), EndedAt: instant(r.EndedAt), Waited: time.Duration(r.WaitedMS) * time.Millisecond,
		Offers: int(r.Offers), Cause: r.Cause, HandledAt: instant(r.HandledAt), HandledBy: r.HandledBy,
	}
}

func (r *seatRow) seat() telephony.Seat {
	return telephony.Seat{
		ID: r.ID, User: r.UserID, Algorithm: telephony.Algorithm(r.Algorithm), HA1: r.HA1,
		AutoReady: r.AutoReady != 0, Disabled: r.Disabled != 0,
	}
}

// A cursor is the place after the last row of a page: time and id.
func cursor(ms int64, id string) string { return strconv.FormatInt(ms, 36) + "." + id }

func parseCursor(s string) (ms int64, id string, err error) {
	head, id, ok := strings.Cut(s, ".")
	ms, err = strconv.ParseInt(head, 36, 64)
	if !ok || err != nil || id == "" || len(s) > 200 {
		return 0, "", fmt.Errorf("cursor: %w: take it from the page before", telephony.ErrInvalid)
	}
	return ms, id, nil
}
