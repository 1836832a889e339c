package sqlstore

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Topics of Subscribe beside those of the outbox.
const (
	TopicLive      = "live"      // live events were added
	TopicDeadlines = "deadlines" // deadlines were added or dropped
)

// channel is PostgreSQL's, for LISTEN and NOTIFY.
const channel = "hotline_wake"

// hub wakes those who wait for rows. On PostgreSQL it also tells the other
// nodes and hears from them. A wake-up is a hint: it may be lost with a
// connection, and listeners look by themselves now and then.
type hub struct {
	mu     sync.Mutex
	subs   map[string]map[chan struct{}]struct{}
	owed   map[string]struct{} // topics that other nodes have not been told of
	tell   chan struct{}
	cancel context.CancelFunc
	done   sync.WaitGroup
	log    *slog.Logger
}

func newHub(addr address, log *slog.Logger) *hub {
	ctx, cancel := context.WithCancel(context.Background())
	h := &hub{
		subs: map[string]map[chan struct{}]struct{}{}, owed: map[string]struct{}{},
		tell: make(chan struct{}, 1), cancel: cancel, log: log,
	}
	if addr.dialect == Postgres {
		h.done.Add(2)
		go h.keep(ctx, addr.url, "listen", h.listen)
		go h.keep(ctx, addr.url, "notify", h.notify)
	}
	return h
}

func (h *hub) close() {
	h.cancel()
	h.done.Wait()
}

// Subscribe returns a channel that gets a value after commits with rows of a
// topic: an outbox topic, "live" or "deadlines". Several commits may share one
// value. cancel ends it.
func (s *Store) Subscribe(topic string) (wake <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs[topic] == nil {
		h.subs[topic] = map[chan struct{}]struct{}{}
	}
	h.subs[topic][c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs[topic], c)
	}
}

// wake tells this node's listeners at once and owes the news to the others.
func (h *hub) wake(topics ...string) {
	if len(topics) == 0 {
		return
	}
	h.mu.Lock()
	h.signal(topics)
	for _, t := range topics {
		if t != topicLedger { // who chains is woken here; the other nodes look by themselves
			h.owed[t] = struct{}{}
		}
	}
	h.mu.Unlock()
	select {
	case h.tell <- struct{}{}:
	default:
	}
}

// signal needs the lock.
func (h *hub) signal(topics []string) {
	for _, t := range topics {
		for c := range h.subs[t] {
			select {
			case c <- struct{}{}:
			default: // it has a value already
			}
		}
	}
}

// keep holds a connection and opens it again, after a pause, when it breaks.
func (h *hub) keep(ctx context.Context, url, what string, use func(context.Context, *pgx.Conn) error) {
	defer h.done.Done()
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := h.once(ctx, url, use, func() { pause = 100 * time.Millisecond })
		if ctx.Err() != nil {
			return
		}
		h.log.Warn("connection for wake-ups lost", "use", what, "error", err, "again_in_ms", pause.Milliseconds())
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (h *hub) once(ctx context.Context, url string, use func(context.Context, *pgx.Conn) error, connected func()) error {
	dial, cancel := context.WithTimeout(ctx, 10*time.Second)
	conn, err := pgx.Connect(dial, url)
	cancel()
	if err != nil {
		return err
	}
	connected()
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(bye)
	}()
	return use(ctx, conn)
}

func (h *hub) listen(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	// What was told while nobody listened is made up for.
	h.mu.Lock()
	for t := range h.subs {
		h.signal([]string{t})
	}
	h.mu.Unlock()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		h.mu.Lock()
		h.signal(strings.Split(n.Payload, ","))
		h.mu.Unlock()
	}
}

// notify sends what is owed in one message, apart from the transactions that
// caused it: NOTIFY inside them would make all commits of the cluster queue up.
func (h *hub) notify(ctx context.Context, conn *pgx.Conn) error {
	for {
		select {
		case <-h.tell:
		case <-ctx.Done():
			return ctx.Err()
		}
		h.mu.Lock()
		topics := make([]string, 0, len(h.owed))
		for t := range h.owed {
			topics = append(topics, t)
		}
		clear(h.owed)
		h.mu.Unlock()
		slices.Sort(topics)
		if _, err := conn.Exec(ctx, "SELECT pg_notify($1, $2)", channel, strings.Join(topics, ",")); err != nil {
			h.mu.Lock()
			for _, t := range topics {
				h.owed[t] = struct{}{}
			}
			h.mu.Unlock()
			select {
			case h.tell <- struct{}{}:
			default:
			}
			return err
		}
	}
}
