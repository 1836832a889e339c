package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"hotline/ticketing"
)

// ms stores a time; 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// null stores an empty string as NULL, which unique indexes let repeat.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// nested is the part of a ticket that no filter looks into.
type nested struct {
	Location    *ticketing.Point       `json:"location,omitempty"`
	Anonymous   bool                   `json:"anonymous,omitempty"`
	Assignments []ticketing.Assignment `json:"assignments,omitempty"`
	Clocks      []clockRow             `json:"clocks,omitempty"`
	Calls       []string               `json:"calls,omitempty"`
	Elderly     bool                   `json:"elderly,omitempty"`
	Disabled    bool                   `json:"disabled,omitempty"`
	Proxy       *ticketing.Proxy       `json:"proxy,omitempty"` // of rows from before persons were sealed
	Erased      bool                   `json:"erased,omitempty"`
	Hold        *ticketing.Hold        `json:"hold,omitempty"`
	Designated  bool                   `json:"designated,omitempty"`
	ReviewBy    string                 `json:"review_by,omitempty"`
	Public      string                 `json:"public,omitempty"`
	Rating      int                    `json:"rating,omitempty"`
	MergedInto  string                 `json:"merged_into,omitempty"`
	Tries       int                    `json:"tries,omitempty"`
	NextTry     int64                  `json:"next_try,omitempty"`
	Struck      []string               `json:"struck,omitempty"`
	Records     []ticketing.Record     `json:"records,omitempty"`
	Attachments []ticketing.Attachment `json:"attachments,omitempty"`
}

type clockRow struct {
	Name    ticketing.ClockName `json:"n"`
	Whose   string              `json:"u,omitempty"`
	Started int64               `json:"s,omitempty"`
	Yellow  int64               `json:"y,omitempty"`
	Red     int64               `json:"r,omitempty"`
	Due     int64               `json:"d,omitempty"`
	Stopped int64               `json:"e,omitempty"`
	Paused  int64               `json:"p,omitempty"`
	Quiet   bool                `json:"q,omitempty"`
	City    int64               `json:"v,omitempty"`
	Steps   []ticketing.Step    `json:"w,omitempty"`
}

func encode(t *ticketing.Ticket) (string, error) {
	n := nested{
		Location: t.Appeal.Location, Anonymous: t.Citizen.Anonymous, Assignments: t.Assignments, Calls: t.Calls,
		Elderly: t.Citizen.Elderly, Disabled: t.Citizen.Disabled, Designated: t.Designated, ReviewBy: t.ReviewBy,
		Public: t.PublicAnswer, Rating: t.Rating, MergedInto: t.MergedInto, Tries: t.Tries, NextTry: ms(t.NextTryAt), Struck: t.Struck,
		Records: t.Records, Attachments: t.Attachments, Erased: t.Citizen.Erased, Hold: t.Hold,
	}
	if t.Person == "" { // not sealed yet
		n.Proxy = t.Citizen.Proxy
	}
	for _, c := range t.Clocks {
		n.Clocks = append(n.Clocks, clockRow{
			Name: c.Name, Whose: c.Department, Started: ms(c.StartedAt), Yellow: ms(c.YellowAt), Red: ms(c.RedAt), Due: ms(c.DueAt),
			Stopped: ms(c.StoppedAt), Paused: ms(c.PausedAt), Quiet: c.Quiet, City: c.City, Steps: c.Steps,
		})
	}
	raw, err := json.Marshal(n)
	if err != nil {
		return "", fmt.Errorf("encode ticket: %w", err)
	}
	return string(raw), nil
}

// dueAt is the earliest limit of a running clock; nil when none runs.
func dueAt(t *ticketing.Ticket) any {
	var due time.Time
	for _, c := range t.Clocks {
		if c.Running() && !c.Quiet && !c.DueAt.IsZero() && (due.IsZero() || c.DueAt.Before(due)) {
			due = c.DueAt
		}
	}
	if due.IsZero() {
		return nil
	}
	return due.UnixMilli()
}

// The tables of tickets: those of sealed partitions have one of their own.
const (
	openTable   = "tickets"
	sealedTable = "sealed_tickets"
)

// tableOf is where the tickets of a partition are.
func tableOf(partition string) string {
	if partition == "" {
		return openTable
	}
	return sealedTable
}

const ticketColumns = "id, number, version, state, channel, urgency, confidential, line, digit, type, title, description, " +
	"category, district, address, name, phone, department, operator, answer, reopened, at_desk, created_at, updated_at, " +
	"accepted_at, resolved_at, closed_at, due_at, handler, doc, person, box"

// sealedColumns are those of sealedTable.
const sealedColumns = ticketColumns + `, "partition"`

