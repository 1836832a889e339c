package telephony

import (
	"net/netip"
	"sync"
	"time"
)

// throttle bounds what one source address may ask for: a bucket each, of a
// bounded number of sources. When there are too many, the rest share one.
type throttle struct {
	rate, burst float64 // tokens per second, tokens
	most        int     // sources remembered
	now         func() time.Time

	mu      sync.Mutex
	buckets map[netip.Addr]*bucket
	rest    bucket
	pruned  time.Time
}

// pruneEvery bounds how often all sources are looked through.
const pruneEvery = 100 * time.Millisecond

type bucket struct {
	tokens float64
	at     time.Time
}

func newThrottle(rate, burst float64, most int, now func() time.Time) *throttle {
	t := &throttle{rate: rate, burst: burst, most: most, now: now, buckets: map[netip.Addr]*bucket{}}
	t.rest = bucket{tokens: burst, at: now()}
	return t
}

// take spends tokens of a source; false when it has too few.
func (t *throttle) take(src netip.Addr, cost float64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bucket(src)
	if b.tokens < cost {
		return false
	}
	b.tokens -= cost
	return true
}

// charge takes tokens whether the source has them or not: one that is in
// debt has nothing until it is paid. The debt is bounded by the burst.
func (t *throttle) charge(src netip.Addr, cost float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bucket(src)
	b.tokens = max(b.tokens-cost, -t.burst)
}

// bucket finds or makes the bucket of a source and fills it up to now. The
// caller holds mu.
func (t *throttle) bucket(src netip.Addr) *bucket {
	now := t.now()
	b := t.buckets[src]
	if b == nil {
		if len(t.buckets) >= t.most && now.Sub(t.pruned) >= pruneEvery {
			t.prune(now)
			t.pruned = now
		}
		if len(t.buckets) >= t.most {
			b = &t.rest
		} else {
			b = &bucket{tokens: t.burst, at: now}
			t.buckets[src] = b
		}
	}
	b.refill(now, t.rate, t.burst)
	return b
}

func (b *bucket) refill(now time.Time, rate, burst float64) {
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.tokens = min(burst, b.tokens+d*rate)
		b.at = now
	}
}

// prune forgets sources whose buckets are full again.
func (t *throttle) prune(now time.Time) {
	for src, b := range t.buckets {
		if b.refill(now, t.rate, t.burst); b.tokens >= t.burst {
			delete(t.buckets, src)
		}
	}
}
