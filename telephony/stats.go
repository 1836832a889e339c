package telephony

import "time"

// CallStats are figures of the inbound calls that started in [From, To),
// counted from the call-event log in milliseconds. Definitions beside each.
type CallStats struct {
	From, To time.Time
	Total    CallFigures
	Lines    map[string]CallFigures
	Queues   map[string]CallFigures
	Seats    map[string]CallFigures // by the seat that answered or was offered
	Hours    []HourFigures          // by the hour in which the call started; empty hours left out
}

// HourFigures are the figures of one hour.
type HourFigures struct {
	Hour time.Time
	CallFigures
}

// CallFigures are the figures of a set of calls.
type CallFigures struct {
	Calls        int           // started
	Queued       int           // entered a queue: asked for a person
	Offered      int           // offered to a seat at least once
	Answered     int           // answered by a seat
	Abandoned    int           // queued, and the caller left before a seat answered
	ShortAbandon int           // of these: within 5 s of queueing
	Within15     int           // answered within 15 s of queueing (GB/T 33358)
	Missed       int           // ended before a seat answered, whatever the stage
	Rings        int           // offers to seats
	NoAnswers    int           // offers that were not answered in time
	WaitTotal    time.Duration // queueing to seat's answer, over Answered
	WaitLongest  time.Duration // over Queued
	TalkTotal    time.Duration // bridge to end, over Answered
	Ringing      time.Duration // seat's phone ringing, over all offers
}

// ConnectRate is answered ÷ queued (接通率), in 0…1; 0 when none queued.
func (f CallFigures) ConnectRate() float64 { return ratio(f.Answered, f.Queued) }

// ServiceLevel15 is answered within 15 s ÷ queued; 0 when none queued.
func (f CallFigures) ServiceLevel15() float64 { return ratio(f.Within15, f.Queued) }

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
