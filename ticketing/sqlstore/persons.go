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
	"slices"
	"sync"
	"time"

	"github.com/jellydator/ttlcache/v3"
	"github.com/uptrace/bun"

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
	cache  *ttlcache.Cache[string, person] // by id
	ids    *ttlcache.Cache[string, string] // lookup → id

	mu  sync.Mutex
	own map[string][]byte // keys of the store itself, by name
}

func newPersons(db *DB, ring *keyring.Ring, c sealing.Cipher) *persons {
	return &persons{
		db: db, ring: ring, cipher: c, own: map[string][]byte{},
		cache: ttlcache.New(ttlcache.WithTTL[string, person](cachedFor), ttlcache.WithCapacity[string, person](cachedKeys), ttlcache.WithDisableTouchOnHit[string, person]()),
		ids:   ttlcache.New(ttlcache.WithTTL[string, string](cachedFor), ttlcache.WithCapacity[string, string](cachedKeys), ttlcache.WithDisableTouchOnHit[string, string]()),
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

// prepare brings the keys into memory that a write may need while it holds the
// database. It makes none: an empty database stays empty, to be restored into.
func (p *persons) prepare(ctx context.Context) error {
	var partitions []string
	if err := p.db.read.NewRaw("SELECT DISTINCT \"partition\" FROM sealed_tickets").Scan(ctx, &partitions); err != nil {
		return err
	}
	var names []string
	if err := p.db.read.NewRaw("SELECT name FROM store_keys").Scan(ctx, &names); err != nil {
		return err
	}
	for _, partition := range partitions { // one of rows that are in the clear is needed soon
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
	return p.hash(ctx, partition+"\x00"+phone, 16)
}

// hash is a text's keyed hash, so many bytes of it.
func (p *persons) hash(ctx context.Context, text string, size int) (string, error) {
	key, err := p.ownKey(ctx, keyOfHash)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)[:size]), nil
}

// person is a key with its name. Where made is set it is not stored yet.
type person struct {
	id     string
	key    []byte // nil once it is destroyed
	number string // the citizen's; empty where there is none
	lookup string // of the number
	tail   string // of one that is made: of the number
	made   []byte // wrapped
	used   int64  // when something was last kept of the person
}

// fresh are the persons that one change makes.
type fresh map[string]person

// find is the person whom a number belongs to, or a new one.
func (p *persons) find(ctx context.Context, partition, number string, made fresh) (person, error) {
	lookup, err := p.lookup(ctx, partition, number)
	if err != nil {
		return person{}, err
	}
	if lookup == "" {
		return p.make()
	}
	if who, ok := made[lookup]; ok {
		who.made = nil
		return who, nil
	}
	who, err := p.known(ctx, lookup)
	if !errors.Is(err, sql.ErrNoRows) {
		return who, err
	}
	if who, err = p.make(); err != nil {
		return who, err
	}
	who.lookup, who.number = lookup, number
	if who.tail, err = p.tail(ctx, partition, number); err != nil {
		return who, err
	}
	made[lookup] = who
	return who, nil
}

// known is the person of a lookup; sql.ErrNoRows when there is none.
func (p *persons) known(ctx context.Context, lookup string) (person, error) {
	if id := p.ids.Get(lookup); id != nil {
		if who := p.cache.Get(id.Value()); who != nil {
			return who.Value(), nil
		}
	}
	who, err := p.scan(p.db.read.QueryRowContext(ctx, selectPerson, lookup))
	if err == nil {
		p.ids.Set(lookup, who.id, ttlcache.DefaultTTL)
	}
	return who, err
}

const (
	personColumns = "id, lookup, wrapped, number, used_at"
	selectPerson  = "SELECT " + personColumns + " FROM persons WHERE lookup = ?"
)

// make makes a person without a number.
func (p *persons) make() (person, error) {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	made := person{id: hex.EncodeToString(id), key: sealing.NewKey()}
	var err error
	made.made, err = p.ring.Wrap(p.cipher, made.key, "person:"+made.id)
	return made, err
}

// scan reads a row that has a key.
func (p *persons) scan(row scanner) (person, error) {
	var who person
	var wrapped, number []byte
	if err := row.Scan(&who.id, &who.lookup, &wrapped, &number, &who.used); err != nil {
		return who, err
	}
	var err error
	if who.key, err = p.ring.Unwrap(wrapped, "person:"+who.id); err != nil {
		return who, fmt.Errorf("the key of a citizen was wrapped with the master key %s, which is not in the key file, or was changed: %w", keyring.Under(wrapped), err)
	}
	if len(number) > 0 {
		plain, err := sealing.Open(who.key, number, "number:"+who.id)
		if err != nil {
			return who, fmt.Errorf("the number of a citizen: %w", err)
		}
		who.number = string(plain)
	}
	p.cache.Set(who.id, who, ttlcache.DefaultTTL)
	return who, nil
}

// row is how a person is kept.
func (p *persons) row(who person, now time.Time) ([]any, error) {
	var number []byte
	if who.number != "" {
		var err error
		if number, err = p.cipher.Seal(who.key, []byte(who.number), "number:"+who.id); err != nil {
			return nil, err
		}
	}
	return []any{who.id, who.lookup, who.tail, who.made, number, now.UnixMilli(), now.UnixMilli(), 0}, nil
}

// forget drops a person from memory.
func (p *persons) forget(id, lookup string) {
	p.cache.Delete(id)
	p.ids.Delete(lookup)
}

// byID reads some persons; who has no key any more is left out.
func (p *persons) byID(ctx context.Context, ids []string) (map[string]person, error) {
	found := make(map[string]person, len(ids))
	asked := make(map[string]bool, len(ids))
	var missing []string
	for _, id := range ids {
		if asked[id] {
			continue
		}
		asked[id] = true
		if who := p.cache.Get(id); who != nil {
			found[id] = who.Value()
			continue
		}
		missing = append(missing, id)
	}
	for some := range slices.Chunk(missing, maxTogether) {
		if err := p.read(ctx, some, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// read adds those of some persons to found who have a key.
func (p *persons) read(ctx context.Context, ids []string, found map[string]person) error {
	rows, err := p.db.read.NewSelect().Table("persons").ColumnExpr(personColumns).Where("id IN (?)", bun.List(ids)).Where("erased_at = 0").Rows(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		who, err := p.scan(rows)
		if err != nil {
			return err
		}
		found[who.id] = who
	}
	return rows.Err()
}
