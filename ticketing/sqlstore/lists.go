package sqlstore

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

// selectTickets reads those of a partition (as of ticketing.Query).
func (s *Store) selectTickets(partition string) *bun.SelectQuery {
	return within(s.db.read.NewSelect().Table(tableOf(partition)).ColumnExpr(columnsOf(tableOf(partition))), partition)
}

// within narrows a query of the sealed table to one partition.
func within(q *bun.SelectQuery, partition string) *bun.SelectQuery {
	if partition == "" || partition == ticketing.AnySealed {
		return q
	}
	return q.Where("\"partition\" = ?", partition)
}

// bounded narrows a query to what somebody of the centre sees; columns are
// those of a table of tickets.
func bounded(q *bun.SelectQuery, b ticketing.Bounds) *bun.SelectQuery {
	if b.None() {
		return q
	}
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.WhereGroup(" OR ", func(q *bun.SelectQuery) *bun.SelectQuery {
			if len(b.Districts) > 0 {
				q = q.Where("district IN (?)", bun.List(b.Districts))
			}
			if len(b.Lines) > 0 {
				q = q.Where("line IN (?)", bun.List(b.Lines))
			}
			return q
		})
		return q.WhereOr("operator = ? AND operator <> ''", b.Operator)
	})
}

// where adds the conditions of a query.
func where(q *bun.SelectQuery, f ticketing.Query) *bun.SelectQuery {
	q = bounded(within(q, f.Partition), f.Bounds)
	in := func(column string, n int, values any) {
		if n > 0 {
			q = q.Where("? IN (?)", bun.Ident(column), bun.List(values))
		}
	}
	in("state", len(f.States), f.States)
	in("type", len(f.Types), f.Types)
	in("category", len(f.Categories), f.Categories)
	in("district", len(f.Districts), f.Districts)
	in("department", len(f.Departments), f.Departments)
	in("channel", len(f.Channels), f.Channels)
	in("urgency", len(f.Urgencies), f.Urgencies)
	if f.ScopeOn {
		if len(f.Scope) == 0 {
			q = q.Where("1 = 0")
		} else {
			q = q.Where("(department IN (?) OR id IN (SELECT ticket_id FROM ticket_units WHERE department IN (?)))", bun.List(f.Scope), bun.List(f.Scope))
		}
	}
	if f.Line != "" {
		q = q.Where("line = ?", f.Line)
	}
	if f.Operator != "" {
		q = q.Where("operator = ?", f.Operator)
	}
	if f.Handler != "" {
		q = q.Where("handler = ?", f.Handler)
	}
	if f.Overdue {
		q = q.Where("due_at <= ?", f.Now.UnixMilli())
	}
	if f.AtDesk {
		q = q.Where("at_desk = 1")
	}
	if !f.From.IsZero() {
		q = q.Where("created_at >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		q = q.Where("created_at < ?", f.To.UnixMilli())
	}
	return q
}

// Tickets lists a page; counting stops at ticketing.CountCap.
func (s *Store) Tickets(ctx context.Context, f ticketing.Query) (ticketing.Page, error) {
	l := s.listOf(f)
	var after cursor
	if f.Cursor != "" {
		key, id, err := openCursor(f.Cursor, f.Sort)
		if err != nil {
			return ticketing.Page{}, err
		}
		after = cursor{key: key, id: id}
	}
	keys, err := l.keys(ctx, after, f.Limit+1)
	if err != nil {
		return ticketing.Page{}, err
	}
	var page ticketing.Page
	if len(keys) > f.Limit {
		keys = keys[:f.Limit]
		page.NextCursor = makeCursor(f.Sort, keys[f.Limit-1].key, keys[f.Limit-1].id)
	}
	if page.Items, err = s.inOrder(ctx, f.Partition, keys); err != nil {
		return ticketing.Page{}, err
	}
	if page.Total, err = l.count(ctx); err != nil {
		return ticketing.Page{}, err
	}
	if page.Total > ticketing.CountCap {
		page.Total, page.TotalCapped = ticketing.CountCap, true
	}
	return page, nil
}

// inOrder reads tickets in the order of their keys.
func (s *Store) inOrder(ctx context.Context, partition string, keys []cursor) ([]ticketing.Ticket, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.id
	}
	tickets, err := s.byID(ctx, tableOf(partition), ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]ticketing.Ticket, len(tickets))
	for _, t := range tickets {
		byID[t.ID] = t
	}
	list := make([]ticketing.Ticket, 0, len(keys))
	for _, id := range ids {
		if t, ok := byID[id]; ok {
			list = append(list, t)
		}
	}
	return list, nil
}

func makeCursor(sort ticketing.Sort, key int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(sort) + " " + strconv.FormatInt(key, 10) + " " + id))
}

func openCursor(cursor string, sort ticketing.Sort) (key int64, id string, err error) {
	bad := &ticketing.Error{Code: ticketing.CodeInvalid, Field: "cursor", Message: "is not one that this list gave out; start without a cursor", Zh: "翻页标记无效，请从第一页开始"}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) > 200 {
		return 0, "", bad
	}
	parts := strings.SplitN(string(raw), " ", 3)
	if len(parts) != 3 || parts[0] != string(sort) || !validUTF8(parts[2]) {
		return 0, "", bad
	}
	if key, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return 0, "", bad
	}
	return key, parts[2], nil
}

func validUTF8(s string) bool { return strings.ToValidUTF8(s, "") == s && !strings.ContainsRune(s, 0) }

