package sqlstore

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/telephony"
)

// SaveSeat makes or changes a seat.
func (s *Store) SaveSeat(ctx context.Context, seat telephony.Seat) error {
	row := &seatRow{
		ID: seat.ID, UserID: seat.User, Algorithm: string(seat.Algorithm), HA1: seat.HA1,
		AutoReady: flag(seat.AutoReady), Disabled: flag(seat.Disabled),
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		ins := tx.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE")
		for _, col := range []string{"user_id", "algorithm", "ha1", "auto_ready", "disabled"} {
			ins.Set("? = EXCLUDED.?", bun.Ident(col), bun.Ident(col))
		}
		_, err := ins.Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("save seat %s: %w", seat.ID, err)
	}
	return nil
}

// Seat reads one seat.
func (s *Store) Seat(ctx context.Context, id string) (telephony.Seat, error) {
	row := seatRow{}
	if err := s.db.Read().NewSelect().Model(&row).Where("s.id = ?", id).Scan(ctx); err != nil {
		return telephony.Seat{}, notFound(err, "seat %s", id)
	}
	return row.seat(), nil
}

// Seats lists all seats, by id.
func (s *Store) Seats(ctx context.Context) ([]telephony.Seat, error) {
	var rows []seatRow
	if err := s.db.Read().NewSelect().Model(&rows).OrderExpr("s.id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("seats: %w", err)
	}
	seats := make([]telephony.Seat, len(rows))
	for i := range rows {
		seats[i] = rows[i].seat()
	}
	return seats, nil
}

// DeleteSeat removes a seat.
func (s *Store) DeleteSeat(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().TableExpr("telephony_seats").Where("id = ?", id).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete seat %s: %w", id, err)
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("seat %s: %w", id, telephony.ErrNotFound)
	})
}
