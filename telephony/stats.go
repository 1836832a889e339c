package telephony

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// CallStats are figures of the inbound calls that started in [From, To), and of the tries to call citizens back,
// counted from the call-event log in milliseconds. Definitions beside each.
type CallStats struct {
	From, To time.Time
	Total    CallFigures
	Lines    map[string]CallFigures
	Queues   map[string]CallFigures
	Seats    map[string]CallFigures // by the seat that answered or was offered
	Times    map[string]SeatTimes   // what the seats did in [From, To)
	Hours    []HourFigures          // by the hour in which the call started; empty hours left out
}

// HourFigures are the figures of one hour.
type HourFigures struct {
	Hour time.Time
	CallFigures
}

// CallFigures are the figures of a set of calls.
type CallFigures struct {
	Calls         int           // started
	Queued        int           // entered a queue: asked for a person
	Offered       int           // offered to a seat at least once
	Answered      int           // answered by a seat
	Abandoned     int           // queued, and the caller left before a seat answered
	ShortAbandon  int           // of these: within 5 s of queueing
	Within15      int           // answered within 15 s of queueing (GB/T 33358)
	WithinX       int           // answered within StatsOptions.Within of queueing
	Missed        int           // ended before a seat answered, whatever the stage
	Rings         int           // offers to seats
	NoAnswers     int           // offers that were not answered in time
	WaitTotal     time.Duration // queueing to seat's answer, over Answered
	WaitLongest   time.Duration // over Queued
	TalkTotal     time.Duration // bridge to end, over Answered
	Ringing       time.Duration // seat's phone ringing, over all offers
	Holds         int           // times that the citizen heard music in a conversation
	HoldTotal     time.Duration // of these
	Transfers     int           // conversations that went on with another seat or number
	ThreeWay      int           // calls in which an added party talked with both
	Callbacks     int           // calls whose caller asked to be called back, and hung up
	CallbackTries int           // calls to citizens who are to be called back, asked for or missed
	CalledBack    int           // of these: the citizen was reached
	Rated         int           // calls that the citizen rated
	RatedWell     int           // of these: 3 to 5
	RatingTotal   int           // sum of the ratings, 1 to 5
}

// ConnectRate is answered ÷ queued (接通率), in 0…1; 0 when none queued.
func (f CallFigures) ConnectRate() float64 { return ratio(f.Answered, f.Queued) }

// ServiceLevel15 is answered within 15 s ÷ queued; 0 when none queued.
func (f CallFigures) ServiceLevel15() float64 { return ratio(f.Within15, f.Queued) }

// ServiceLevelX is answered within the asked time ÷ queued; 0 when none queued.
func (f CallFigures) ServiceLevelX() float64 { return ratio(f.WithinX, f.Queued) }

// ServiceLevelNet is within 15 s ÷ queued, without those who left within 5 s; 0 when none queued.
func (f CallFigures) ServiceLevelNet() float64 { return ratio(f.Within15, f.Queued-f.ShortAbandon) }

// Satisfied is rated well ÷ rated; 0 when none rated.
func (f CallFigures) Satisfied() float64 { return ratio(f.RatedWell, f.Rated) }

// AverageHold is the mean of the times on hold; 0 when there were none.
func (f CallFigures) AverageHold() time.Duration { return mean(f.HoldTotal, f.Holds) }

// AbandonRate is abandoned ÷ queued; 0 when none queued.
func (f CallFigures) AbandonRate() float64 { return ratio(f.Abandoned, f.Queued) }

// ASA is the average speed of answer; 0 when none answered.
func (f CallFigures) ASA() time.Duration { return mean(f.WaitTotal, f.Answered) }

