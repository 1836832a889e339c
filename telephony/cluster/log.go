package cluster

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // tells events apart, keeps nothing secret
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"hotline/telephony"
)

const (
	// prefix of all keys; its braces keep them on one server of a Redis cluster.
	prefix = "{hotline:calls}:"
	// keyHead holds which generation of the log is the present one.
	keyHead = prefix + "head"

	// blocking is how long one read waits for events; as often it is looked whether Redis still knows the log.
	blocking = 250 * time.Millisecond
	// batch bounds one read.
	batch = 500
	// snapshotEvery is how many events lie between two snapshots of one node.
	snapshotEvery = 1000
	// kept is how many events before a snapshot stay, for nodes that are a little behind.
	kept = 10_000
	// strangerWait is how long a node that knows nothing leaves it to others to say what they know, where Redis knows nothing either.
	strangerWait = 2 * time.Second
	// retryAfter is the pause after a failure.
	retryAfter = 200 * time.Millisecond
	// asking bounds each question to Redis that does not wait for events.
	asking = 2 * time.Second
)

// Errors of a Log.
var (
	// errElsewhere tells that the log is not the one that was read so far: a replica has to begin anew.
	errElsewhere = errors.New("the log is another one than was read so far")
	// ErrNotFollowed tells that nobody has followed the log up to its state yet.
	ErrNotFollowed = errors.New("the log has not been read yet")
)

// Log is a telephony.EventLog in a stream of Redis. Make one with [NewLog].
type Log struct {
	client redis.UniversalClient
	log    *slog.Logger
	turn   int64 // which of every snapshotEvery events is followed by a snapshot

	mu         sync.Mutex
	generation string
	n          int64  // of the event read last
	sum        string // over all events up to it
	lost       bool   // what is appended does not come after what was read
}

// NewLog makes the log of a node on a Redis that stays the caller's.
func NewLog(client redis.UniversalClient, log *slog.Logger) *Log {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Log{client: client, log: log, turn: time.Now().UnixNano() % snapshotEvery}
}

func logKey(generation string) string      { return prefix + "log:" + generation }
func snapshotKey(generation string) string { return prefix + "snapshot:" + generation }

// Append implements telephony.EventLog. Errors: ErrNotFollowed, or of the connection.
func (l *Log) Append(ctx context.Context, events [][]byte) error {
	l.mu.Lock()
	generation, read := l.generation, l.n
	l.mu.Unlock()
	if generation == "" {
		return ErrNotFollowed
	}
	args := make([]any, 0, len(events)+1)
	args = append(args, generation)
	for _, e := range events {
		args = append(args, e)
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	n, err := appendEvents.Run(ctx, l.client, []string{keyHead, logKey(generation)}, args...).Int64()
	if err == nil && n <= read { // -1, or a Redis that has forgotten its newest events
		l.mu.Lock()
		l.lost = l.lost || l.generation == generation
		l.mu.Unlock()
		return errElsewhere
	}
	return err
}

// Follow implements telephony.EventLog.
func (l *Log) Follow(ctx context.Context, r telephony.Replica) {
	failing := false
	for ctx.Err() == nil {
		err := l.follow(ctx, r)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errElsewhere) {
			l.log.Warn("the shared queues are read anew", "cause", err)
			continue
		}
		if !failing {
			l.log.Error("the shared queues cannot be read, will try again", "error", err)
		}
		failing = true
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
		if l.client.Ping(ctx).Err() == nil {
			failing = false
		}
	}
}

// follow finds the present log, begins with its snapshot and reads on until something fails.
func (l *Log) follow(ctx context.Context, r telephony.Replica) error {
	generation, err := l.present(ctx, r)
	if err != nil {
		return err
	}
	snapshot, err := l.ask(ctx, func(ctx context.Context) (map[string]string, error) {
		return l.client.HGetAll(ctx, snapshotKey(generation)).Result()
	})
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(snapshot["n"], 10, 64)
	if err != nil {
		return fmt.Errorf("the snapshot of the shared queues is missing: %w", err)
	}
	if err := r.Begin([]byte(snapshot["state"])); err != nil {
		return err
	}
	l.mu.Lock()
	l.generation, l.n, l.sum, l.lost = generation, n, snapshot["sum"], false
	l.mu.Unlock()
	for {
		if err := l.read(ctx, r); err != nil {
			return err
		}
	}
}

