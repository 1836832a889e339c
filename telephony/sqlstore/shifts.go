package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

type shiftRow struct {
	bun.BaseModel `bun:"table:telephony_shifts,alias:s"`

	ID     string `bun:"id,pk"`
	UserID string `bun:"user_id"`
	From   int64  `bun:"from_at"`
	To     int64  `bun:"to_at"`
	Note   string `bun:"note"`
	By     string `bun:"by_user"`
}

// ReplaceShifts replaces those that begin in [from, to), in one transaction.
func (s *Store) ReplaceShifts(ctx context.Context, from, to time.Time, shifts []telephony.Shift) error {
	rows := make([]shiftRow, len(shifts))
	for i, x := range shifts {
		rows[i] = shiftRow{ID: x.ID, UserID: x.User, From: millis(x.From), To: millis(x.To), Note: x.Note, By: x.By}
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().TableExpr("telephony_shifts").Where("from_at >= ?", millis(from)).Where("from_at < ?", millis(to)).Exec(ctx)
		for left := rows; len(left) > 0 && err == nil; { // a statement takes so many values and no more
			some := left[:min(len(left), 500)]
			left = left[len(some):]
			_, err = tx.NewInsert().Model(&some).Exec(ctx)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("replace the shifts from %s to %s: %w", from, to, err)
	}
	return nil
}

// Shifts are those that lie in [from, to) or reach into it, by begin and person.
func (s *Store) Shifts(ctx context.Context, from, to time.Time) ([]telephony.Shift, error) {
	var rows []shiftRow
	err := s.db.Read().NewSelect().Model(&rows).Where("s.from_at < ?", millis(to)).Where("s.to_at > ?", millis(from)).OrderExpr("s.from_at, s.user_id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the shifts from %s to %s: %w", from, to, err)
	}
	shifts := make([]telephony.Shift, len(rows))
	for i, r := range rows {
		shifts[i] = telephony.Shift{ID: r.ID, User: r.UserID, From: instant(r.From), To: instant(r.To), Note: r.Note, By: r.By}
	}
	return shifts, nil
}
