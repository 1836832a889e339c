package sqlstore

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/uptrace/bun"

	"hotline/ticketing"
	"hotline/ticketing/keyring"
	"hotline/ticketing/sealing"
)

// errGone says that a person's key was destroyed since it was looked up.
var errGone = errors.New("sqlstore: the person's key is no more")

const (
	cachedKeys = 20_000
	cachedFor  = time.Minute // on other nodes a destroyed key still opens for so long
	keyOfHash  = "lookup"
)

// persons are the keys that citizens' data are sealed with, one each.
type persons struct {
	db     *DB
	ring   *keyring.Ring
	cipher sealing.Cipher
	keys   *expirable.LRU[string, []byte] // id → key
	ids    *expirable.LRU[string, string] // lookup → id

	mu  sync.Mutex
	own map[string][]byte // keys of the store itself, by name
}

func newPersons(db *DB, ring *keyring.Ring, c sealing.Cipher) *persons {
	return &persons{
		db: db, ring: ring, cipher: c, own: map[string][]byte{},
		keys: expirable.NewLRU[string, []byte](cachedKeys, nil, cachedFor),
		ids:  expirable.NewLRU[string, string](cachedKeys, nil, cachedFor),
	}
}

// ownKey is a key of the store itself; it is made when it is first asked for.
func (p *persons) ownKey(ctx context.Context, name string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if key := p.own[name]; key != nil {
		return key, nil
	}
	wrapped, err := p.readOwn(ctx, name)
	if errors.Is(err, sql.ErrNoRows) {
		if wrapped, err = p.makeOwn(ctx, name); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	key, err := p.ring.Unwrap(wrapped, "store:"+name)
	if err != nil {
		return nil, fmt.Errorf("the store's key %s was wrapped with the master key %s, which is not in the key file: give the file of the other nodes, or the one from the backup", name, keyring.Under(wrapped))
	}
	p.own[name] = key
	return key, nil
}

// prepare brings the keys into memory that a write may need while it holds the database.
func (p *persons) prepare(ctx context.Context) error {
	var partitions []string
	if err := p.db.read.NewRaw("SELECT DISTINCT \"partition\" FROM sealed_tickets").Scan(ctx, &partitions); err != nil {
		return err
	}
	names := []string{keyOfHash}
	for _, partition := range partitions {
		names = append(names, partitionKey(partition))
	}
	for _, name := range names {
		if _, err := p.ownKey(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (p *persons) readOwn(ctx context.Context, name string) (wrapped []byte, err error) {
	err = p.db.read.QueryRowContext(ctx, "SELECT wrapped FROM store_keys WHERE name = ?", name).Scan(&wrapped)
	return wrapped, err
}

// makeOwn makes a key; of two nodes that do so at once, one wins.
func (p *persons) makeOwn(ctx context.Context, name string) ([]byte, error) {
	wrapped, err := p.ring.Wrap(p.cipher, sealing.NewKey(), "store:"+name)
	if err != nil {
		return nil, err
	}
	err = p.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO store_keys (name, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING", name, wrapped)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.readOwn(ctx, name)
}

// lookup is what a number is found by; numbers of a sealed partition are found
// in that one alone.
func (p *persons) lookup(ctx context.Context, partition, phone string) (string, error) {
	if phone == "" {
		return "", nil
	}
	key, err := p.ownKey(ctx, keyOfHash)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(partition + "\x00" + phone))
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// person is a key with its name. Where made is set it is not stored yet.
type person struct {
	id     string
	key    []byte
	lookup string
	made   []byte // wrapped
}

// find is the person whom a number belongs to, or a new one.
func (p *persons) find(ctx context.Context, lookup string) (person, error) {
	if lookup == "" {
		return p.make("")
	}
	if id, ok := p.ids.Get(lookup); ok {
		if key, ok := p.keys.Get(id); ok {
			return person{id: id, key: key, lookup: lookup}, nil
		}
	}
	var id string
	var wrapped []byte
	err := p.db.read.QueryRowContext(ctx, selectPerson, lookup).Scan(&id, &wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return p.make(lookup)
	}
	if err != nil {
		return person{}, err
	}
	key, err := p.unwrap(id, wrapped)
	if err != nil {
		return person{}, err
	}
	p.ids.Add(lookup, id)
	return person{id: id, key: key, lookup: lookup}, nil
}

const selectPerson = "SELECT id, wrapped FROM persons WHERE lookup = ? ORDER BY id LIMIT 1"

func (p *persons) make(lookup string) (person, error) {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	made := person{id: hex.EncodeToString(id), key: sealing.NewKey(), lookup: lookup}
	var err error
	made.made, err = p.ring.Wrap(p.cipher, made.key, "person:"+made.id)
	return made, err
}

func (p *persons) unwrap(id string, wrapped []byte) ([]byte, error) {
	key, err := p.ring.Unwrap(wrapped, "person:"+id)
	if err != nil {
		return nil, fmt.Errorf("the key of a citizen was wrapped with the master key %s, which is not in the key file, or was changed: %w", keyring.Under(wrapped), err)
	}
	p.keys.Add(id, key)
	return key, nil
}

// forget drops a person from memory.
func (p *persons) forget(id, lookup string) {
	p.keys.Remove(id)
	p.ids.Remove(lookup)
}

// open gives the keys of some persons; one that was destroyed is nil.
func (p *persons) open(ctx context.Context, ids []string) (map[string][]byte, error) {
	found := make(map[string][]byte, len(ids))
	var missing []string
	for _, id := range ids {
		if _, twice := found[id]; twice {
			continue
		}
		key, ok := p.keys.Get(id)
		if found[id] = key; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	rows, err := p.db.read.NewSelect().Table("persons").Column("id", "wrapped").Where("id IN (?)", bun.List(missing)).Where("erased_at = 0").Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var wrapped []byte
		if err := rows.Scan(&id, &wrapped); err != nil {
			return nil, err
		}
		if found[id], err = p.unwrap(id, wrapped); err != nil {
			return nil, err
		}
	}
	return found, rows.Err()
}

// PersonKey is the key for what belongs to the person with a number, such as a
// recording; a person who is not known is made.
func (s *Store) PersonKey(ctx context.Context, phone string) (id string, key []byte, err error) {
	lookup, err := s.persons.lookup(ctx, "", phone)
	if err != nil {
		return "", nil, err
	}
	who, err := s.persons.find(ctx, lookup)
	if err != nil || who.made == nil {
		return who.id, who.key, err
	}
	row := personValues(who, s.now())
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := s.texts.exec(ctx, tx, s.tables["persons"].text(1), row...)
		return err
	})
	return who.id, who.key, err
}

// KeyOf is the key of a person; ErrErased once it was destroyed.
func (s *Store) KeyOf(ctx context.Context, id string) ([]byte, error) {
	found, err := s.persons.open(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if found[id] == nil {
		return nil, ticketing.ErrErased
	}
	return found[id], nil
}

func personValues(p person, now time.Time) []any {
	return []any{p.id, p.lookup, p.made, now.UnixMilli(), now.UnixMilli(), 0}
}
