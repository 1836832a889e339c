package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

const userColumns = "id, login, name, roles, department, seat, password_hash, disabled, created_at, phone, \"partition\", password_at, must_change, old_hashes, second, subject, district, lines, version"

func scanUser(row scanner) (ticketing.User, error) {
	var u ticketing.User
	var roles, old, second, lines string
	var disabled, created, changed, must int64
	err := row.Scan(&u.ID, &u.Login, &u.Name, &roles, &u.Department, &u.Seat, &u.PasswordHash, &disabled, &created,
		&u.Phone, &u.Partition, &changed, &must, &old, &second, &u.Subject, &u.District, &lines, &u.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return u, ticketing.ErrAbsent
	}
	if err != nil {
		return u, err
	}
	u.Disabled, u.CreatedAt, u.PasswordAt, u.MustChange = disabled != 0, at(created), at(changed), must != 0
	err = errors.Join(json.Unmarshal([]byte(roles), &u.Roles), json.Unmarshal([]byte(old), &u.OldHashes), json.Unmarshal([]byte(second), &u.Second), json.Unmarshal([]byte(lines), &u.Lines))
	if err != nil {
		return u, fmt.Errorf("user %s: %w", u.ID, err)
	}
	if len(u.OldHashes) == 0 {
		u.OldHashes = nil
	}
	if len(u.Lines) == 0 {
		u.Lines = nil
	}
	return u, nil
}

// User reads one by id; ticketing.ErrAbsent when there is none.
func (s *Store) User(ctx context.Context, id string) (ticketing.User, error) {
	return scanUser(s.db.read.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE id = ?", id))
}

// UserByLogin reads one by login; ticketing.ErrAbsent when there is none.
func (s *Store) UserByLogin(ctx context.Context, login string) (ticketing.User, error) {
	if !validUTF8(login) {
		return ticketing.User{}, ticketing.ErrAbsent
	}
	return scanUser(s.db.read.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE login = ?", login))
}

// UserBySubject reads one by who it is at the identity provider; ticketing.ErrAbsent when there is none.
func (s *Store) UserBySubject(ctx context.Context, subject string) (ticketing.User, error) {
	if subject == "" || !validUTF8(subject) {
		return ticketing.User{}, ticketing.ErrAbsent
	}
	return scanUser(s.db.read.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE subject = ?", subject))
}

// Users lists everybody in order of login.
func (s *Store) Users(ctx context.Context) ([]ticketing.User, error) {
	rows, err := s.db.read.QueryContext(ctx, "SELECT "+userColumns+" FROM users ORDER BY login")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.User
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// SaveUser adds a user (version 0) or changes one that still has its version, with
// what is written beside; ticketing.ErrExists when another user has the login,
// ticketing.ErrStale when somebody else changed the user meanwhile.
func (s *Store) SaveUser(ctx context.Context, u ticketing.User, beside ticketing.Change) error {
	var texts [4]string
	for i, v := range []any{orEmpty(u.Roles), orEmpty(u.OldHashes), u.Second, orEmpty(u.Lines)} {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("user: %w", err)
		}
		texts[i] = string(raw)
	}
	return s.writeBeside(ctx, beside, func(ctx context.Context, tx bun.Tx) error {
		if u.Version == 0 {
			_, err := tx.NewRaw("INSERT INTO users ("+userColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
				u.ID, u.Login, u.Name, texts[0], u.Department, u.Seat, u.PasswordHash, flag(u.Disabled), ms(u.CreatedAt),
				u.Phone, u.Partition, ms(u.PasswordAt), flag(u.MustChange), texts[1], texts[2], u.Subject, u.District, texts[3]).Exec(ctx)
			return loginTaken(err)
		}
		result, err := tx.NewRaw("UPDATE users SET login = ?, name = ?, roles = ?, department = ?, seat = ?, password_hash = ?, disabled = ?, phone = ?, "+
			"\"partition\" = ?, password_at = ?, must_change = ?, old_hashes = ?, second = ?, subject = ?, district = ?, lines = ?, version = version + 1 WHERE id = ? AND version = ?",
			u.Login, u.Name, texts[0], u.Department, u.Seat, u.PasswordHash, flag(u.Disabled),
			u.Phone, u.Partition, ms(u.PasswordAt), flag(u.MustChange), texts[1], texts[2], u.Subject, u.District, texts[3], u.ID, u.Version).Exec(ctx)
		if err != nil {
			return loginTaken(err)
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, ticketing.ErrStale)
		}
		return nil
	})
}

func loginTaken(err error) error {
	if _, taken := unique(err); taken {
		return fmt.Errorf("login: %w", ticketing.ErrExists)
	}
	return err
}

// writeBeside runs fn and writes a change in one transaction.
func (s *Store) writeBeside(ctx context.Context, beside ticketing.Change, fn func(context.Context, bun.Tx) error) error {
	p, err := s.plan(ctx, beside, fresh{})
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return p.write(ctx, tx)
	})
	if err == nil {
		s.hub.wake(topicsOf(beside)...)
	}
	return err
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// UseStep takes the time step of a one-time code; it tells false when that step,
// or a later one, was taken before.
func (s *Store) UseStep(ctx context.Context, userID string, step int64) (bool, error) {
	var taken int64
	err := s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewRaw("UPDATE users SET second_step = ? WHERE id = ? AND second_step < ?", step, userID, step).Exec(ctx)
		if err != nil {
			return err
		}
		taken, err = result.RowsAffected()
		return err
	})
	return taken == 1, err
}

