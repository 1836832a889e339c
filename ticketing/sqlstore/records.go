package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// Records lists records of tickets, the oldest first; see ticketing.Store.
func (s *Store) Records(ctx context.Context, f ticketing.RecordQuery) (ticketing.RecordPage, error) {
	q := s.db.read.NewSelect().TableExpr("ticket_records AS r").ColumnExpr("r.id, r.ticket_id, r.at")
	if len(f.Kinds) > 0 {
		q = q.Where("r.kind IN (?)", bun.List(f.Kinds))
	}
	if len(f.States) > 0 {
		q = q.Where("r.state IN (?)", bun.List(f.States))
	}
	if f.Department != "" {
		q = q.Where("(r.department = ? OR r.decider = ?)", f.Department, f.Department)
	}
	table := tableOf(f.Partition)
	q = q.Join("JOIN ? AS t ON t.id = r.ticket_id", bun.Ident(table))
	if table == sealedTable && f.Partition != ticketing.AnySealed {
		q = q.Where("t.\"partition\" = ?", f.Partition)
	}
	q = bounded(q, f.Bounds)
	if f.ScopeOn {
		if len(f.Scope) == 0 {
			return ticketing.RecordPage{}, nil
		}
		q = q.Where("(t.department IN (?) OR t.id IN (SELECT ticket_id FROM ticket_units WHERE department IN (?)))", bun.List(f.Scope), bun.List(f.Scope))
	}
	if f.Cursor != "" {
		key, id, err := openCursor(f.Cursor, sortRecords)
		if err != nil {
			return ticketing.RecordPage{}, err
		}
		q = q.Where("(r.at, r.ticket_id || ' ' || r.id) > (?, ?)", key, id)
	}
	keys, err := readRecordKeys(ctx, q.OrderExpr("r.at, r.ticket_id || ' ' || r.id").Limit(int64(f.Limit)+1))
	if err != nil {
		return ticketing.RecordPage{}, err
	}
	var page ticketing.RecordPage
	if len(keys) > f.Limit {
		keys = keys[:f.Limit]
		last := keys[f.Limit-1]
		page.NextCursor = makeCursor(sortRecords, last.at, last.ticket+" "+last.id)
	}
	page.Items, err = s.recordItems(ctx, table, keys)
	return page, err
}

// sortRecords marks the cursors of lists of records.
const sortRecords ticketing.Sort = "records"

type recordKey struct {
	id, ticket string
	at         int64
}

func readRecordKeys(ctx context.Context, q *bun.SelectQuery) ([]recordKey, error) {
	rows, err := q.Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []recordKey
	for rows.Next() {
		var k recordKey
		if err := rows.Scan(&k.id, &k.ticket, &k.at); err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

// recordItems takes the records out of their tickets.
func (s *Store) recordItems(ctx context.Context, table string, keys []recordKey) ([]ticketing.RecordItem, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ticket
	}
	tickets, err := s.byID(ctx, table, ids)
	if err != nil {
		return nil, err
	}
	byID := map[string]ticketing.Ticket{}
	for _, t := range tickets {
		byID[t.ID] = t
	}
	items := make([]ticketing.RecordItem, 0, len(keys))
	for _, k := range keys {
		t := byID[k.ticket]
		for _, r := range t.Records {
			if r.ID == k.id {
				items = append(items, ticketing.RecordItem{Record: r, Ticket: t})
			}
		}
	}
	return items, nil
}

// LeastLoaded is the clerk of a department with the fewest open tickets; see ticketing.Store.
func (s *Store) LeastLoaded(ctx context.Context, partition, department string) (string, error) {
	var id string
	q := selectLeastLoaded
	if partition != "" {
		q = selectSealedLeastLoaded
	}
	err := s.texts.read[q].QueryRowContext(ctx, department, partition).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ticketing.ErrAbsent
	}
	return id, err
}

// Roles are kept as a JSON list; ties go to the one who has been there longest.
const (
	selectLeastLoaded       = leastLoadedOf + "tickets" + leastLoadedBy
	selectSealedLeastLoaded = leastLoadedOf + "sealed_tickets" + leastLoadedBy

	leastLoadedOf = `SELECT u.id FROM users AS u WHERE u.department = ? AND u."partition" = ? AND u.disabled = 0 AND u.roles LIKE '%"clerk"%'
	ORDER BY (SELECT count(*) FROM `
	leastLoadedBy = ` WHERE handler = u.id AND handler <> '' AND state IN ('dispatched', 'in_progress', 'suspended')), u.created_at, u.id LIMIT 1`
)

