package telephony

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hotline/telephony/acd"
)

// SeatTimes is how long a seat was in each of its states. What is not here it was offline.
type SeatTimes struct {
	Ready, Ringing, Talking, WrapUp, Break, SetAside time.Duration
}

// Staffed is how long somebody was there to take calls.
func (t SeatTimes) Staffed() time.Duration {
	return t.Ready + t.Ringing + t.Talking + t.WrapUp + t.SetAside
}

// Occupancy is talking and wrap-up ÷ staffed, in 0…1; 0 when nobody was there.
func (t SeatTimes) Occupancy() float64 {
	if t.Staffed() == 0 {
		return 0
	}
	return float64(t.Talking+t.WrapUp) / float64(t.Staffed())
}

// AHT is the average handling time of n calls: talk, holds included, and wrap-up; 0 when n is.
func (t SeatTimes) AHT(n int) time.Duration { return mean(t.Talking+t.WrapUp, n) }

// Add sums the times of seats.
func (t SeatTimes) Add(o SeatTimes) SeatTimes {
	return SeatTimes{
		Ready: t.Ready + o.Ready, Ringing: t.Ringing + o.Ringing, Talking: t.Talking + o.Talking,
		WrapUp: t.WrapUp + o.WrapUp, Break: t.Break + o.Break, SetAside: t.SetAside + o.SetAside,
	}
}

func (t *SeatTimes) spent(state acd.State, d time.Duration) {
	switch state {
	case acd.StateReady:
		t.Ready += d
	case acd.StateRinging:
		t.Ringing += d
	case acd.StateTalking:
		t.Talking += d
	case acd.StateWrapUp:
		t.WrapUp += d
	case acd.StateBreak:
		t.Break += d
	case acd.StateSetAside:
		t.SetAside += d
	case acd.StateOffline:
	}
}

// lookBack is how far back the state is looked for that a seat had when an interval began; who had none since was offline.
const lookBack = 24 * time.Hour

// stay is a time in which a seat was in one state, with one person.
type stay struct {
	seat, user string
	state      acd.State
	from, to   time.Time
}

// seatTimes sums up what the seats did in [from, to), until now, from the log.
func (c *Center) seatTimes(ctx context.Context, from, to time.Time) (map[string]SeatTimes, error) {
	times := map[string]SeatTimes{}
	err := c.stays(ctx, from, to, func(s stay) {
		t := times[s.seat]
		t.spent(s.state, s.to.Sub(s.from))
		times[s.seat] = t
	})
	for seat, t := range times {
		if t == (SeatTimes{}) {
			delete(times, seat)
		}
	}
	return times, err
}

// stays tells of all stays in [from, to), until now, cut off at its bounds; those of a seat in order.
func (c *Center) stays(ctx context.Context, from, to time.Time, tell func(stay)) error {
	if present := c.now(); present.Before(to) {
		to = present
	}
	now := map[string]stay{}
	end := func(s stay, at time.Time) {
		if s.from, s.to = later(s.from, from), at; s.to.After(s.from) {
			tell(s)
		}
	}
	err := c.eachEvent(ctx, EventFilter{States: true, From: from.Add(-lookBack), To: to}, func(e Event) error {
		var d EventData
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return fmt.Errorf("event %d: %w", e.ID, err)
		}
		if s, ok := now[e.Seat]; ok {
			end(s, e.At)
		}
		now[e.Seat] = stay{seat: e.Seat, user: e.User, state: acd.State(d.State), from: e.At}
		return nil
	})
	for _, s := range now {
		end(s, to)
	}
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
