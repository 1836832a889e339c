package telephony

import (
	"math"
	"sync"
	"time"
)

// legInfo is what a party's sound was like until now.
func legInfo(p *party) LegInfo {
	info := LegInfo{Party: p.who, Seat: p.seat}
	if codec, ok := p.leg.Codec(); ok {
		info.Codec = codec.String()
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	round := func(v float64) float64 { return math.Round(100*v) / 100 }
	st := p.leg.Stats()
	info.Received, info.Sent, info.Lost, info.Strange = st.Received, st.Sent, st.Lost, st.Strange
	if st.Expected > 0 {
		info.LostPercent = round(100 * float64(st.Lost) / float64(st.Expected))
	}
	info.JitterMS, info.RoundTripMS = ms(st.Jitter), ms(st.RoundTrip)
	info.RemoteLost, info.RemoteJitterMS = st.RemoteLost, ms(st.RemoteJitter)
	info.MOS, info.RemoteMOS = round(st.MOS), round(st.RemoteMOS)
	return info
}

// Histogram counts values up to each bound; what is more than the last one is in Count alone.
type Histogram struct {
	Bounds  []float64
	Buckets []uint64 // at most the bound of the same index, and more than the one before
	Count   uint64
	Sum     float64
}

func (h *Histogram) add(v float64) {
	h.Count++
	h.Sum += v
	for i, bound := range h.Bounds {
		if v <= bound {
			h.Buckets[i]++
			return
		}
	}
}

func (h *Histogram) clone() Histogram {
	c := *h
	c.Buckets = append([]uint64(nil), h.Buckets...)
	return c
}

func newHistogram(bounds ...float64) Histogram {
	return Histogram{Bounds: bounds, Buckets: make([]uint64, len(bounds))}
}

// Quality is how the legs that have ended sounded.
type Quality struct {
	MOS, RemoteMOS Histogram // 1 to 4.5: as heard here, and by the party
	Loss           Histogram // per cent of the packets that the party sent
	Jitter         Histogram // ms
	RoundTrip      Histogram // ms
}

// qualities adds legs up.
type qualities struct {
	mu  sync.Mutex
	sum Quality
}

func newQualities() *qualities {
	opinions := []float64{1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.5}
	times := []float64{1, 2, 5, 10, 20, 50, 100, 200, 500}
	return &qualities{sum: Quality{
		MOS: newHistogram(opinions...), RemoteMOS: newHistogram(opinions...),
		Loss: newHistogram(0, .1, .5, 1, 2, 5, 10, 20), Jitter: newHistogram(times...), RoundTrip: newHistogram(times...),
	}}
}

func (q *qualities) add(l LegInfo) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.Received > 0 {
		q.sum.MOS.add(l.MOS)
		q.sum.Jitter.add(l.JitterMS)
		q.sum.Loss.add(100 * float64(l.Lost) / float64(l.Lost+l.Received))
	}
	if l.RemoteMOS > 0 {
		q.sum.RemoteMOS.add(l.RemoteMOS)
	}
	if l.RoundTripMS > 0 {
		q.sum.RoundTrip.add(l.RoundTripMS)
	}
}

// Quality is how the legs that have ended since the start sounded.
func (c *Center) Quality() Quality {
	q := c.quality
	q.mu.Lock()
	defer q.mu.Unlock()
	s := &q.sum
	return Quality{MOS: s.MOS.clone(), RemoteMOS: s.RemoteMOS.clone(), Loss: s.Loss.clone(), Jitter: s.Jitter.clone(), RoundTrip: s.RoundTrip.clone()}
}
