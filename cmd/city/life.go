package city

import (
	"math"
	"math/rand/v2"
	"time"

	"hotline/ticketing"
)

// archiveAfter is how long a closed ticket waits for its archive.
const archiveAfter = 30 * 24 * time.Hour

// spread is a log-normal duration with the given median, to the millisecond.
func spread(r *rand.Rand, median time.Duration, sigma float64) time.Duration {
	d := time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
	return max(time.Millisecond, d.Truncate(time.Millisecond))
}

// live gives the case its times, from the call to the archive, its reply and
// its rating.
func (m *maker) live(r *rand.Rand, c *Case) {
	if c.Channel == ticketing.ByPhone {
		m.line(r, c)
		m.call(r, c)
	} else {
		c.AcceptedAt = m.office(r, c.ArrivedAt, 12*time.Minute)
		c.Operator = m.seat[r.IntN(seatCount)][1]
	}
	c.Direct = c.Appeal.Type == ticketing.Inquiry && r.Float64() < .7 || c.Appeal.Type == ticketing.Suggestion && r.Float64() < .1
	if c.Direct {
		c.Department, c.Desk = "", false
		c.Answer = m.w.answer(true)
		c.ClosedAt = c.AcceptedAt
		c.ResolvedAt = c.AcceptedAt
		c.Solved = true
	} else {
		m.handle(r, c)
	}
	m.cut(c)
}

// office is d of the centre's own time later: it works day and night.
func (m *maker) office(r *rand.Rand, at time.Time, d time.Duration) time.Time {
	return at.Add(spread(r, d, .7))
}

func (m *maker) call(r *rand.Rand, c *Case) {
	busy := load(c.ArrivedAt)
	if r.Float64() < .02+.05*busy {
		at := c.ArrivedAt
		for range 1 + r.IntN(2) {
			at = at.Add(-spread(r, 4*time.Minute, .5))
			missed := Call{ID: uuid7(at, r), Line: c.Line, StartedAt: at, QueuedAt: at.Add(spread(r, 8*time.Second, .3)), HungUpBy: "citizen"}
			missed.EndedAt = missed.QueuedAt.Add(spread(r, 50*time.Second, .6))
			c.Missed = append([]Call{missed}, c.Missed...)
		}
	}
	seat := m.seat[r.IntN(seatCount)]
	call := &Call{ID: uuid7(c.ArrivedAt, r), Line: c.Line, Digit: c.Digit, Seat: seat[0], Operator: seat[1], StartedAt: c.ArrivedAt, HungUpBy: "citizen"}
	call.QueuedAt = call.StartedAt.Add(spread(r, 9*time.Second, .35))
	call.OfferedAt = call.QueuedAt.Add(time.Duration(r.ExpFloat64() * float64(2*time.Second+time.Duration(40*busy*busy*float64(time.Second))))).Truncate(time.Millisecond)
	call.AnsweredAt = call.OfferedAt.Add(spread(r, 3500*time.Millisecond, .4))
	call.EndedAt = call.AnsweredAt.Add(spread(r, 150*time.Second, .6))
	if r.IntN(5) == 0 {
		call.HungUpBy = "seat"
	}
	c.Call, c.Operator = call, seat[1]
	c.AcceptedAt = call.EndedAt.Add(spread(r, 20*time.Second, .7))
}