// AverageTalk is the mean talk time; 0 when none answered.
func (f CallFigures) AverageTalk() time.Duration { return mean(f.TalkTotal, f.Answered) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func mean(sum time.Duration, n int) time.Duration {
	if n == 0 {
		return 0
	}
	return sum / time.Duration(n)
}

// shortAbandon is the wait below which an abandoned call counts as a short
// one, and within15 the wait that GB/T 33358 asks for.
const (
	shortAbandon = 5 * time.Second
	within15     = 15 * time.Second
	maxStatCalls = 1000000
	// defaultWithin is the wait of WithinX when nobody says another.
	defaultWithin = 20 * time.Second
	// ratedWell is the lowest rating that is good.
	ratedWell = 3
)

// StatsOptions of figures; the zero value works.
type StatsOptions struct {
	Within   time.Duration // of WithinX; 0 is 20 s
	NotLines []string      // calls of these are left out
}

// Stats computes the figures of the calls that started in [from, to) from
// the call-event log. ErrInvalid: the interval is empty or has more than a
// million calls.
func (c *Center) Stats(ctx context.Context, from, to time.Time, opts StatsOptions) (CallStats, error) {
	if !from.Before(to) || opts.Within < 0 {
		return CallStats{}, fmt.Errorf("interval from %s to %s: %w", from, to, ErrInvalid)
	}
	if err := c.journal.sync(ctx); err != nil {
		return CallStats{}, err
	}
	calls, err := c.callsOf(ctx, from, to)
	if err != nil {
		return CallStats{}, err
	}
	within := opts.Within
	if within == 0 {
		within = defaultWithin
	}
	st := CallStats{From: from, To: to, Lines: map[string]CallFigures{}, Queues: map[string]CallFigures{}, Seats: map[string]CallFigures{}}
	hours := map[time.Time]CallFigures{}
	for _, cdr := range calls {
		if slices.Contains(opts.NotLines, cdr.Line) {
			continue
		}
		st.count(*cdr, within, hours)
	}
	for h, f := range hours {
		st.Hours = append(st.Hours, HourFigures{Hour: h, CallFigures: f})
	}
	slices.SortFunc(st.Hours, func(a, b HourFigures) int { return a.Hour.Compare(b.Hour) })
	st.Times, err = c.seatTimes(ctx, from, to)
	return st, err
}

// callsOf folds the calls that started in [from, to) out of the log.
func (c *Center) callsOf(ctx context.Context, from, to time.Time) (map[string]*CDR, error) {
	calls := map[string]*CDR{}
	err := c.eachEvent(ctx, EventFilter{From: from, To: to}, func(e Event) error {
		cdr := calls[e.CallID]
		if cdr == nil {
			if len(calls) >= maxStatCalls {
				return fmt.Errorf("more than %d calls, choose a shorter interval: %w", maxStatCalls, ErrInvalid)
			}
			empty := NewCDR(e.CallID)
			cdr = &empty
			calls[e.CallID] = cdr
		}
		return cdr.Apply(e)
	})
	return calls, err
}

// eachEvent reads the log page by page.
func (c *Center) eachEvent(ctx context.Context, f EventFilter, fn func(Event) error) error {
	f.Limit = 10000
	for {
		events, err := c.store.Events(ctx, f)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := fn(e); err != nil {
				return err
			}
			f.After = e.ID
		}
		if len(events) < f.Limit {
			return nil
		}
	}
}

// count adds one inbound call to all the figures it belongs to.
func (st *CallStats) count(c CDR, within time.Duration, hours map[time.Time]CallFigures) {
	var one CallFigures
	switch {
	case c.Direction == Inbound:
		one = figuresOf(c, within)
	case c.Callback != "":
		one = CallFigures{CallbackTries: 1, CalledBack: oneIf(!c.BridgedAt.IsZero())}
		addTo(st.Seats, c.Seat, one)
		c.Offers = nil
	default:
		return
	}
	st.Total.add(one)
	addTo(st.Lines, c.Line, one)
	if c.Queue != "" {
		addTo(st.Queues, c.Queue, one)
	}
	hour := c.StartedAt.Truncate(time.Hour)
	addTo(hours, hour, one)
	for _, o := range c.Offers {
		f := CallFigures{Rings: 1}
		if o.Outcome == OutcomeNoAnswer {
			f.NoAnswers = 1
		}
		if !o.RingingAt.IsZero() {
			end := o.AnsweredAt
			if end.IsZero() {
				end = o.EndedAt
			}
			f.Ringing = span(o.RingingAt, end)
		}
		if o.Outcome == OutcomeAnswered {
			g := one
			g.Rings, g.NoAnswers, g.Ringing = 0, 0, 0
			f.add(g)
		}
		addTo(st.Seats, o.Seat, f)
	}
}

