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

const userColumns = "id, login, name, roles, department, seat, password_hash, disabled, created_at"

func scanUser(row scanner) (ticketing.User, error) {
	var u ticketing.User
	var roles string
	var disabled, created int64
	err := row.Scan(&u.ID, &u.Login, &u.Name, &roles, &u.Department, &u.Seat, &u.PasswordHash, &disabled, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return u, ticketing.ErrAbsent
	}
	if err != nil {
		return u, err
	}
	u.Disabled, u.CreatedAt = disabled != 0, at(created)
	if err := json.Unmarshal([]byte(roles), &u.Roles); err != nil {
		return u, fmt.Errorf("user %s: roles: %w", u.ID, err)
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

// SaveUser adds or replaces a user by id; ticketing.ErrExists when another user
// has the login.
func (s *Store) SaveUser(ctx context.Context, u ticketing.User) error {
	roles := u.Roles
	if roles == nil {
		roles = []ticketing.Role{}
	}
	raw, err := json.Marshal(roles)
	if err != nil {
		return fmt.Errorf("user: roles: %w", err)
	}
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("INSERT INTO users ("+userColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET login = excluded.login, "+
			"name = excluded.name, roles = excluded.roles, department = excluded.department, seat = excluded.seat, "+
			"password_hash = excluded.password_hash, disabled = excluded.disabled",
			u.ID, u.Login, u.Name, string(raw), u.Department, u.Seat, u.PasswordHash, flag(u.Disabled), ms(u.CreatedAt)).Exec(ctx)
		if _, taken := unique(err); taken {
			return fmt.Errorf("login: %w", ticketing.ErrExists)
		}
		return err
	})
}

// SaveSession adds a session.
func (s *Store) SaveSession(ctx context.Context, v ticketing.Session) error {
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("INSERT INTO sessions (token_hash, user_id, address, created_at, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?)",
			v.TokenHash, v.UserID, v.Address, ms(v.CreatedAt), ms(v.ExpiresAt), ms(v.RevokedAt)).Exec(ctx)
		return err
	})
}

// Session reads one by the hash of its token, revoked and expired ones too;
// ticketing.ErrAbsent when there is none.
func (s *Store) Session(ctx context.Context, tokenHash string) (ticketing.Session, error) {
	v := ticketing.Session{TokenHash: tokenHash}
	var created, expires, revoked int64
	err := s.db.read.QueryRowContext(ctx, "SELECT user_id, address, created_at, expires_at, revoked_at FROM sessions WHERE token_hash = ?", tokenHash).
		Scan(&v.UserID, &v.Address, &created, &expires, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ticketing.ErrAbsent
	}
	v.CreatedAt, v.ExpiresAt, v.RevokedAt = at(created), at(expires), at(revoked)
	return v, err
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