func (l *Log) ask(ctx context.Context, question func(context.Context) (map[string]string, error)) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	return question(ctx)
}

func (l *Log) head(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	id, err := l.client.HGet(ctx, keyHead, "id").Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return id, err
}

// present is the generation that Redis knows. Where it knows none one begins with what the replica knows; a node that knows nothing waits a
// while, for others may know more.
func (l *Log) present(ctx context.Context, r telephony.Replica) (string, error) {
	l.mu.Lock()
	knows := l.generation != ""
	l.mu.Unlock()
	wait := time.Duration(0)
	if !knows {
		wait = strangerWait
	}
	for deadline := time.Now().Add(wait); ; {
		id, err := l.head(ctx)
		if err != nil || id != "" {
			return id, err
		}
		if !time.Now().Before(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(retryAfter):
		}
	}
	state, err := r.Snapshot()
	if err != nil {
		return "", err
	}
	generation := rand.Text()
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	err = beginGeneration.Run(ctx, l.client, []string{keyHead, snapshotKey(generation)}, "", generation, state).Err()
	if err != nil {
		return "", err
	}
	return l.head(ctx) // own or of a faster node
}

// read waits for the next events and hands them to the replica.
func (l *Log) read(ctx context.Context, r telephony.Replica) error {
	l.mu.Lock()
	generation, n, lost := l.generation, l.n, l.lost
	l.mu.Unlock()
	if lost {
		return fmt.Errorf("%w: Redis has forgotten events", errElsewhere)
	}
	waiting, cancel := context.WithTimeout(ctx, blocking+asking)
	defer cancel()
	streams, err := l.client.XRead(waiting, &redis.XReadArgs{
		Streams: []string{logKey(generation), strconv.FormatInt(n, 10) + "-1"}, Count: batch, Block: blocking,
	}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		id, err := l.head(ctx)
		if err == nil && id != generation {
			return fmt.Errorf("%w: it was begun anew", errElsewhere)
		}
		return err
	case err != nil:
		return err
	}
	for _, s := range streams {
		for _, m := range s.Messages {
			if err := l.take(r, m); err != nil {
				return err
			}
			l.mu.Lock()
			n, sum := l.n, l.sum
			l.mu.Unlock()
			if n%snapshotEvery == l.turn {
				if err := l.save(ctx, r, generation, n, sum); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// take hands an event to the replica, if it follows on the one before.
func (l *Log) take(r telephony.Replica, m redis.XMessage) error {
	number, _, _ := strings.Cut(m.ID, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return fmt.Errorf("number %q of an event: %w", m.ID, err)
	}
	event, _ := m.Values["event"].(string)
	micros, _ := m.Values["at"].(string)
	at, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return fmt.Errorf("time of event %d: %w", n, err)
	}
	l.mu.Lock()
	sum := chained(l.sum, event)
	follows := n == l.n+1 && m.Values["sum"] == sum
	if follows {
		l.n, l.sum = n, sum
	}
	l.mu.Unlock()
	if !follows {
		return fmt.Errorf("%w: event %d does not follow on what was read", errElsewhere, n)
	}
	r.Apply(time.UnixMicro(at).UTC(), []byte(event))
	return nil
}

// chained is the sum over all events, as appendEvents makes it.
func chained(sum, event string) string {
	h := sha1.Sum([]byte(sum + event)) //nolint:gosec // as above
	return hex.EncodeToString(h[:])
}

// save puts a snapshot there for nodes that join, and lets go of events long before it. The sum shows whether Redis has forgotten events since.
func (l *Log) save(ctx context.Context, r telephony.Replica, generation string, n int64, sum string) error {
	state, err := r.Snapshot()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	return saveSnapshot.Run(ctx, l.client, []string{keyHead, snapshotKey(generation), logKey(generation)},
		generation, n, sum, state, max(n-kept, 0)).Err()
}
