package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

// AppendEvents writes events in order.
func (s *Store) AppendEvents(ctx context.Context, events []telephony.Event) error {
	return s.WriteLog(ctx, events, nil)
}

// WriteLog writes events in order and the records of calls, a statement for each kind: the store's time goes into statements more than into rows.
func (s *Store) WriteLog(ctx context.Context, events []telephony.Event, records []telephony.CallRecord) error {
	eventRows := make([]eventRow, len(events))
	for i, e := range events {
		eventRows[i] = eventRow{At: millis(e.At), CallID: e.CallID, Seat: e.Seat, UserID: e.User, Type: e.Type, Data: string(e.Data)}
	}
	var calls []*callRow
	var missed []*missedRow
	for _, r := range records {
		row, err := toCallRow(r.CDR)
		if err != nil {
			return err
		}
		calls = append(calls, row)
		if r.Missed != nil {
			missed = append(missed, toMissedRow(*r.Missed))
		}
	}
	if len(eventRows)+len(calls) == 0 {
		return nil
	}
	texts := textsOf(len(eventRows), func(i int) []*string { return eventRows[i].texts() })
	texts = append(texts, textsOf(len(calls), func(i int) []*string { return calls[i].texts() })...)
	texts = append(texts, textsOf(len(missed), func(i int) []*string { return missed[i].texts() })...)
	if err := s.hide(ctx, texts...); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if len(eventRows) > 0 {
			if _, err := tx.NewInsert().Model(&eventRows).Column("at", "call_id", "seat", "user_id", "type", "data").Returning("NULL").Exec(ctx); err != nil {
				return err
			}
		}
		return saveCalls(ctx, tx, calls, missed)
	})
	if err != nil {
		return fmt.Errorf("write %d call events and %d records: %w", len(events), len(records), err)
	}
	return nil
}

func saveCalls(ctx context.Context, tx bun.Tx, calls []*callRow, missed []*missedRow) error {
	if len(calls) > 0 {
		ins := tx.NewInsert().Model(&calls).On("CONFLICT (id) DO UPDATE")
		for _, col := range []string{"direction", "caller", "line", "queue", "seat", "user_id", "missed", "started_at", "ended_at", "node", "doc"} {
			ins.Set("? = EXCLUDED.?", bun.Ident(col), bun.Ident(col))
		}
		if _, err := ins.Exec(ctx); err != nil {
			return err
		}
	}
	if len(missed) > 0 {
		_, err := tx.NewInsert().Model(&missed).On("CONFLICT (call_id) DO NOTHING").Exec(ctx)
		return err
	}
	return nil
}

// Events reads the log in its order.
func (s *Store) Events(ctx context.Context, f telephony.EventFilter) ([]telephony.Event, error) {
	var rows []eventRow
	q := s.db.Read().NewSelect().Model(&rows).OrderExpr("e.id").Limit(int64(pageLimit(f.Limit, 1000, 10000)))
	if f.CallID != "" {
		q.Where("e.call_id = ?", f.CallID)
	}
	if f.After > 0 {
		q.Where("e.id > ?", f.After)
	}
	switch {
	case f.States:
		q.Where("e.type = 'seat_state'") // spelled out, so that its index is used
		between(q, "e.at", f.From, f.To)
	case !f.From.IsZero() || !f.To.IsZero():
		calls := s.db.Read().NewSelect().TableExpr("telephony_calls AS c").ColumnExpr("c.id")
		between(calls, "c.started_at", f.From, f.To)
		q.Where("e.call_id IN (?)", calls)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("call events: %w", err)
	}
	if err := s.show(ctx, textsOf(len(rows), func(i int) []*string { return rows[i].texts() })...); err != nil {
		return nil, err
	}
	events := make([]telephony.Event, len(rows))
	for i, r := range rows {
		events[i] = telephony.Event{ID: r.ID, At: instant(r.At), CallID: r.CallID, Seat: r.Seat, User: r.UserID, Type: r.Type}
		if r.Data != "" {
			events[i].Data = json.RawMessage(r.Data)
		}
	}
	return events, nil
}

// SaveCall writes the record of a call and its missed-call record together.
func (s *Store) SaveCall(ctx context.Context, c telephony.CDR, missed *telephony.MissedCall) error {
	if err := s.WriteLog(ctx, nil, []telephony.CallRecord{{CDR: c, Missed: missed}}); err != nil {
		return fmt.Errorf("save call %s: %w", c.ID, err)
	}
	return nil
}

// Call reads one record.
func (s *Store) Call(ctx context.Context, id string) (telephony.CDR, error) {
	row := callRow{}
	if err := s.db.Read().NewSelect().Model(&row).Where("c.id = ?", id).Scan(ctx); err != nil {
		return telephony.CDR{}, notFound(err, "call %s", id)
	}
	if err := s.show(ctx, row.texts()...); err != nil {
		return telephony.CDR{}, err
	}
	return row.cdr()
}