// SaveSession adds a session.
func (s *Store) SaveSession(ctx context.Context, v ticketing.Session) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("INSERT INTO sessions (token_hash, "+sessionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			v.TokenHash, v.UserID, v.Address, ms(v.CreatedAt), ms(v.ExpiresAt), ms(v.RevokedAt), v.ID, v.Agent, v.Way).Exec(ctx)
		return err
	})
}

const sessionColumns = "user_id, address, created_at, expires_at, revoked_at, id, agent, way"

func scanSession(row scanner) (ticketing.Session, error) {
	var v ticketing.Session
	var created, expires, revoked int64
	err := row.Scan(&v.TokenHash, &v.UserID, &v.Address, &created, &expires, &revoked, &v.ID, &v.Agent, &v.Way)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ticketing.ErrAbsent
	}
	v.CreatedAt, v.ExpiresAt, v.RevokedAt = at(created), at(expires), at(revoked)
	return v, err
}

// Session reads one by the hash of its token, revoked and expired ones too;
// ticketing.ErrAbsent when there is none.
func (s *Store) Session(ctx context.Context, tokenHash string) (ticketing.Session, error) {
	v, err := scanSession(s.db.read.QueryRowContext(ctx, "SELECT token_hash, "+sessionColumns+" FROM sessions WHERE token_hash = ?", tokenHash))
	v.TokenHash = tokenHash
	return v, err
}

// Sessions lists those of a user that have neither ended nor been revoked, the
// newest first.
func (s *Store) Sessions(ctx context.Context, userID string, now time.Time) ([]ticketing.Session, error) {
	rows, err := s.db.read.QueryContext(ctx, "SELECT token_hash, "+sessionColumns+" FROM sessions WHERE user_id = ? AND revoked_at = 0 AND expires_at > ? ORDER BY created_at DESC LIMIT 200", userID, ms(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.Session
	for rows.Next() {
		v, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// RevokeSession ends one session; one that is revoked already keeps its moment.
func (s *Store) RevokeSession(ctx context.Context, tokenHash string, when time.Time) error {
	return s.revoke(ctx, "token_hash", tokenHash, when)
}

// RevokeSessions ends all sessions of a user.
func (s *Store) RevokeSessions(ctx context.Context, userID string, when time.Time) error {
	return s.revoke(ctx, "user_id", userID, when)
}

func (s *Store) revoke(ctx context.Context, column, value string, when time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("UPDATE sessions SET revoked_at = ? WHERE ? = ? AND revoked_at = 0", ms(when), bun.Ident(column), value).Exec(ctx)
		return err
	})
}

// PruneSessions deletes the sessions that expired before a moment.
func (s *Store) PruneSessions(ctx context.Context, before time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("DELETE FROM sessions WHERE expires_at < ?", ms(before)).Exec(ctx)
		return err
	})
}
