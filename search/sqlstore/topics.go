package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"hotline/search/gather"
)

type topicRow struct {
	bun.BaseModel `bun:"table:search_topics,alias:t"`

	ID       string  `bun:"id,pk"`
	Version  int64   `bun:"version"`
	JoinedTo string  `bun:"joined_to"`
	Name     string  `bun:"name"`
	District string  `bun:"district"`
	Category string  `bun:"category"`
	Members  int64   `bun:"members"`
	HeatRank float64 `bun:"heat_rank"`
	LastAt   int64   `bun:"last_at"`
	Doc      string  `bun:"doc"`
}

func (r *topicRow) topic() (t gather.Topic, err error) {
	if err = json.Unmarshal([]byte(r.Doc), &t); err != nil {
		err = fmt.Errorf("topic %s: %w", r.ID, err)
	}
	return t, err
}

type memberRow struct {
	bun.BaseModel `bun:"table:search_topic_members,alias:m"`

	Ticket     string `bun:"ticket,pk"`
	Number     string `bun:"number"`
	Topic      string `bun:"topic"`
	At         int64  `bun:"at"`
	GatheredAt int64  `bun:"gathered_at"`
}

func (r *memberRow) member() gather.Member {
	return gather.Member{Ticket: r.Ticket, Number: r.Number, Topic: r.Topic, At: time.UnixMilli(r.At).UTC(), GatheredAt: time.UnixMilli(r.GatheredAt).UTC()}
}

type followerRow struct {
	bun.BaseModel `bun:"table:search_topic_followers,alias:f"`

	Topic string `bun:"topic,pk"`
	User  string `bun:"user_id,pk"`
}

// Gather writes a change.
func (s *Store) Gather(ctx context.Context, c gather.Change) error {
	rows := make([]*topicRow, len(c.Topics))
	for i, t := range c.Topics {
		doc, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("topic %s: %w", t.ID, err)
		}
		rows[i] = &topicRow{
			ID: t.ID, Version: t.Version, JoinedTo: t.Into, Name: t.Name, District: t.District, Category: t.Category,
			Members: int64(t.Members), HeatRank: t.HeatRank(), LastAt: t.Last.UnixMilli(), Doc: string(doc),
		}
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, row := range rows {
			won, err := replace(ctx, tx, row, row.Version)
			if err == nil && !won {
				err = gather.ErrConflict
			}
			if err != nil {
				return err
			}
		}
		for from, into := range c.Joined {
			if err := joinMembers(ctx, tx, from, into); err != nil {
				return err
			}
		}
		for _, m := range c.Moves {
			if err := move(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("gather topics: %w", err)
	}
	return nil
}

// move writes a ticket's topic, where the ticket is still what it was.
func move(ctx context.Context, tx bun.Tx, m gather.Move) error {
	var res sql.Result
	var err error
	if m.Fresh {
		row := &memberRow{Ticket: m.Ticket, Number: m.Number, Topic: m.Topic, At: m.At.UnixMilli(), GatheredAt: m.GatheredAt.UnixMilli()}
		res, err = tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
	} else {
		res, err = tx.NewUpdate().Model((*memberRow)(nil)).Set("topic = ?", m.Topic).Where("ticket = ? AND topic = ?", m.Ticket, m.Was).Exec(ctx)
	}
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = gather.ErrConflict
	}
	if err != nil || !m.Fresh || m.Topic == "" {
		return err
	}
	return markGrown(ctx, tx, m.Topic)
}

func joinMembers(ctx context.Context, tx bun.Tx, from, into string) error {
	if _, err := tx.NewUpdate().Model((*memberRow)(nil)).Set("topic = ?", into).Where("topic = ?", from).Exec(ctx); err != nil {
		return err
	}
	var followers []followerRow
	if err := tx.NewSelect().Model(&followers).Where("f.topic = ?", from).Scan(ctx); err != nil {
		return err
	}
	for i := range followers {
		followers[i].Topic = into
		if _, err := tx.NewInsert().Model(&followers[i]).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
	}
	_, err := tx.NewDelete().Model((*followerRow)(nil)).Where("topic = ?", from).Exec(ctx)
	return err
}

