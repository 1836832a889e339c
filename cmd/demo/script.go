package demo

import (
	"fmt"
	"iter"
	"sync"
	"time"

	"hotline/cmd/city"
	"hotline/ticketing"
)

// remembered bounds for how many tickets the people know what it was about.
const remembered = 5000

// script hands out what citizens have to say, for ever, and keeps in mind
// which ticket came of which case.
type script struct {
	city ticketing.City
	now  time.Time

	mu    sync.Mutex
	seed  int64
	next  func() (city.Case, bool)
	stop  func()
	cases map[string]city.Case // by id or number of the ticket
	order []string
}

func newScript(seed int64, c ticketing.City, now time.Time) (*script, error) {
	s := &script{city: c, now: now, seed: seed, cases: map[string]city.Case{}}
	if err := s.begin(); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return s, nil
}

// begin starts a fresh stretch of history around now, so that the season fits.
func (s *script) begin() error {
	g, err := city.New(s.seed, s.city, city.Options{From: s.now.AddDate(0, 0, -7), To: s.now.AddDate(0, 0, 7), Count: 20_000, AsOf: s.now.AddDate(1, 0, 0)})
	if err != nil {
		return err
	}
	s.seed++
	s.next, s.stop = iter.Pull(g.All())
	// Skip into the first day, so that a demonstration does not always begin
	// with what people call about at midnight.
	for c, ok := s.next(); ok && c.ArrivedAt.Hour() < 9; {
		c, ok = s.next()
	}
	return nil
}

// draw is the next case that came by phone, or the next that did not.
func (s *script) draw(byPhone bool) (city.Case, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 100_000 {
		c, ok := s.next()
		if !ok {
			s.stop()
			if s.begin() != nil {
				return city.Case{}, false
			}
			continue
		}
		if (c.Channel == ticketing.ByPhone) == byPhone {
			return c, true
		}
	}
	return city.Case{}, false
}

func (s *script) remember(ref string, c city.Case) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.cases[ref]; !known {
		s.order = append(s.order, ref)
	}
	s.cases[ref] = c
	if len(s.order) > remembered {
		delete(s.cases, s.order[0])
		s.order = s.order[1:]
	}
}

// about is the case behind a ticket, by id or number.
func (s *script) about(refs ...string) (city.Case, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range refs {
		if c, ok := s.cases[ref]; ok && ref != "" {
			return c, true
		}
	}
	return city.Case{}, false
}

func (s *script) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
}
