package telephony

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
)

// journal writes events and records behind the calls' backs, so that no call
// ever waits for the disk: events in order, and of each call the newest record
// after its events. While the store fails it keeps what it has, up to a bound,
// and tries again.
type journal struct {
	store Store
	log   *slog.Logger
	wake  chan struct{}

	mu      sync.Mutex
	items   []journalItem
	dropped int64
}

type journalItem struct {
	event  *Event
	cdr    *CDR
	missed *MissedCall
	done   chan struct{} // closed when written; nil when nobody waits
}

const (
	maxJournal   = 100000 // items kept while the store fails
	journalBatch = 500
	journalSaves = 32 // records on their way to the store at once
)

func newJournal(store Store, log *slog.Logger) *journal {
	return &journal{store: store, log: log, wake: make(chan struct{}, 1)}
}

func (j *journal) add(it journalItem) {
	j.mu.Lock()
	if len(j.items) >= maxJournal {
		if it.event != nil { // records are few and matter more
			j.dropped++
			j.mu.Unlock()
			return
		}
	}
	j.items = append(j.items, it)
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *journal) event(e Event) { j.add(journalItem{event: &e}) }

// save writes a record; the channel is closed when it is in the store.
func (j *journal) save(c CDR, missed *MissedCall) <-chan struct{} {
	done := make(chan struct{})
	j.add(journalItem{cdr: &c, missed: missed, done: done})
	return done
}

// sync waits until all that was added before is written, or ctx ends.
func (j *journal) sync(ctx context.Context) error {
	done := make(chan struct{})
	j.add(journalItem{done: done})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes until ctx ends. What is left then is lost to the log, so Stop
// syncs first.
func (j *journal) run(ctx context.Context) {
	backoff := 100 * time.Millisecond
	for {
		j.mu.Lock()
		n := min(len(j.items), journalBatch)
		batch := j.items[:n:n]
		dropped := j.dropped
		j.dropped = 0
		j.mu.Unlock()
		if dropped > 0 {
			j.log.Error("call events lost: the store has failed for too long", "events", dropped)
		}
		if n == 0 {
			select {
			case <-ctx.Done():
				return
			case <-j.wake:
			}
			continue
		}
		left, err := j.write(ctx, batch)
		j.mu.Lock()
		j.items = append(left, j.items[n:]...)
		if len(j.items) == 0 {
			j.items = nil
		}
		j.mu.Unlock()
		if err == nil {
			backoff = 100 * time.Millisecond
			continue
		}
		if ctx.Err() != nil {
			return
		}
		j.log.Error("call log cannot be written, will try again", "error", err, "in", backoff.String())
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, 10*time.Second)
	}
}

// write puts a batch into the store and returns what is not in: the events and
// of each call the newest record in one go. Where that fails, one record may be
// the cause: then the events in one go, and the records side by side.
func (j *journal) write(ctx context.Context, batch []journalItem) ([]journalItem, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var events []Event
	newest := map[string]journalItem{}
	for _, it := range batch {
		switch {
		case it.event != nil:
			events = append(events, *it.event)
		case it.cdr != nil:
			newest[it.cdr.ID] = it
		}
	}
	records := make([]CallRecord, 0, len(newest))
	for _, it := range newest {
		records = append(records, CallRecord{CDR: *it.cdr, Missed: it.missed})
	}
	if j.store.WriteLog(ctx, events, records) == nil {
		for _, it := range batch {
			if it.done != nil {
				close(it.done)
			}
		}
		return nil, nil
	}
	if len(events) > 0 {
		if err := j.store.AppendEvents(ctx, events); err != nil {
			return append([]journalItem{}, batch...), err
		}
	}
	failed, err := j.saveAll(ctx, newest)
	var left []journalItem
	for _, it := range batch {
		switch {
		case it.event != nil:
		case it.cdr != nil && failed[it.cdr.ID], it.cdr == nil && err != nil: // a sync waits for all before it
			left = append(left, it)
		case it.done != nil:
			close(it.done)
		}
	}
	return left, err
}

// saveAll saves records side by side and tells whose could not be saved.
func (j *journal) saveAll(ctx context.Context, records map[string]journalItem) (map[string]bool, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	failed := map[string]bool{}
	slots := make(chan struct{}, journalSaves)
	for id, it := range records {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := j.store.SaveCall(ctx, *it.cdr, it.missed); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed[id] = true
				if first == nil {
					first = err
				}
			}
		})
	}
	wg.Wait()
	return failed, first
}

// newEvent makes an event of now, to the millisecond.
func newEvent(at time.Time, call, seat, user, typ string, d EventData) Event {
	e := Event{At: at.UTC().Truncate(time.Millisecond), CallID: call, Seat: seat, User: user, Type: typ}
	if data, err := json.Marshal(d); err == nil && string(data) != "{}" {
		e.Data = data
	}
	return e
}