// Scan reads the tickets of a partition in order of id after a given id.
func (s *Store) Scan(ctx context.Context, partition, after string, limit int) ([]ticketing.Ticket, error) {
	return s.readTickets(ctx, tableOf(partition), s.selectTickets(partition).Where("id > ?", after).OrderExpr("id").Limit(int64(limit)))
}

// NumberedAfter reads the tickets outside of sealed partitions whose number follows one.
func (s *Store) NumberedAfter(ctx context.Context, number string, limit int) ([]ticketing.Ticket, error) {
	return s.readTickets(ctx, tableOf(""), s.selectTickets("").Where("number > ?", number).OrderExpr("number").Limit(int64(limit)))
}

// TicketsByID reads several at once, of all partitions and in no order; those
// that are not there are left out.
func (s *Store) TicketsByID(ctx context.Context, ids []string) ([]ticketing.Ticket, error) {
	all, err := s.byID(ctx, openTable, ids)
	if err != nil || len(all) == len(ids) {
		return all, err
	}
	sealed, err := s.byID(ctx, sealedTable, ids)
	return append(all, sealed...), err
}

func (s *Store) byID(ctx context.Context, table string, ids []string) ([]ticketing.Ticket, error) {
	var all []ticketing.Ticket
	for some := range slices.Chunk(ids, maxTogether) {
		list, err := s.readTickets(ctx, table, s.db.read.NewSelect().Table(table).ColumnExpr(columnsOf(table)).Where("id IN (?)", bun.List(some)))
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// maxTogether bounds how many tickets one query names.
const maxTogether = 500

// ByPhone reads a caller's tickets in a partition, newest first.
func (s *Store) ByPhone(ctx context.Context, partition, phone string, limit int) ([]ticketing.Ticket, error) {
	lookup, err := s.persons.lookup(ctx, partition, phone)
	if err != nil {
		return nil, err
	}
	return s.readTickets(ctx, tableOf(partition), s.selectTickets(partition).Where("phone IN (?, ?)", lookup, phone).OrderExpr("created_at DESC, id DESC").Limit(int64(limit)))
}

// ByCall reads the tickets that a call is linked to, oldest first.
func (s *Store) ByCall(ctx context.Context, callID string) ([]ticketing.Ticket, error) {
	linked := s.db.read.NewSelect().Table("ticket_calls").Column("ticket_id").Where("call_id = ?", callID)
	var all []ticketing.Ticket
	for _, partition := range []string{"", ticketing.AnySealed} {
		some, err := s.readTickets(ctx, tableOf(partition), s.selectTickets(partition).Where("id IN (?)", linked).OrderExpr("created_at, id").Limit(200))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// QueryCode reads the stored query code of a number; ErrAbsent when there is none.
func (s *Store) QueryCode(ctx context.Context, number string) (ticketing.QueryCode, error) {
	var q ticketing.QueryCode
	if !validUTF8(number) {
		return q, ticketing.ErrAbsent
	}
	for _, table := range []string{openTable, sealedTable} {
		err := s.db.read.NewRaw("SELECT q.ticket_id, q.salt, q.hash FROM ? AS t JOIN query_codes q ON q.ticket_id = t.id WHERE t.number = ?", bun.Ident(table), number).
			Scan(ctx, &q.TicketID, &q.Salt, &q.Hash)
		if !errors.Is(err, sql.ErrNoRows) {
			return q, err
		}
	}
	return q, ticketing.ErrAbsent
}

// Reads lists the looks at a citizen's data, oldest first.
func (s *Store) Reads(ctx context.Context, ticketID string) ([]ticketing.Read, error) {
	rows, err := s.db.read.NewSelect().Table("person_reads").Column("id", "ticket_id", "user_id", "what", "reason", "call_id", "at").
		Where("ticket_id = ?", ticketID).OrderExpr("id").Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.Read
	for rows.Next() {
		var r ticketing.Read
		var when int64
		if err := rows.Scan(&r.ID, &r.TicketID, &r.UserID, &r.What, &r.Reason, &r.CallID, &when); err != nil {
			return nil, err
		}
		r.At = at(when)
		list = append(list, r)
	}
	return list, rows.Err()
}

const notificationColumns = "id, ticket_id, number, kind, clock, audience, created_at"

func scanNotification(row scanner) (ticketing.Notification, error) {
	var n ticketing.Notification
	var when int64
	err := row.Scan(&n.ID, &n.TicketID, &n.Number, &n.Kind, &n.Clock, &n.Audience, &when)
	n.CreatedAt = at(when)
	return n, err
}

// Notification reads one by id; ErrAbsent when there is none.
func (s *Store) Notification(ctx context.Context, id string) (ticketing.Notification, error) {
	row := s.db.read.QueryRowContext(ctx, "SELECT "+notificationColumns+" FROM notifications WHERE id = ?", id)
	n, err := scanNotification(row)
	if errors.Is(err, sql.ErrNoRows) {
		return n, ticketing.ErrAbsent
	}
	return n, err
}

// Notifications lists the newest for some audiences.
func (s *Store) Notifications(ctx context.Context, audiences []string, limit int) ([]ticketing.Notification, error) {
	if len(audiences) == 0 {
		return nil, nil
	}
	rows, err := s.db.read.NewSelect().Table("notifications").ColumnExpr(notificationColumns).
		Where("audience IN (?)", bun.List(audiences)).OrderExpr("created_at DESC, id DESC").Limit(int64(limit)).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.Notification
	for rows.Next() {
		n, err := scanNotification(rows)
		if err != nil {
			return nil, fmt.Errorf("notification: %w", err)
		}
		list = append(list, n)
	}
	return list, rows.Err()
}