func addTo[K comparable](m map[K]CallFigures, k K, f CallFigures) {
	sum := m[k]
	sum.add(f)
	m[k] = sum
}

// figuresOf is what one call counts for.
func figuresOf(c CDR, within time.Duration) CallFigures {
	f := CallFigures{Calls: 1, Missed: oneIf(c.Missed)}
	if !c.QueuedAt.IsZero() {
		f.Queued = 1
		f.WaitLongest = c.Wait()
	}
	f.Offered = oneIf(len(c.Offers) > 0)
	for _, o := range c.Offers {
		f.Rings++
		f.NoAnswers += oneIf(o.Outcome == OutcomeNoAnswer)
		end := o.AnsweredAt
		if end.IsZero() {
			end = o.EndedAt
		}
		f.Ringing += span(o.RingingAt, end)
	}
	switch {
	case !c.SeatAt.IsZero():
		f.Answered = 1
		f.Within15, f.WithinX = oneIf(c.Wait() <= within15), oneIf(c.Wait() <= within)
		f.WaitTotal, f.TalkTotal = c.Wait(), c.Talk()
	case f.Queued == 1 && c.Cause == CauseAbandoned:
		f.Abandoned = 1
		f.ShortAbandon = oneIf(c.Wait() < shortAbandon)
	}
	f.Callbacks = oneIf(c.Cause == CauseCallback)
	f.conversation(c)
	return f
}

// conversation adds what became of a call after both sides were there.
func (f *CallFigures) conversation(c CDR) {
	for _, h := range c.Holds {
		f.Holds++
		f.HoldTotal += span(h.From, h.To)
	}
	for _, t := range c.Transfers {
		f.Transfers += oneIf(t.Outcome == OutcomeAnswered && t.Kind != TransferReplaced)
	}
	f.ThreeWay = oneIf(slices.ContainsFunc(c.Parties, func(p Added) bool { return p.Supervision == "" && !p.JoinedAt.IsZero() }))
	if c.Rating > 0 {
		f.Rated, f.RatedWell, f.RatingTotal = 1, oneIf(c.Rating >= ratedWell), c.Rating
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (f *CallFigures) add(g CallFigures) {
	f.Calls += g.Calls
	f.Queued += g.Queued
	f.Offered += g.Offered
	f.Answered += g.Answered
	f.Abandoned += g.Abandoned
	f.ShortAbandon += g.ShortAbandon
	f.Within15 += g.Within15
	f.WithinX += g.WithinX
	f.Missed += g.Missed
	f.Rings += g.Rings
	f.NoAnswers += g.NoAnswers
	f.WaitTotal += g.WaitTotal
	f.WaitLongest = max(f.WaitLongest, g.WaitLongest)
	f.TalkTotal += g.TalkTotal
	f.Ringing += g.Ringing
	f.Holds += g.Holds
	f.HoldTotal += g.HoldTotal
	f.Transfers += g.Transfers
	f.ThreeWay += g.ThreeWay
	f.Callbacks += g.Callbacks
	f.CallbackTries += g.CallbackTries
	f.CalledBack += g.CalledBack
	f.Rated += g.Rated
	f.RatedWell += g.RatedWell
	f.RatingTotal += g.RatingTotal
}
