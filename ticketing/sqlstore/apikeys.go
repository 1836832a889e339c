package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"hotline/ticketing"
)

const keyColumns = "id, name, hash, scopes, sources, created_by, created_at, expires_at, revoked_at"

func scanKey(row scanner) (ticketing.APIKey, error) {
	var k ticketing.APIKey
	var scopes, sources string
	var created, expires, revoked int64
	err := row.Scan(&k.ID, &k.Name, &k.Hash, &scopes, &sources, &k.CreatedBy, &created, &expires, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return k, ticketing.ErrAbsent
	}
	if err != nil {
		return k, err
	}
	k.CreatedAt, k.ExpiresAt, k.RevokedAt = at(created), at(expires), at(revoked)
	if err := errors.Join(json.Unmarshal([]byte(scopes), &k.Scopes), json.Unmarshal([]byte(sources), &k.Sources)); err != nil {
		return k, fmt.Errorf("key %s: %w", k.ID, err)
	}
	return k, nil
}

// APIKey reads one by the hash of the key, revoked and expired ones too;
// ticketing.ErrAbsent when there is none.
func (s *Store) APIKey(ctx context.Context, hash string) (ticketing.APIKey, error) {
	return scanKey(s.db.read.QueryRowContext(ctx, "SELECT "+keyColumns+" FROM api_keys WHERE hash = ?", hash))
}

// APIKeys lists all keys, the newest first.
func (s *Store) APIKeys(ctx context.Context) ([]ticketing.APIKey, error) {
	rows, err := s.db.read.QueryContext(ctx, "SELECT "+keyColumns+" FROM api_keys ORDER BY created_at DESC, id LIMIT 1000")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ticketing.APIKey
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

// SaveAPIKey adds a key, or changes when it was revoked, with what is written beside.
func (s *Store) SaveAPIKey(ctx context.Context, k ticketing.APIKey, beside ticketing.Change) error {
	scopes, err := json.Marshal(orEmpty(k.Scopes))
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	sources, err := json.Marshal(orEmpty(k.Sources))
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	return s.writeBeside(ctx, beside, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("INSERT INTO api_keys ("+keyColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at",
			k.ID, k.Name, k.Hash, string(scopes), string(sources), k.CreatedBy, ms(k.CreatedAt), ms(k.ExpiresAt), ms(k.RevokedAt)).Exec(ctx)
		return err
	})
}
