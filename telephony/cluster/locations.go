package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/telephony"
)

const (
	keyEpoch   = prefix + "locations:epoch"   // changes when Redis has lost all
	keyVersion = prefix + "locations:version" // given last
	keyDue     = prefix + "locations:due"     // seats by the time at which their first binding ends
	keySeat    = prefix + "locations:seat:"   // a hash each: version, bindings
)

// Nodes ask for what is due once a second, and put back then what Redis has lost: for so long a seat that is not found may only be late.
const (
	restoring = 1500 * time.Millisecond
	lookAgain = 50 * time.Millisecond
)

// otherEpoch is what the scripts answer when Redis is not the one that they were meant for.
const otherEpoch = "other epoch"

var (
	// readSeat: KEYS epoch, seat; ARGV epoch.
	readSeat = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'other epoch' end
return redis.call('HMGET', KEYS[2], 'version', 'bindings')`)

	// replaceSeat: KEYS epoch, seat, due, version; ARGV epoch, version, bindings or '', seat, ms at which the first ends. It gives the new version, or 0 for a conflict.
	replaceSeat = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'other epoch' end
if (redis.call('HGET', KEYS[2], 'version') or '0') ~= ARGV[2] then return 0 end
local version = redis.call('INCR', KEYS[4])
if ARGV[3] == '' then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[3], ARGV[4])
  return version
end
redis.call('HSET', KEYS[2], 'version', string.format('%d', version), 'bindings', ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
return version`)

	// restoreSeat puts back what Redis has lost, unless somebody put something newer: KEYS seat, due, version; ARGV version, bindings, seat, ms.
	restoreSeat = redis.NewScript(`
if tonumber(redis.call('HGET', KEYS[1], 'version') or '0') >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'bindings', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
if tonumber(redis.call('GET', KEYS[3]) or '0') < tonumber(ARGV[1]) then redis.call('SET', KEYS[3], ARGV[1]) end
return 1`)

	// dueSeats: KEYS epoch, due; ARGV epoch, ms, limit.
	dueSeats = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'other epoch' end
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])`)
)

// Locations are telephony.Locations in Redis. What a node has written or read it remembers, and puts back when Redis has lost all.
type Locations struct {
	client redis.UniversalClient
	log    *slog.Logger

	mu    sync.Mutex // not held while Redis is asked, but in renew
	epoch string
	since time.Time          // when this node saw that Redis had lost all
	known map[string]written // by seat; the newest that this node wrote or read
}

type written struct {
	version int64
	data    string
	due     int64
}

// NewLocations are those of a node on a Redis that stays the caller's.
func NewLocations(client redis.UniversalClient, log *slog.Logger) *Locations {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Locations{client: client, log: log, known: map[string]written{}}
}

// Bindings implements telephony.Locations. Shortly after Redis has lost all it waits for the nodes to put back what they know.
func (l *Locations) Bindings(ctx context.Context, seat string) ([]telephony.Binding, int64, error) {
	for {
		all, version, err := l.find(ctx, seat)
		l.mu.Lock()
		late := time.Since(l.since) < restoring
		l.mu.Unlock()
		if err != nil || len(all) > 0 || !late {
			return all, version, err
		}
		select {
		case <-ctx.Done():
			return nil, 0, nil
		case <-time.After(lookAgain):
		}
	}
}

func (l *Locations) find(ctx context.Context, seat string) ([]telephony.Binding, int64, error) {
	answer, err := l.run(ctx, func(epoch string) *redis.Cmd {
		return readSeat.Run(ctx, l.client, []string{keyEpoch, keySeat + seat}, epoch)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the devices of seat %s: %w", seat, err)
	}
	fields, _ := answer.([]any)
	if len(fields) != 2 || fields[0] == nil {
		return nil, 0, nil
	}
	number, _ := fields[0].(string)
	data, _ := fields[1].(string)
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, 0, fmt.Errorf("version of the devices of seat %s: %w", seat, err)
	}
	var all []telephony.Binding
	if err := json.Unmarshal([]byte(data), &all); err != nil {
		return nil, 0, fmt.Errorf("devices of seat %s cannot be read: %w", seat, err)
	}
	l.remember(seat, written{version: version, data: data, due: first(all).UnixMilli()})
	return all, version, nil
}

// Replace implements telephony.Locations.
func (l *Locations) Replace(ctx context.Context, seat string, version int64, all []telephony.Binding) error {
	w := written{}
	if len(all) > 0 {
		data, err := json.Marshal(all)
		if err != nil {
			return err
		}
		w.data, w.due = string(data), first(all).UnixMilli()
	}
	answer, err := l.run(ctx, func(epoch string) *redis.Cmd {
		return replaceSeat.Run(ctx, l.client, []string{keyEpoch, keySeat + seat, keyDue, keyVersion}, epoch, version, w.data, seat, w.due)
	})
	if err != nil {
		return fmt.Errorf("write the devices of seat %s: %w", seat, err)
	}
	w.version, _ = answer.(int64)
	if w.version == 0 {
		return fmt.Errorf("bindings of seat %s changed meanwhile: %w", seat, telephony.ErrConflict)
	}
	l.remember(seat, w)
	return nil
}

// first is when the first of some bindings ends; zero for none.
func first(all []telephony.Binding) (at time.Time) {
	for _, b := range all {
		if at.IsZero() || b.Expires.Before(at) {
			at = b.Expires
		}
	}
	return at
}

// remember keeps what is known of a seat, if it is news.
func (l *Locations) remember(seat string, w written) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case w.version <= l.known[seat].version:
	case w.data == "":
		delete(l.known, seat)
	default:
		l.known[seat] = w
	}
}

// Due implements telephony.Locations.
func (l *Locations) Due(ctx context.Context, at time.Time, limit int) ([]string, error) {
	answer, err := l.run(ctx, func(epoch string) *redis.Cmd {
		return dueSeats.Run(ctx, l.client, []string{keyEpoch, keyDue}, epoch, at.UnixMilli(), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("which devices are due: %w", err)
	}
	list, _ := answer.([]any)
	seats := make([]string, 0, len(list))
	for _, s := range list {
		if seat, ok := s.(string); ok {
			seats = append(seats, seat)
		}
	}
	return seats, nil
}

// run asks a script; where Redis has lost all, what this node knows is put back first.
func (l *Locations) run(ctx context.Context, script func(epoch string) *redis.Cmd) (any, error) {
	for {
		l.mu.Lock()
		epoch := l.epoch
		l.mu.Unlock()
		if epoch != "" {
			answer, err := script(epoch).Result()
			if errors.Is(err, redis.Nil) {
				err = nil
			}
			if err != nil || answer != otherEpoch {
				return answer, err
			}
		}
		if err := l.renew(ctx, epoch); err != nil {
			return nil, err
		}
	}
}

// renew finds the present epoch, and puts back what this node has written before it.
func (l *Locations) renew(ctx context.Context, former string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch != former {
		return nil // done meanwhile
	}
	if err := l.client.SetNX(ctx, keyEpoch, strconv.FormatInt(time.Now().UnixNano(), 36), 0).Err(); err != nil {
		return err
	}
	epoch, err := l.client.Get(ctx, keyEpoch).Result()
	if err != nil {
		return err
	}
	for seat, w := range l.known {
		err := restoreSeat.Run(ctx, l.client, []string{keySeat + seat, keyDue, keyVersion}, w.version, w.data, seat, w.due).Err()
		if err != nil {
			return err
		}
	}
	if len(l.known) > 0 {
		l.log.Warn("Redis had lost where the seats' devices are; what this node knows is back", "seats", len(l.known))
	}
	if former != "" {
		l.since = time.Now()
	}
	l.epoch = epoch
	return nil
}