func columnsOf(table string) string {
	if table == sealedTable {
		return sealedColumns
	}
	return ticketColumns
}

// ticketValues are in the order of ticketColumns. Of the citizen there is what
// the number is found by, and the box.
func ticketValues(t *ticketing.Ticket, doc string, who sealedPerson) []any {
	return []any{
		t.ID, null(t.Number), t.Version, string(t.State), string(t.Channel), string(t.Urgency), flag(t.Confidential), t.Line, t.Digit,
		string(t.Appeal.Type), t.Appeal.Title, t.Appeal.Description, t.Appeal.Category, t.Appeal.District, t.Appeal.Address,
		"", who.lookup, t.Department, t.Operator, t.Answer, t.Reopened, flag(t.AtDesk),
		ms(t.CreatedAt), ms(t.UpdatedAt), ms(t.AcceptedAt), ms(t.ResolvedAt), ms(t.ClosedAt), dueAt(t), t.Handler, doc, who.id, who.box,
	}
}

type scanner interface{ Scan(...any) error }

// scanTicket reads a row of a table of tickets; its citizen stays sealed.
func (s *Store) scanTicket(ctx context.Context, table string, row scanner) (ticketRow, error) {
	var r ticketRow
	t := &r.Ticket
	var number sql.NullString
	var due sql.NullInt64
	var doc string
	var confidential, atDesk, created, updated, accepted, resolved, closed int64
	into := []any{
		&t.ID, &number, &t.Version, &t.State, &t.Channel, &t.Urgency, &confidential, &t.Line, &t.Digit,
		&t.Appeal.Type, &t.Appeal.Title, &t.Appeal.Description, &t.Appeal.Category, &t.Appeal.District, &t.Appeal.Address,
		&t.Citizen.Name, &t.Citizen.Phone, &t.Department, &t.Operator, &t.Answer, &t.Reopened, &atDesk,
		&created, &updated, &accepted, &resolved, &closed, &due, &t.Handler, &doc, &t.Person, &r.box,
	}
	if table == sealedTable {
		into = append(into, &t.Partition)
	}
	if err := row.Scan(into...); err != nil {
		return r, err
	}
	if table == sealedTable {
		if err := s.openTexts(ctx, t, &doc); err != nil {
			return r, err
		}
	}
	var n nested
	if err := json.Unmarshal([]byte(doc), &n); err != nil {
		return r, fmt.Errorf("ticket %s: nested part: %w", t.ID, err)
	}
	t.Number = number.String
	t.Confidential, t.AtDesk = confidential != 0, atDesk != 0
	t.CreatedAt, t.UpdatedAt, t.AcceptedAt, t.ResolvedAt, t.ClosedAt = at(created), at(updated), at(accepted), at(resolved), at(closed)
	n.into(t)
	return r, nil
}

func (n nested) into(t *ticketing.Ticket) {
	t.Appeal.Location, t.Citizen.Anonymous, t.Assignments, t.Calls = n.Location, n.Anonymous, n.Assignments, n.Calls
	t.Citizen.Elderly, t.Citizen.Disabled, t.Citizen.Proxy = n.Elderly, n.Disabled, n.Proxy
	t.Designated, t.ReviewBy, t.PublicAnswer, t.Rating, t.MergedInto = n.Designated, n.ReviewBy, n.Public, n.Rating, n.MergedInto
	t.Tries, t.NextTryAt, t.Struck, t.Records, t.Attachments = n.Tries, at(n.NextTry), n.Struck, n.Records, n.Attachments
	t.Citizen.Erased, t.Hold = n.Erased, n.Hold
	if t.Hold != nil {
		utc(&t.Hold.At)
	}
	for i := range t.Assignments { // JSON keeps the zone as it was written; the store says UTC
		utc(&t.Assignments[i].DispatchedAt, &t.Assignments[i].SignedAt, &t.Assignments[i].EndedAt)
	}
	for i := range t.Records {
		r := &t.Records[i]
		utc(&r.At, &r.Until, &r.SignedAt, &r.DecidedAt)
		for j := range r.Statements {
			utc(&r.Statements[j].At)
		}
	}
	for i := range t.Attachments {
		utc(&t.Attachments[i].At)
	}
	for _, c := range n.Clocks {
		t.Clocks = append(t.Clocks, ticketing.Clock{
			Name: c.Name, Department: c.Whose, StartedAt: at(c.Started), YellowAt: at(c.Yellow), RedAt: at(c.Red), DueAt: at(c.Due),
			StoppedAt: at(c.Stopped), PausedAt: at(c.Paused), Quiet: c.Quiet, City: c.City, Steps: c.Steps,
		})
	}
}

func utc(times ...*time.Time) {
	for _, t := range times {
		*t = t.UTC()
	}
}
