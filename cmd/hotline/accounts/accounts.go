package accounts

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hotline/telephony"
	"hotline/ticketing"
	"hotline/ticketing/ledger"
	"hotline/web"
)

// minSecret is the shortest secret of a seat that is taken, in characters.
const minSecret = 10

// Users is what the package needs of the store.
type Users interface {
	UserByLogin(ctx context.Context, login string) (ticketing.User, error)
	SaveUser(ctx context.Context, u ticketing.User, beside ticketing.Change) error
	RevokeSessions(ctx context.Context, userID string, at time.Time) error
}

// Seats keeps SIP accounts.
type Seats interface {
	SaveSeat(ctx context.Context, s telephony.Seat) error
}

// Issued is a password that was made up, to be told once.
type Issued struct{ Login, Password string }

// FirstStart makes those of the three administrators who are missing, so that a
// start that was cut short is made good by the next. Their passwords come from
// HOTLINE_ADMIN_PASSWORD, HOTLINE_SECADMIN_PASSWORD and
// HOTLINE_AUDITOR_PASSWORD; those made up are returned.
func FirstStart(ctx context.Context, users Users, now time.Time) ([]Issued, error) {
	var issued []Issued
	for _, one := range []struct {
		login, name string
		role        ticketing.Role
	}{
		{"admin", "系统管理员", ticketing.RoleAdmin},
		{"secadmin", "安全管理员", ticketing.RoleSecAdmin},
		{"auditor", "审计管理员", ticketing.RoleAuditor},
	} {
		_, err := users.UserByLogin(ctx, one.login)
		if err == nil {
			continue
		}
		if !errors.Is(err, ticketing.ErrAbsent) {
			return issued, err
		}
		password := os.Getenv("HOTLINE_" + strings.ToUpper(one.login) + "_PASSWORD")
		made := password == ""
		if made {
			password = random()
		}
		user := ticketing.User{Login: one.login, Name: one.name, Roles: []ticketing.Role{one.role}}
		switch err := Save(ctx, users, user, password, now); {
		case errors.Is(err, ticketing.ErrExists): // another node that starts now was faster
		case err != nil:
			return issued, fmt.Errorf("making the user %s: %w", one.login, err)
		case made:
			issued = append(issued, Issued{one.login, password})
		}
	}
	return issued, nil
}

// Save makes or changes a user; an empty password keeps the one there is. A
// new password ends the user's sessions.
func Save(ctx context.Context, users Users, u ticketing.User, password string, now time.Time) error {
	hash := ""
	if password != "" {
		if err := ticketing.CheckPassword(password, u); err != nil {
			return err
		}
		var err error
		if hash, err = web.HashPassword(password); err != nil {
			return err
		}
	}
	return save(ctx, users, u, hash, now)
}

func save(ctx context.Context, users Users, u ticketing.User, hash string, now time.Time) error {
	if len(u.Roles) == 0 {
		return errors.New("a user needs at least one role")
	}
	if err := ticketing.CheckUser(u); err != nil {
		return err
	}
	old, err := users.UserByLogin(ctx, u.Login)
	switch {
	case err == nil:
		u.ID, u.CreatedAt, u.PasswordHash, u.PasswordAt, u.Version = old.ID, old.CreatedAt, old.PasswordHash, old.PasswordAt, old.Version
		u.Second, u.OldHashes = old.Second, old.OldHashes
	case errors.Is(err, ticketing.ErrAbsent):
		u.ID, u.CreatedAt = ticketing.NewID(now), now
	default:
		return err
	}
	if hash != "" {
		u.PasswordHash, u.PasswordAt = hash, now
	}
	if u.PasswordHash == "" {
		return errors.New("a new user needs a password")
	}
	entry := ledger.Entry{At: now, Actor: "system", Class: ledger.System, Action: "user.saved", Object: "user:" + u.ID, Result: ledger.Done, Reason: "命令行"}
	if err := users.SaveUser(ctx, u, ticketing.Change{Ledger: []ledger.Entry{entry}}); err != nil {
		return err
	}
	// Live streams keep the rights that their session began with.
	if old.ID != "" && (hash != "" || u.Disabled || u.Department != old.Department || !slices.Equal(u.Roles, old.Roles)) {
		return users.RevokeSessions(ctx, u.ID, now)
	}
	return nil
}

// SeatAccount is a SIP account to be made.
type SeatAccount struct {
	ID        string // SIP user, such as 8001
	Login     string // of the user who usually sits there; may be empty
	Realm     string
	Secret    string
	Algorithm telephony.Algorithm
}

// SaveSeat makes or changes a SIP account. The secret is kept as the digest's HA1.
func SaveSeat(ctx context.Context, users Users, seats Seats, a SeatAccount) error {
	if a.ID == "" || strings.Trim(a.ID, "0123456789") != "" || len(a.ID) > 16 {
		return errors.New("a seat is a number such as 8001")
	}
	if utf8.RuneCountInString(a.Secret) < minSecret {
		return fmt.Errorf("the secret needs at least %d characters", minSecret)
	}
	seat := telephony.Seat{ID: a.ID, Algorithm: a.Algorithm, HA1: telephony.HA1(a.Algorithm, a.ID, a.Realm, a.Secret)}
	if a.Login != "" {
		user, err := users.UserByLogin(ctx, a.Login)
		if err != nil {
			return fmt.Errorf("user %s: %w", a.Login, err)
		}
		seat.User = user.ID
	}
	return seats.SaveSeat(ctx, seat)
}

// random is a password of 100 bits.
func random() string {
	raw := make([]byte, 15)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))[:20]
}