// Calls lists records, newest first.
func (s *Store) Calls(ctx context.Context, f telephony.CallFilter) (telephony.CallPage, error) {
	callers, err := s.kept(ctx, f.Caller)
	if err != nil {
		return telephony.CallPage{}, err
	}
	filter := func(q *bun.SelectQuery) *bun.SelectQuery {
		between(q, "c.started_at", f.From, f.To)
		for col, v := range map[string]string{
			"line": f.Line, "queue": f.Queue, "seat": f.Seat, "user_id": f.User, "direction": string(f.Direction),
		} {
			if v != "" {
				q.Where("c.? = ?", bun.Ident(col), v)
			}
		}
		if f.Caller != "" {
			q.Where("c.caller IN ?", bun.Tuple(callers))
		}
		without(q, "c.line", f.NotLines)
		if f.Missed != nil {
			q.Where("c.missed = ?", flag(*f.Missed))
		}
		return q
	}
	p, err := calls.page(ctx, s.db.Read(), filter, f.Limit, f.Cursor)
	if err != nil {
		return telephony.CallPage{}, err
	}
	items, err := s.records(ctx, p.rows)
	return telephony.CallPage{Items: items, NextCursor: p.next, Total: p.total, TotalCapped: p.capped}, err
}

var calls = list[callRow]{"calls", "telephony_calls AS c", "c.started_at", "c.id", func(r *callRow) (int64, string) { return r.StartedAt, r.ID }}

// OpenCalls lists the calls of a node, and those of none, without an end, oldest first.
func (s *Store) OpenCalls(ctx context.Context, node string, limit int) ([]telephony.CDR, error) {
	var rows []callRow
	err := s.db.Read().NewSelect().Model(&rows).Where("c.ended_at = 0 AND c.node IN (?, '')", node).OrderExpr("c.started_at, c.id").
		Limit(int64(pageLimit(limit, 1000, 10000))).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("open calls: %w", err)
	}
	return s.records(ctx, rows)
}

func (s *Store) records(ctx context.Context, rows []callRow) ([]telephony.CDR, error) {
	if err := s.show(ctx, textsOf(len(rows), func(i int) []*string { return rows[i].texts() })...); err != nil {
		return nil, err
	}
	items := make([]telephony.CDR, len(rows))
	for i := range rows {
		c, err := rows[i].cdr()
		if err != nil {
			return nil, err
		}
		items[i] = c
	}
	return items, nil
}

// Missed lists missed calls, newest first.
func (s *Store) Missed(ctx context.Context, f telephony.MissedFilter) (telephony.MissedPage, error) {
	filter := func(q *bun.SelectQuery) *bun.SelectQuery {
		between(q, "m.ended_at", f.From, f.To)
		if f.Line != "" {
			q.Where("m.line = ?", f.Line)
		}
		without(q, "m.line", f.NotLines)
		if f.Open {
			q.Where("m.handled_at = 0")
		}
		return q
	}
	p, err := missedCalls.page(ctx, s.db.Read(), filter, f.Limit, f.Cursor)
	if err != nil {
		return telephony.MissedPage{}, err
	}
	if err := s.show(ctx, textsOf(len(p.rows), func(i int) []*string { return p.rows[i].texts() })...); err != nil {
		return telephony.MissedPage{}, err
	}
	page := telephony.MissedPage{Items: make([]telephony.MissedCall, len(p.rows)), NextCursor: p.next, Total: p.total, TotalCapped: p.capped}
	for i := range p.rows {
		page.Items[i] = p.rows[i].missed()
	}
	return page, nil
}

var missedCalls = list[missedRow]{"missed calls", "telephony_missed AS m", "m.ended_at", "m.call_id", func(r *missedRow) (int64, string) { return r.EndedAt, r.CallID }}

// HandleMissed marks a missed call as called back, once.
func (s *Store) HandleMissed(ctx context.Context, callID, user string, at time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().TableExpr("telephony_missed").
			Set("handled_at = ?", millis(at)).Set("handled_by = ?", user).
			Where("call_id = ?", callID).Where("handled_at = 0").Exec(ctx)
		if err != nil {
			return fmt.Errorf("missed call %s: %w", callID, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		there, err := tx.NewSelect().TableExpr("telephony_missed").Where("call_id = ?", callID).Exists(ctx)
		if err != nil {
			return fmt.Errorf("missed call %s: %w", callID, err)
		}
		if !there {
			return fmt.Errorf("missed call %s: %w", callID, telephony.ErrNotFound)
		}
		return fmt.Errorf("missed call %s was called back already: %w", callID, telephony.ErrConflict)
	})
}

// without leaves lines out.
func without(q *bun.SelectQuery, column string, lines []string) {
	if len(lines) > 0 {
		q.Where("? NOT IN ?", bun.Safe(column), bun.Tuple(lines))
	}
}

// between adds a half-open interval; zero times leave it open.
func between(q *bun.SelectQuery, column string, from, to time.Time) {
	if !from.IsZero() {
		q.Where("? >= ?", bun.Safe(column), millis(from))
	}
	if !to.IsZero() {
		q.Where("? < ?", bun.Safe(column), millis(to))
	}
}

// after goes on behind a cursor of a list that is ordered newest first.
func after(q *bun.SelectQuery, timeColumn, idColumn, from string) error {
	if from == "" {
		return nil
	}
	ms, id, err := parseCursor(from)
	if err != nil {
		return err
	}
	q.Where("(? < ? OR (? = ? AND ? < ?))",
		bun.Safe(timeColumn), ms, bun.Safe(timeColumn), ms, bun.Safe(idColumn), id)
	return nil
}
