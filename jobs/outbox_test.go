package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"hotline/ticketing"
)

var errDead = errors.New("process is dead")

// box is an outbox in memory with the semantics of the real table.
type box struct {
	mu      sync.Mutex
	rows    []*row // by id - 1
	open    map[int64]bool
	effects map[string]int // topic:key → times
	subs    map[string][]chan struct{}
}

type row struct {
	item     ticketing.OutboxItem
	enqueued time.Time
	done     bool
}

func newBox() *box {
	return &box{open: map[int64]bool{}, effects: map[string]int{}, subs: map[string][]chan struct{}{}}
}

func (b *box) add(topic string, keys ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range keys {
		id := int64(len(b.rows) + 1)
		b.rows = append(b.rows, &row{item: ticketing.OutboxItem{ID: id, Topic: topic, Key: k, CreatedAt: time.Now()}})
		b.open[id] = true
	}
	for _, c := range b.subs[topic] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// once is a transaction: the effect and the row's end, or nothing when it is done.
func (b *box) once(i ticketing.OutboxItem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.rows[i.ID-1]; !r.done {
		r.done = true
		delete(b.open, i.ID)
		b.effects[i.Topic+":"+i.Key]++
	}
}

// outside is an effect that the row knows nothing of.
func (b *box) outside(i ticketing.OutboxItem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.effects[i.Topic+":"+i.Key]++
}

func (b *box) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open)
}

func (b *box) times(topic, key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.effects[topic+":"+key]
}

func (b *box) gen(id int64) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows[id-1].item.Gen
}

func (b *box) pick(limit int, want func(*row) bool) []ticketing.OutboxItem {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]int64, 0, len(b.open))
	for id := range b.open {
		if want(b.rows[id-1]) {
			ids = append(ids, id)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	out := make([]ticketing.OutboxItem, 0, min(limit, len(ids)))
	for _, id := range ids[:min(limit, len(ids))] {
		out = append(out, b.rows[id-1].item)
	}
	return out
}

// view is one process' connection to the box; a dead process reaches nothing.
type view struct {
	*box
	dead atomic.Bool
}

func (v *view) alive() error {
	if v.dead.Load() {
		return errDead
	}
	return nil
}

func (v *view) PendingOutbox(_ context.Context, topic string, limit int) ([]ticketing.OutboxItem, error) {
	return v.pick(limit, func(r *row) bool { return r.item.Topic == topic && r.enqueued.IsZero() }), v.alive()
}

func (v *view) StaleOutbox(_ context.Context, topic string, before time.Time, limit int) ([]ticketing.OutboxItem, error) {
	return v.pick(limit, func(r *row) bool {
		return r.item.Topic == topic && !r.enqueued.IsZero() && r.enqueued.Before(before)
	}), v.alive()
}

func (v *view) change(items []ticketing.OutboxItem, f func(*row)) error {
	if err := v.alive(); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, i := range items {
		if r := v.rows[i.ID-1]; !r.done && r.item.Gen == i.Gen {
			f(r)
		}
	}
	return nil
}

func (v *view) MarkEnqueued(_ context.Context, items []ticketing.OutboxItem, at time.Time) error {
	return v.change(items, func(r *row) { r.enqueued = at })
}

func (v *view) ReopenOutbox(_ context.Context, items []ticketing.OutboxItem) error {
	return v.change(items, func(r *row) { r.item.Gen++; r.enqueued = time.Time{} })
}

func (v *view) FinishOutbox(_ context.Context, i ticketing.OutboxItem) error {
	if err := v.alive(); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows[i.ID-1].done = true
	delete(v.open, i.ID)
	return nil
}

func (v *view) OldestOwed(context.Context) (map[string]time.Time, error) {
	return map[string]time.Time{}, v.alive()
}

func (v *view) OutboxBacklog(context.Context) (map[string]int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := map[string]int{}
	for id := range v.open {
		out[v.rows[id-1].item.Topic]++
	}
	return out, v.alive()
}

func (v *view) Subscribe(topic string) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	v.mu.Lock()
	v.subs[topic] = append(v.subs[topic], c)
	v.mu.Unlock()
	return c, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for i, have := range v.subs[topic] {
			if have == c {
				v.subs[topic] = append(v.subs[topic][:i], v.subs[topic][i+1:]...)
				return
			}
		}
	}
}

func keys(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%05d", prefix, i)
	}
	return out
}
