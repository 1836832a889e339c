package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/keyring"
)

// clearAtOnce bounds how many rows one transaction seals.
const clearAtOnce = 50

// SealClear seals tickets that are in the clear: they are from before there were
// keys of persons. It tells how many it sealed, up to limit; 0 when none are left.
func (s *Store) SealClear(ctx context.Context, limit int) (int, error) {
	done := 0
	for _, t := range []struct{ table, clear string }{
		{openTable, "person = '' AND (name <> '' OR phone <> '')"}, {sealedTable, "doc LIKE '{%'"},
	} {
		for done < limit {
			n, err := s.sealSome(ctx, t.table, t.clear, min(limit-done, clearAtOnce))
			if done += n; err != nil || n == 0 {
				if err != nil {
					return done, err
				}
				break
			}
		}
	}
	return done, nil
}

func (s *Store) sealSome(ctx context.Context, table, clear string, limit int) (int, error) {
	list, err := s.readTickets(ctx, table, s.db.read.NewSelect().Table(table).ColumnExpr(columnsOf(table)).Where(clear).OrderExpr("id").Limit(int64(limit)))
	if err != nil || len(list) == 0 {
		return 0, err
	}
	for i := range list {
		// The row is written as it is: the same version, told by no event.
		same := ticketing.Change{Ticket: &list[i], PrevVersion: list[i].Version, Edited: true}
		if err := s.sealEvents(ctx, list[i]); err != nil {
			return i, err
		}
		if err := s.Commit(ctx, same); err != nil && !errors.Is(err, ticketing.ErrStale) { // moved on since: next time
			return i, fmt.Errorf("seal ticket %s: %w", list[i].ID, err)
		}
	}
	return len(list), nil
}

// sealEvents seals the history of a ticket of a sealed partition.
func (s *Store) sealEvents(ctx context.Context, t ticketing.Ticket) error {
	if t.Partition == "" {
		return nil
	}
	events, err := s.Events(ctx, t.ID)
	if err != nil {
		return err
	}
	return s.RewriteEvents(ctx, t, events)
}

// Rewrapped says what was put under the present master key.
type Rewrapped struct {
	Persons, StoreKeys, SecondFactors int
}

// Rewrap puts all that an older master key holds under the present one. The
// ledger keeps what it was made with: its hashes need the older keys.
func (s *Store) Rewrap(ctx context.Context) (Rewrapped, error) {
	var done Rewrapped
	var err error
	if done.StoreKeys, err = s.rewrapTable(ctx, "store_keys", "name", "store:"); err != nil {
		return done, err
	}
	if done.Persons, err = s.rewrapTable(ctx, "persons", "id", "person:"); err != nil {
		return done, err
	}
	done.SecondFactors, err = s.rewrapSeconds(ctx)
	return done, err
}

// rewrapSeconds does the same with the secrets of users' second factors.
func (s *Store) rewrapSeconds(ctx context.Context) (int, error) {
	users, err := s.Users(ctx)
	if err != nil {
		return 0, err
	}
	done := 0
	for _, u := range users {
		if len(u.Second.Sealed) == 0 || keyring.Under(u.Second.Sealed) == s.keys.Current() {
			continue
		}
		about := ticketing.AboutSecond(u.ID)
		secret, err := s.keys.Open(u.Second.Sealed, about)
		if err != nil {
			return done, fmt.Errorf("second factor of user %s: %w", u.ID, err)
		}
		if u.Second.Sealed, err = s.keys.Seal(secret, about); err != nil {
			return done, err
		}
		if err := s.SaveUser(ctx, u, ticketing.Change{}); err != nil && !errors.Is(err, ticketing.ErrStale) {
			return done, err
		}
		done++
	}
	return done, nil
}

func (s *Store) rewrapTable(ctx context.Context, table, column, about string) (int, error) {
	const together = 500
	done, after := 0, ""
	for {
		names, wrapped, err := s.wrappedAfter(ctx, table, column, after, together)
		if err != nil {
			return done, err
		}
		err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			for i, name := range names {
				if len(wrapped[i]) == 0 || keyring.Under(wrapped[i]) == s.keys.Current() {
					continue
				}
				key, err := s.keys.Unwrap(wrapped[i], about+name)
				if err != nil {
					return fmt.Errorf("%s: wrapped with the master key %s, which is not in the key file: %w", table, keyring.Under(wrapped[i]), err)
				}
				again, err := s.keys.Wrap(s.persons.cipher, key, about+name)
				if err != nil {
					return err
				}
				// One that was destroyed in between stays so.
				res, err := tx.NewRaw("UPDATE ? SET wrapped = ? WHERE ? = ? AND wrapped = ?", bun.Ident(table), again, bun.Ident(column), name, wrapped[i]).Exec(ctx)
				if err != nil {
					return err
				}
				n, err := res.RowsAffected()
				if err != nil {
					return err
				}
				done += int(n)
			}
			return nil
		})
		if err != nil {
			return done, err
		}
		if len(names) < together {
			return done, nil
		}
		after = names[len(names)-1]
	}
}

func (s *Store) wrappedAfter(ctx context.Context, table, column, after string, limit int) (names []string, wrapped [][]byte, err error) {
	rows, err := s.db.read.NewSelect().Table(table).Column(column, "wrapped").Where("? > ?", bun.Ident(column), after).OrderExpr("?", bun.Ident(column)).Limit(int64(limit)).Rows(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var raw []byte
		if err := rows.Scan(&name, &raw); err != nil {
			return nil, nil, err
		}
		names, wrapped = append(names, name), append(wrapped, raw)
	}
	return names, wrapped, rows.Err()
}