// Topic reads one.
func (s *Store) Topic(ctx context.Context, id string) (gather.Topic, error) {
	row := topicRow{}
	err := s.db.Read().NewSelect().Model(&row).Where("t.id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = gather.ErrNotFound
	}
	if err != nil {
		return gather.Topic{}, fmt.Errorf("topic %s: %w", id, err)
	}
	return row.topic()
}

// Bounds of a list.
const (
	usualTopics = 50
	mostTopics  = 200
)

// topicOrder is the column of an order, and where a topic stands in it.
func topicOrder(sort gather.Sort) (column string, of func(topicRow) string) {
	switch sort {
	case gather.Newest:
		return "last_at", func(r topicRow) string { return strconv.FormatInt(r.LastAt, 10) }
	case gather.Largest:
		return "members", func(r topicRow) string { return strconv.FormatInt(r.Members, 10) }
	default:
		return "heat_rank", func(r topicRow) string { return strconv.FormatFloat(r.HeatRank, 'g', -1, 64) }
	}
}

// Topics lists topics that stand by themselves.
func (s *Store) Topics(ctx context.Context, f gather.Filter) (gather.Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = usualTopics
	}
	limit = min(limit, mostTopics)
	var page gather.Page
	total, err := topicsOf(s.db.Read().NewSelect().Model((*topicRow)(nil)), f).Count(ctx)
	if err != nil {
		return page, fmt.Errorf("count topics: %w", err)
	}
	page.Total = int(total)
	column, standing := topicOrder(f.Sort)
	var rows []topicRow
	q := topicsOf(s.db.Read().NewSelect().Model(&rows), f).OrderExpr("? DESC, t.id DESC", bun.Ident("t."+column)).Limit(int64(limit) + 1)
	if f.Cursor != "" {
		at, id, ok := strings.Cut(f.Cursor, "~")
		value, err := strconv.ParseFloat(at, 64)
		if !ok || err != nil {
			return page, &gather.RefusedError{Reason: "the cursor is not one of this list"}
		}
		q.Where("(? < ? OR ? = ? AND t.id < ?)", bun.Ident("t."+column), value, bun.Ident("t."+column), value, id)
	}
	if err := q.Scan(ctx); err != nil {
		return page, fmt.Errorf("list topics: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = standing(rows[limit-1]) + "~" + rows[limit-1].ID
	}
	page.Items = make([]gather.Topic, len(rows))
	for i := range rows {
		if page.Items[i], err = rows[i].topic(); err != nil {
			return page, err
		}
	}
	return page, nil
}

func topicsOf(q *bun.SelectQuery, f gather.Filter) *bun.SelectQuery {
	least := f.Least
	if least == 0 {
		least = 2
	}
	q = q.Where("t.joined_to = '' AND t.members >= ?", least)
	q = among(among(q, "t.district", f.Districts), "t.category", f.Categories)
	if f.FollowedBy != "" {
		q = q.Where("EXISTS (SELECT 1 FROM search_topic_followers AS f WHERE f.topic = t.id AND f.user_id = ?)", f.FollowedBy)
	}
	if f.Name != "" {
		escaped := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(f.Name)
		q = q.Where(`t.name LIKE ? ESCAPE '\'`, "%"+escaped+"%")
	}
	if !f.Since.IsZero() {
		q = q.Where("t.last_at >= ?", f.Since.UnixMilli())
	}
	return q
}

// Memberships are those of some tickets.
func (s *Store) Memberships(ctx context.Context, tickets []string) ([]gather.Member, error) {
	if len(tickets) == 0 {
		return nil, nil
	}
	return s.members(ctx, s.db.Read().NewSelect().Where("m.ticket IN (?)", bun.List(tickets)))
}

func (s *Store) members(ctx context.Context, q *bun.SelectQuery) ([]gather.Member, error) {
	var rows []memberRow
	if err := q.Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("tickets of topics: %w", err)
	}
	out := make([]gather.Member, len(rows))
	for i := range rows {
		out[i] = rows[i].member()
	}
	return out, nil
}

