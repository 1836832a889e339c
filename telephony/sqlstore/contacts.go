package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/telephony"
	"hotline/telephony/survey"
)

// contactRow is a contact. What it is taken by is in the columns alone, so that taking is one statement.
type contactRow struct {
	bun.BaseModel `bun:"table:telephony_contacts,alias:c"`

	ID         string `bun:"id,pk"`
	CampaignID string `bun:"campaign_id"`
	Number     string `bun:"number"`
	State      string `bun:"state"`
	Holder     string `bun:"holder"`
	TakenAt    int64  `bun:"taken_at"`
	NotUntil   int64  `bun:"not_until"`
	Outcome    string `bun:"outcome"`
	Doc        string `bun:"doc"`
}

func contactOf(c telephony.Contact) (contactRow, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return contactRow{}, fmt.Errorf("contact %s: %w", c.ID, err)
	}
	return contactRow{
		ID: c.ID, CampaignID: c.Campaign, Number: c.Number, State: string(c.State), Holder: c.Holder, TakenAt: millis(c.TakenAt),
		NotUntil: millis(c.NotUntil), Outcome: string(c.Outcome), Doc: string(doc),
	}, nil
}

func (r *contactRow) contact() (c telephony.Contact, err error) {
	if err = json.Unmarshal([]byte(r.Doc), &c); err != nil {
		return c, fmt.Errorf("contact %s: %w", r.ID, err)
	}
	c.State, c.Holder, c.TakenAt = telephony.ContactState(r.State), r.Holder, instant(r.TakenAt)
	return c, nil
}