// ClosedBefore lists closed tickets, the longest closed first; see ticketing.Store.
func (s *Store) ClosedBefore(ctx context.Context, partition string, before time.Time, after string, limit int) ([]ticketing.Ticket, error) {
	q := s.selectTickets(partition).Where("state = 'closed'").Where("closed_at <= ?", before.UnixMilli())
	if after != "" {
		q = q.Where("(closed_at, id) > (SELECT closed_at, id FROM ? WHERE id = ?)", bun.Ident(tableOf(partition)), after)
	}
	return s.readTickets(ctx, tableOf(partition), q.OrderExpr("closed_at, id").Limit(int64(limit)))
}

// Lease takes or renews a user's hold on a ticket and says who has it until
// when: somebody else, while theirs has not run out.
func (s *Store) Lease(ctx context.Context, l ticketing.Lease, now time.Time) (ticketing.Lease, error) {
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO leases (ticket_id, user_id, until) VALUES (?, ?, ?)
			ON CONFLICT (ticket_id) DO UPDATE SET user_id = excluded.user_id, until = excluded.until
			WHERE leases.user_id = excluded.user_id OR leases.until <= ?`, l.TicketID, l.UserID, ms(l.Until), now.UnixMilli())
		return err
	})
	if err != nil {
		return ticketing.Lease{}, err
	}
	return s.LeaseOf(ctx, l.TicketID, now)
}

// LeaseOf says who is on a ticket; the zero Lease when nobody is.
func (s *Store) LeaseOf(ctx context.Context, ticketID string, now time.Time) (ticketing.Lease, error) {
	l := ticketing.Lease{TicketID: ticketID}
	var until int64
	err := s.db.read.QueryRowContext(ctx, "SELECT user_id, until FROM leases WHERE ticket_id = ? AND until > ?", ticketID, now.UnixMilli()).Scan(&l.UserID, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return ticketing.Lease{}, nil
	}
	l.Until = at(until)
	return l, err
}

// EndLease gives a user's hold back; another's stays.
func (s *Store) EndLease(ctx context.Context, ticketID, userID string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM leases WHERE ticket_id = ? AND user_id = ?", ticketID, userID)
		return err
	})
}

// SaveFormDraft keeps what a user has typed; an older one than is kept is left out.
func (s *Store) SaveFormDraft(ctx context.Context, d ticketing.FormDraft) error {
	body, err := s.sealText(ctx, keyOfDrafts, draftAbout(d.UserID, d.Key), string(d.Body))
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO form_drafts (user_id, key, seq, body, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (user_id, key) DO UPDATE SET seq = excluded.seq, body = excluded.body, at = excluded.at
			WHERE form_drafts.seq < excluded.seq`, d.UserID, d.Key, d.Seq, body, ms(d.At))
		return err
	})
}

// FormDraft reads what a user has typed; ErrAbsent when there is nothing.
func (s *Store) FormDraft(ctx context.Context, userID, key string) (ticketing.FormDraft, error) {
	d := ticketing.FormDraft{UserID: userID, Key: key}
	var body string
	var when int64
	err := s.db.read.QueryRowContext(ctx, "SELECT seq, body, at FROM form_drafts WHERE user_id = ? AND key = ?", userID, key).Scan(&d.Seq, &body, &when)
	if errors.Is(err, sql.ErrNoRows) {
		return d, ticketing.ErrAbsent
	}
	if err == nil {
		body, err = s.openText(ctx, draftAbout(userID, key), body)
	}
	d.Body, d.At = json.RawMessage(body), at(when)
	return d, err
}

func draftAbout(userID, key string) string { return "draft:" + userID + ":" + key }

// FormDrafts lists what a user has typed and not sent, the newest first.
func (s *Store) FormDrafts(ctx context.Context, userID string, limit int) ([]ticketing.FormDraft, error) {
	rows, err := s.db.read.QueryContext(ctx, "SELECT key, seq, body, at FROM form_drafts WHERE user_id = ? ORDER BY at DESC LIMIT ?", userID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.FormDraft
	for rows.Next() {
		d := ticketing.FormDraft{UserID: userID}
		var body string
		var when int64
		if err := rows.Scan(&d.Key, &d.Seq, &body, &when); err != nil {
			return nil, err
		}
		if body, err = s.openText(ctx, draftAbout(userID, d.Key), body); err != nil {
			return nil, err
		}
		d.Body, d.At = json.RawMessage(body), at(when)
		list = append(list, d)
	}
	return list, rows.Err()
}

// DropFormDraft forgets what a user has typed.
func (s *Store) DropFormDraft(ctx context.Context, userID, key string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM form_drafts WHERE user_id = ? AND key = ?", userID, key)
		return err
	})
}

// PruneFormDrafts forgets what has not been touched since a moment.
func (s *Store) PruneFormDrafts(ctx context.Context, before time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM form_drafts WHERE at < ?", before.UnixMilli())
		return err
	})
}
