package telephony

import (
	"context"

	"hotline/telephony/invite"
)

// attend joins this call with another one of the same seat (attended
// transfer): the two other parties go on with each other.
func (k *call) attend(p *party, e invite.Referred) {
	v, ok := k.c.parties.Load(k.c.endpoint.Lookup(*e.Replaces))
	if !ok {
		e.Reply(481)
		return
	}
	second := v.(seated)
	switch {
	case second.k == k || second.p.seat != p.seat:
		e.Reply(403)
	case !k.movable() || k.otherThan(p) == nil:
		e.Reply(491)
	case !second.k.do(func() { second.k.handOver(second.p, k, p, e) }):
		e.Reply(491)
	}
}

// handOver gives the other party of p to the first call. It runs on the second
// call's goroutine, which afterwards only waits for the end.
func (k *call) handOver(p *party, first *call, by *party, e invite.Referred) {
	other := k.otherThan(p)
	_, state := k.snapshot()
	if other == nil || !k.movable() || k.conference != nil || state != CallTalking && state != CallHeld {
		e.Reply(491)
		return
	}
	if !k.mayJoin(other, first, by) {
		e.Reply(403)
		return
	}
	k.hold(false, nil)
	k.bridge.Record(nil)
	k.bridge.Close()
	k.merged = true
	back := func() { // the first call did not take it
		if k.ctx.Err() == nil {
			k.merged = false
			k.connect()
		}
	}
	taken := first.do(func() {
		if !first.movable() || first.otherThan(by) == nil || k.ctx.Err() != nil {
			e.Reply(491)
			if !k.do(back) {
				k.stop(PartySystem, "", CauseFailed, 0)
			}
			return
		}
		first.take(by, other, k)
		e.Reply(202)
		first.release(by)
		if !k.do(func() { k.leaveTo(p, first) }) && k.ctx.Err() == nil {
			k.stop(PartySystem, "", CauseTransferred, 0)
		}
	})
	if !taken {
		e.Reply(491)
		back()
	}
}

// mayJoin tells whether neither of two calls brings a seat into the other's line that has no part in it.
func (k *call) mayJoin(other *party, first *call, by *party) bool {
	mine, _ := k.snapshot()
	theirs, _ := first.snapshot()
	return k.c.within(theirs.Line, other.seat) && k.c.within(mine.Line, first.seatBeside(by))
}

// seatBeside is the seat at the other end of a call than p, "" where there is none. It may be asked on any goroutine.
func (k *call) seatBeside(p *party) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if other := k.otherThan(p); other != nil {
		return other.seat
	}
	return ""
}

// take puts the other party of a second call into the place of by. From here
// on the two calls end together.
func (k *call) take(by, other *party, second *call) {
	k.swap(by, other)
	to := other.seat
	if cdr, _ := second.snapshot(); to == "" {
		to = cdr.Called
	}
	note := Transfer{At: k.now(), Seat: by.seat, User: by.user, Kind: TransferAttended, To: to, CallID: second.id}
	k.record(EvTransfer, by.seat, by.user, EventData{Transfer: &note})
	k.endTransfer(&note, by, OutcomeAnswered, 0)
	k.tellAnswered(other, note.At)
	tie := func(ended, goesToo *call) {
		context.AfterFunc(ended.ctx, func() {
			ended.mu.Lock()
			end := ended.end
			ended.mu.Unlock()
			goesToo.stop(end.by, end.user, end.cause, end.code)
		})
	}
	tie(k, second)
	tie(second, k)
}

// leaveTo ends the seat's part of a call whose other party has gone to first.
func (k *call) leaveTo(p *party, first *call) {
	note := Transfer{At: k.now(), Seat: p.seat, User: p.user, Kind: TransferAttended, CallID: first.id}
	cdr, _ := first.snapshot()
	note.To = cdr.Caller
	k.record(EvTransfer, p.seat, p.user, EventData{Transfer: &note})
	k.endTransfer(&note, p, OutcomeAnswered, 0)
	k.closeRecording()
	k.recorder = nil
	k.release(p)
}

// consults tells whether a seat that is in a call may make a second one: it
// talks, and has no other yet.
func (c *Center) consults(seat string) bool {
	n, talking := 0, false
	c.parties.Range(func(_, v any) bool {
		s := v.(seated)
		if s.p.seat == seat && s.p.moves.Load() == stays {
			n++
			_, state := s.k.snapshot()
			talking = talking || state == CallTalking || state == CallHeld
		}
		return true
	})
	return n == 1 && talking
}