func (s *Store) contacts(ctx context.Context, rows []contactRow) ([]telephony.Contact, error) {
	if err := s.show(ctx, textsOf(len(rows), func(i int) []*string { return rows[i].texts() })...); err != nil {
		return nil, err
	}
	all := make([]telephony.Contact, len(rows))
	for i := range rows {
		var err error
		if all[i], err = rows[i].contact(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// AddContacts puts contacts on a campaign's list.
func (s *Store) AddContacts(ctx context.Context, all []telephony.Contact) (int, error) {
	rows := make([]contactRow, len(all))
	for i, c := range all {
		var err error
		if rows[i], err = contactOf(c); err != nil {
			return 0, err
		}
	}
	if err := s.hide(ctx, textsOf(len(rows), func(i int) []*string { return rows[i].texts() })...); err != nil {
		return 0, err
	}
	added := int64(0)
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		added = 0
		for left := rows; len(left) > 0; { // a statement takes so many values and no more
			some := left[:min(len(left), 500)]
			left = left[len(some):]
			res, err := tx.NewInsert().Model(&some).On("CONFLICT (campaign_id, number) DO NOTHING").Exec(ctx)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("add contacts: %w", err)
	}
	return int(added), nil
}

// SaveContact changes a contact.
func (s *Store) SaveContact(ctx context.Context, c telephony.Contact) error {
	row, err := contactOf(c)
	if err != nil {
		return err
	}
	if err := s.hide(ctx, row.texts()...); err != nil {
		return err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model(&row).Column("state", "holder", "taken_at", "not_until", "outcome", "doc").Where("id = ?", c.ID).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("contact %s: %w", c.ID, telephony.ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save a contact: %w", err)
	}
	return nil
}

// Contact reads one.
func (s *Store) Contact(ctx context.Context, id string) (telephony.Contact, error) {
	row := contactRow{}
	if err := s.db.Read().NewSelect().Model(&row).Where("c.id = ?", id).Scan(ctx); err != nil {
		return telephony.Contact{}, notFound(err, "contact %s", id)
	}
	if err := s.show(ctx, row.texts()...); err != nil {
		return telephony.Contact{}, err
	}
	return row.contact()
}

// Contacts lists contacts in the order of the list.
func (s *Store) Contacts(ctx context.Context, f telephony.ContactFilter) ([]telephony.Contact, error) {
	var rows []contactRow
	q := s.db.Read().NewSelect().Model(&rows).Where("c.campaign_id = ?", f.Campaign).OrderExpr("c.id").Limit(int64(pageLimit(f.Limit, 100, 1000)))
	if f.After != "" {
		q.Where("c.id > ?", f.After)
	}
	if f.State != "" {
		q.Where("c.state = ?", string(f.State))
	}
	if f.Outcome != "" {
		q.Where("c.outcome = ?", string(f.Outcome))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list contacts: %w", err)
	}
	return s.contacts(ctx, rows)
}

// TakeContacts gives contacts that wait and are due to a holder.
func (s *Store) TakeContacts(ctx context.Context, campaign, holder string, at time.Time, limit int) ([]telephony.Contact, error) {
	var rows []contactRow
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		rows = nil
		due := tx.NewSelect().TableExpr("telephony_contacts").Column("id").Where("campaign_id = ?", campaign).Where("state = ?", string(telephony.ContactWaiting)).
			Where("not_until <= ?", millis(at)).OrderExpr("not_until, id").Limit(int64(limit))
		// Whoever took one in between has changed its state: it is looked at again when its row is free.
		return tx.NewUpdate().Model(&rows).Set("state = ?", string(telephony.ContactTaken)).Set("holder = ?", holder).Set("taken_at = ?", millis(at)).
			Where("c.id IN (?)", due).Where("c.state = ?", string(telephony.ContactWaiting)).Returning("*").Scan(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("take contacts: %w", err)
	}
	return s.contacts(ctx, rows)
}

// ReleaseContacts lets those of a holder wait again.
func (s *Store) ReleaseContacts(ctx context.Context, holder string) (int, error) {
	n := int64(0)
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model((*contactRow)(nil)).Set("state = ?", string(telephony.ContactWaiting)).Set("holder = ''").Set("taken_at = 0").
			Where("state = ?", string(telephony.ContactTaken)).Where("holder = ?", holder).Exec(ctx)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("release contacts: %w", err)
	}
	return int(n), nil
}

// CountContacts counts a campaign's contacts.
func (s *Store) CountContacts(ctx context.Context, campaign string) ([]telephony.ContactCount, error) {
	var rows []struct {
		State   string `bun:"state"`
		Outcome string `bun:"outcome"`
		Count   int    `bun:"count"`
	}
	err := s.db.Read().NewSelect().TableExpr("telephony_contacts").Column("state", "outcome").ColumnExpr("COUNT(*) AS count").
		Where("campaign_id = ?", campaign).Group("state", "outcome").OrderExpr("state, outcome").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count contacts: %w", err)
	}
	all := make([]telephony.ContactCount, len(rows))
	for i, r := range rows {
		all[i] = telephony.ContactCount{State: telephony.ContactState(r.State), Outcome: survey.Outcome(r.Outcome), Count: r.Count}
	}
	return all, nil
}

type noCallRow struct {
	bun.BaseModel `bun:"table:telephony_no_calls,alias:n"`

	Number string `bun:"number,pk"`
	By     string `bun:"by_user"`
	Reason string `bun:"reason"`
	At     int64  `bun:"at"`
}

// ForbidCalls puts a number on the list of those that no campaign calls.
func (s *Store) ForbidCalls(ctx context.Context, n telephony.NoCall) error {
	row := &noCallRow{Number: n.Number, By: n.By, Reason: n.Reason, At: millis(n.At)}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		ins := tx.NewInsert().Model(row).On("CONFLICT (number) DO UPDATE")
		for _, col := range []string{"by_user", "reason", "at"} {
			ins.Set("? = EXCLUDED.?", bun.Ident(col), bun.Ident(col))
		}
		_, err := ins.Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("forbid calls to a number: %w", err)
	}
	return nil
}

// AllowCalls takes a number off that list.
func (s *Store) AllowCalls(ctx context.Context, number string) error {
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().TableExpr("telephony_no_calls").Where("number = ?", number).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("the number: %w", telephony.ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("allow calls: %w", err)
	}
	return nil
}

// NoCalls lists such numbers.
func (s *Store) NoCalls(ctx context.Context, after string, limit int) ([]telephony.NoCall, error) {
	var rows []noCallRow
	err := s.db.Read().NewSelect().Model(&rows).Where("n.number > ?", after).OrderExpr("n.number").Limit(int64(pageLimit(limit, 100, 1000))).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list numbers that are not called: %w", err)
	}
	all := make([]telephony.NoCall, len(rows))
	for i, r := range rows {
		all[i] = telephony.NoCall{Number: r.Number, By: r.By, Reason: r.Reason, At: instant(r.At)}
	}
	return all, nil
}

// Forbidden tells which of some numbers are on that list.
func (s *Store) Forbidden(ctx context.Context, numbers []string) (map[string]bool, error) {
	found := map[string]bool{}
	for len(numbers) > 0 {
		some := numbers[:min(len(numbers), 500)]
		numbers = numbers[len(some):]
		var rows []string
		err := s.db.Read().NewSelect().TableExpr("telephony_no_calls").Column("number").Where("number IN (?)", bun.List(some)).Scan(ctx, &rows)
		if err != nil {
			return nil, fmt.Errorf("which numbers are not called: %w", err)
		}
		for _, n := range rows {
			found[n] = true
		}
	}
	return found, nil
}
