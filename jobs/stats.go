package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// delayBounds are the upper bounds of [TopicStats.Delay], in seconds.
var delayBounds = [...]float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}

// Bucket counts delays up to a bound, those of smaller bounds included.
type Bucket struct {
	Seconds float64
	Count   uint64
}

// TopicStats counts a topic's work on this node since its start.
type TopicStats struct {
	Relayed   int64 // tasks queued
	Conflicts int64 // found to be queued already
	Done      int64
	Failed    int64 // tries, not rows
	Panics    int64 // of Failed
	Reopened  int64 // rows whose task was lost
	Running   int64
	Delay     []Bucket // from the row's creation to its end; cumulative
	DelaySum  time.Duration
	DelayN    uint64
}

// Stats counts this node's work since its start.
type Stats struct {
	Topics         map[string]TopicStats
	QueueDown      bool
	Epochs         int64 // times the queue was found new, wiped or back
	Sweeps         int64
	Deadlines      int64 // fired
	Schedules      int64 // runs
	ScheduleErrors int64
}

// Stats returns the counters; cheap enough for every scrape.
func (r *Runner) Stats() Stats {
	s := Stats{
		Topics: make(map[string]TopicStats, len(r.topics)), QueueDown: r.counts.down.Load(),
		Epochs: r.counts.epochs.Load(), Sweeps: r.counts.sweeps.Load(), Deadlines: r.counts.deadlines.Load(),
		Schedules: r.counts.schedules.Load(), ScheduleErrors: r.counts.scheduleFails.Load(),
	}
	for _, t := range r.topics {
		c := &t.counts
		ts := TopicStats{
			Relayed: c.relayed.Load(), Conflicts: c.conflicts.Load(), Done: c.done.Load(), Failed: c.failed.Load(),
			Panics: c.panics.Load(), Reopened: c.reopened.Load(), Running: c.running.Load(),
		}
		ts.Delay, ts.DelaySum, ts.DelayN = c.delay.read()
		s.Topics[t.name] = ts
	}
	return s
}

type topicCounts struct {
	relayed, conflicts, done, failed, panics, reopened, running atomic.Int64
	delay                                                       histogram
}

type runnerCounts struct {
	epochs, sweeps, deadlines, schedules, scheduleFails atomic.Int64
	down                                                atomic.Bool
}

type histogram struct {
	counts [len(delayBounds)]atomic.Uint64
	n      atomic.Uint64
	sum    atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	d = max(d, 0) // clocks of two nodes may differ
	h.n.Add(1)
	h.sum.Add(int64(d))
	for i, b := range delayBounds {
		if d.Seconds() <= b {
			h.counts[i].Add(1)
			return
		}
	}
}

func (h *histogram) read() ([]Bucket, time.Duration, uint64) {
	out := make([]Bucket, len(delayBounds))
	total := uint64(0)
	for i, b := range delayBounds {
		total += h.counts[i].Load()
		out[i] = Bucket{b, total}
	}
	return out, time.Duration(h.sum.Load()), max(h.n.Load(), total)
}

// health is the last error of something that goes on trying.
type health struct {
	mu  sync.Mutex
	err error
}

func (h *health) set(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func (h *health) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// quiet logs what would be said many times a second once in a while, with the
// number of times that it was held back. Keys must be few.
type quiet struct {
	log   *slog.Logger
	every time.Duration

	mu   sync.Mutex
	last map[string]*held
}

type held struct {
	at time.Time
	n  int
}

func (q *quiet) warn(key, msg string, args ...any) {
	q.mu.Lock()
	if q.last == nil {
		q.last = map[string]*held{}
	}
	h := q.last[key]
	if h == nil {
		h = &held{}
		q.last[key] = h
	}
	now := time.Now()
	if !h.at.IsZero() && now.Sub(h.at) < q.every {
		h.n++
		q.mu.Unlock()
		return
	}
	n := h.n
	h.at, h.n = now, 0
	q.mu.Unlock()
	if n > 0 {
		args = append(args, "held_back", n)
	}
	q.log.Warn(msg, args...)
}

// libraryLog passes on what go-redis would print.
type libraryLog struct{ q *quiet }

// Printf implements go-redis' logger.
func (l libraryLog) Printf(_ context.Context, format string, args ...any) {
	l.q.warn("go-redis", "Redis client reports", "report", fmt.Sprintf(format, args...))
}

// asynqLog passes asynq's warnings and errors on, held back: a queue that is
// down would otherwise fill the log.
type asynqLog struct {
	q     *quiet
	topic string
}

func (asynqLog) Debug(...any) {}

func (asynqLog) Info(...any) {}

// Warn passes a warning on.
func (l asynqLog) Warn(args ...any) { l.say("warning", args) }

// Error passes an error on.
func (l asynqLog) Error(args ...any) { l.say("error", args) }

// Fatal passes an error on; a library does not end the process.
func (l asynqLog) Fatal(args ...any) { l.say("fatal", args) }

func (l asynqLog) say(level string, args []any) {
	l.q.warn("asynq:"+l.topic+":"+level, "asynq reports a "+level, "topic", l.topic, "report", fmt.Sprint(args...))
}
