package e2e

import (
	"sync"
	"testing"
	"time"
)

// stalls knows when this process did not get to run: a machine that is busy
// elsewhere makes any program late, and is not what a test asks about.
type stalls struct {
	mu   sync.Mutex
	late []stall
}

type stall struct {
	from time.Time
	d    time.Duration
}

const stallBeat = 2 * time.Millisecond

func watchStalls(t *testing.T) *stalls {
	s := &stalls{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for last := time.Now(); ; {
			select {
			case <-stop:
				return
			case <-time.After(stallBeat):
			}
			now := time.Now()
			if d := now.Sub(last) - stallBeat; d > 5*time.Millisecond {
				s.mu.Lock()
				s.late = append(s.late, stall{last, d})
				s.mu.Unlock()
			}
			last = now
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	return s
}

// around adds up the stalls within half a second of a moment.
func (s *stalls) around(at time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum time.Duration
	for _, one := range s.late {
		if off := one.from.Sub(at); off > -500*time.Millisecond && off < 500*time.Millisecond {
			sum += one.d
		}
	}
	return sum
}