// Members are the newest tickets of a topic.
func (s *Store) Members(ctx context.Context, topic string, limit int) ([]gather.Member, int, error) {
	total, err := s.db.Read().NewSelect().Model((*memberRow)(nil)).Where("m.topic = ? AND m.topic <> ''", topic).Count(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("tickets of topic %s: %w", topic, err)
	}
	list, err := s.members(ctx, s.db.Read().NewSelect().Where("m.topic = ? AND m.topic <> ''", topic).OrderExpr("m.at DESC, m.ticket DESC").Limit(int64(limit)))
	return list, int(total), err
}

// Days counts the tickets of topics by day in Shanghai.
func (s *Store) Days(ctx context.Context, topics []string, from, to time.Time) ([]gather.Day, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	return s.days(ctx, from, to, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("m.topic IN (?)", bun.List(topics)).OrderExpr("1, 2")
	})
}

// Busiest are the days of single topics with the most tickets.
func (s *Store) Busiest(ctx context.Context, from, to time.Time, n int) ([]gather.Day, error) {
	return s.days(ctx, from, to, func(q *bun.SelectQuery) *bun.SelectQuery { return q.OrderExpr("3 DESC, 1, 2").Limit(int64(n)) })
}

func (s *Store) days(ctx context.Context, from, to time.Time, narrow func(*bun.SelectQuery) *bun.SelectQuery) ([]gather.Day, error) {
	const east, day = 8 * time.Hour, 24 * time.Hour // without summer time since 1992
	q := s.db.Read().NewSelect().Model((*memberRow)(nil)).Column("topic").
		ColumnExpr("(m.at + ?) / ? AS part", east.Milliseconds(), day.Milliseconds()).ColumnExpr("count(*)").
		Where("m.topic <> ''").Where("m.at >= ? AND m.at < ?", from.UnixMilli(), to.UnixMilli()).GroupExpr("1, 2")
	rows, err := narrow(q).Rows(ctx)
	if err != nil {
		return nil, fmt.Errorf("days of topics: %w", err)
	}
	defer rows.Close()
	var list []gather.Day
	for rows.Next() {
		var d gather.Day
		var part int64
		if err := rows.Scan(&d.Topic, &part, &d.Count); err != nil {
			return nil, fmt.Errorf("days of topics: %w", err)
		}
		d.Day = time.UnixMilli(part * day.Milliseconds()).UTC().Format(time.DateOnly)
		list = append(list, d)
	}
	return list, rows.Err()
}

// LastNumber is the highest number that was gathered before a moment.
func (s *Store) LastNumber(ctx context.Context, before time.Time) (string, error) {
	var numbers []string
	err := s.db.Read().NewSelect().Model((*memberRow)(nil)).Column("number").Where("m.gathered_at < ?", before.UnixMilli()).
		OrderExpr("m.number DESC").Limit(1).Scan(ctx, &numbers)
	if err != nil {
		return "", fmt.Errorf("last ticket that was gathered: %w", err)
	}
	return strings.Join(numbers, ""), nil
}

// Follow lets a user follow a topic, or not any more.
func (s *Store) Follow(ctx context.Context, topic, user string, on bool) error {
	row := &followerRow{Topic: topic, User: user}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if on {
			_, err = tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
		} else {
			_, err = tx.NewDelete().Model(row).WherePK().Exec(ctx)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("follow topic %s: %w", topic, err)
	}
	return nil
}

// Followers of a topic, in order.
func (s *Store) Followers(ctx context.Context, topic string) ([]string, error) {
	var users []string
	err := s.db.Read().NewSelect().Model((*followerRow)(nil)).Column("user_id").Where("f.topic = ?", topic).OrderExpr("f.user_id").Scan(ctx, &users)
	if err != nil {
		return nil, fmt.Errorf("followers of topic %s: %w", topic, err)
	}
	return users, nil
}
