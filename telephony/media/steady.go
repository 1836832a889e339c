package media

import (
	"sync"
	"time"
)

// maxStep is the longest time that may pass between two looks at a clock without a monotonic reading; more is a clock that was set.
const maxStep = time.Minute

// Steady makes a clock that starts at now's time and then never steps, so that durations are right though somebody sets the clock: by
// the monotonic reading that time.Now has, and where now gives none by taking steps backwards, and forwards by more than
// a minute, for what they are. nil is time.Now.
func Steady(now func() time.Time) func() time.Time {
	if now == nil {
		now = time.Now
	}
	start := now()
	if start != start.Round(0) {
		return func() time.Time { return start.Add(now().Sub(start)) }
	}
	s := &steady{now: now, at: start, last: start, looked: time.Now()}
	return s.read
}

// steady corrects a clock that has no monotonic reading.
type steady struct {
	now func() time.Time

	mu     sync.Mutex
	at     time.Time // steady time of the last look
	last   time.Time // what now said then
	looked time.Time // real time then
}

func (s *steady) read() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Asked under the lock: two callers must not be taken for a step backwards.
	now, looked := s.now(), time.Now()
	passed := now.Sub(s.last)
	if passed < 0 || passed > maxStep {
		passed = looked.Sub(s.looked)
	}
	s.at, s.last, s.looked = s.at.Add(passed), now, looked
	return s.at
}
