package web

import (
	"context"
	"math"
	"sync"
	"time"
)

// Rate is how often something may happen: Burst at once, Burst per Per in the long run.
type Rate struct {
	Burst int
	Per   time.Duration
}

// Limiter counts attempts by key. The one in memory serves a single node; nodes
// that share a limit bring one over a shared store.
type Limiter interface {
	// Take takes one from the key's allowance. When none is left it says how
	// long to wait.
	Take(ctx context.Context, key string, rate Rate) (ok bool, wait time.Duration, err error)
	// Give gives one back: what was taken turned out not to count.
	Give(ctx context.Context, key string, rate Rate) error
	// Reset gives a key its whole allowance back.
	Reset(ctx context.Context, key string) error
}

const maxLimiterKeys = 100_000

// memoryLimiter is a token bucket per key.
type memoryLimiter struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
	full   time.Time // when it will be full again and may be forgotten
}

// NewMemoryLimiter makes a limiter for one process.
func NewMemoryLimiter(now func() time.Time) Limiter {
	if now == nil {
		now = time.Now
	}
	return &memoryLimiter{now: now, buckets: make(map[string]*bucket)}
}

func (l *memoryLimiter) Take(_ context.Context, key string, rate Rate) (bool, time.Duration, error) {
	if rate.Burst <= 0 || rate.Per <= 0 {
		return true, 0, nil
	}
	perToken := rate.Per / time.Duration(rate.Burst)
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= maxLimiterKeys {
			l.prune(now)
		}
		b = &bucket{tokens: float64(rate.Burst), at: now}
		l.buckets[key] = b
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = math.Min(float64(rate.Burst), b.tokens+float64(passed)/float64(perToken))
	}
	b.at = now
	if b.tokens < 1 {
		return false, time.Duration((1 - b.tokens) * float64(perToken)), nil
	}
	b.tokens--
	b.full = now.Add(time.Duration((float64(rate.Burst) - b.tokens) * float64(perToken)))
	return true, 0, nil
}

func (l *memoryLimiter) Give(_ context.Context, key string, rate Rate) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[key]; b != nil {
		b.tokens = math.Min(float64(rate.Burst), b.tokens+1)
	}
	return nil
}

func (l *memoryLimiter) Reset(_ context.Context, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.buckets, key)
	return nil
}

// prune forgets full buckets, and if that does not help the half that has
// waited longest: an attacker with very many addresses must not fill the memory.
func (l *memoryLimiter) prune(now time.Time) {
	for k, b := range l.buckets {
		if !b.full.After(now) {
			delete(l.buckets, k)
		}
	}
	if len(l.buckets) < maxLimiterKeys*9/10 {
		return
	}
	var sum time.Duration
	for _, b := range l.buckets {
		sum += now.Sub(b.at)
	}
	mean := sum / time.Duration(len(l.buckets))
	for k, b := range l.buckets {
		if now.Sub(b.at) >= mean {
			delete(l.buckets, k)
		}
	}
}