// handle is the way of a ticket through a department.
func (m *maker) handle(r *rand.Rand, c *Case) {
	work := m.g.clock.calendar.Add
	c.DispatchedAt = m.office(r, c.AcceptedAt, 4*time.Minute)
	if c.Desk {
		c.DispatchedAt = m.office(r, c.AcceptedAt, 35*time.Minute)
	}
	// Some departments are slow; which ones depends on their code alone.
	pace := .6 + float64(mix64(hash(c.Department))%100)/100
	switch {
	case m.w.leaf.deadly:
		c.SignedAt = c.DispatchedAt.Add(spread(r, 4*time.Minute, .5))
		c.ContactedAt = c.SignedAt.Add(spread(r, 12*time.Minute, .5))
		c.ResolvedAt = c.ContactedAt.Add(spread(r, 3*time.Hour, .6))
	case c.Urgency == ticketing.Urgent:
		c.SignedAt = c.DispatchedAt.Add(spread(r, 11*time.Minute, .6))
		c.ContactedAt = c.SignedAt.Add(spread(r, 40*time.Minute, .6))
		c.ResolvedAt = c.ContactedAt.Add(spread(r, 7*time.Hour, .6))
	default:
		c.SignedAt = work(c.DispatchedAt, spread(r, time.Duration(100*pace*float64(time.Minute)), .8))
		c.ContactedAt = work(c.SignedAt, spread(r, time.Duration(150*pace*float64(time.Minute)), .7))
		median := 17 * pace * float64(time.Hour)
		if c.Appeal.Type == ticketing.Inquiry {
			median = 6 * pace * float64(time.Hour)
		}
		c.ResolvedAt = work(c.ContactedAt, spread(r, time.Duration(median), .5))
	}
	late := c.ResolvedAt.Sub(c.DispatchedAt) > 8*24*time.Hour
	solved := .90
	if late {
		solved = .65
	}
	c.Contacted = r.Float64() < .96
	c.Solved = r.Float64() < solved
	if !c.Solved && r.Float64() < .45 {
		c.Reopened = 1
		c.ResolvedAt = work(c.ResolvedAt, spread(r, 14*time.Hour, .4))
		c.Solved = r.Float64() < .75
	}
	c.Answer = m.w.answer(false)
	c.ReviewedAt = work(c.ResolvedAt, spread(r, 70*time.Minute, .6))
	c.FollowedAt = work(c.ReviewedAt, spread(r, 6*time.Hour, .5))
	m.rate(r, c, late)
	c.ClosedAt = c.FollowedAt
}

func (m *maker) rate(r *rand.Rand, c *Case, late bool) {
	if r.Float64() < .18 {
		c.FollowUp = pick(r, followUps[Unrated])
		return
	}
	good := [5]float64{.005, .015, .08, .40, 1}
	switch {
	case !c.Solved:
		good = [5]float64{.30, .65, .92, .99, 1}
	case late || !c.Contacted:
		good = [5]float64{.03, .10, .35, .80, 1}
	}
	u := r.Float64()
	for i, upper := range good {
		if u < upper {
			c.Rating = Rating(i + 1)
			break
		}
	}
	c.FollowUp = pick(r, followUps[c.Rating])
}

// cut takes away what lies after AsOf and derives the state.
func (m *maker) cut(c *Case) {
	asOf := m.g.opts.AsOf
	gone := func(t *time.Time) bool {
		if t.IsZero() || !t.After(asOf) {
			return false
		}
		*t = time.Time{}
		return true
	}
	gone(&c.ContactedAt)
	followed, reviewed, resolved := !gone(&c.FollowedAt), !gone(&c.ReviewedAt), !gone(&c.ResolvedAt)
	signed, dispatched := !gone(&c.SignedAt), !gone(&c.DispatchedAt)
	if gone(&c.ClosedAt) || !followed {
		c.Rating, c.FollowUp = Unrated, ""
	}
	switch {
	case c.AcceptedAt.After(asOf):
		c.State = ticketing.Draft
	case c.Direct || followed && !c.ClosedAt.IsZero():
		c.State = ticketing.Closed
		if asOf.Sub(c.ClosedAt) > archiveAfter {
			c.State = ticketing.Archived
		}
	case !dispatched:
		c.State = ticketing.Accepted
	case !signed:
		c.State = ticketing.Dispatched
	case !resolved:
		c.State = ticketing.InProgress
		c.Answer, c.Solved, c.Reopened = "", false, 0
	case !reviewed:
		c.State = ticketing.InReview
	default:
		c.State = ticketing.FollowUp
	}
	if c.State == ticketing.Draft || c.State == ticketing.Accepted || c.State == ticketing.Dispatched {
		c.Answer, c.Solved, c.Reopened = "", false, 0
		if !dispatched || c.State == ticketing.Draft {
			c.Department = ""
		}
	}
	c.Contacted = c.Contacted && !c.ContactedAt.IsZero()
}

func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
