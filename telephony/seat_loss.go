package telephony

import (
	"context"
	"sync/atomic"
	"time"

	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/prompts"
)

// Loss is a time in which a call was without its seat, whose phone or browser had failed, and the citizen heard music.
type Loss struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"`
	Seat  string    `json:"seat"`
	User  string    `json:"user"`
	Cause string    `json:"cause"` // media: its sound died; failed: its signalling did
	Back  bool      `json:"back"`  // the seat took the call back
}

// Events of a seat that a call loses.
const (
	EvSeatLost = "seat_lost" // Seat, User; Cause
	EvSeatBack = "seat_back" // Seat, User
)

// CauseSeatLost ends a call whose seat did not come back in time.
const CauseSeatLost = "seat_lost"

// redial is how long a seat's device that could not be called is left alone.
const redial = time.Second

// losing is the wait for a seat; it belongs to the call's goroutine.
type losing struct {
	party  *party
	other  *party
	tone   *media.Playback // nil while others talk with the citizen
	cancel context.CancelFunc
	won    atomic.Pointer[party] // the device that has the call
}

// broke tells that a leg ended although nobody hung up.
func broke(c invite.Cause) bool { return c.By == invite.System || lost(c) }

// brokenBy is the cause that such an end gives the call.
func brokenBy(c invite.Cause) string {
	if c.Reason == CauseMedia {
		return CauseMedia
	}
	return CauseFailed
}

// waitsFor lets a citizen wait for a seat whose leg broke; false when the call is not one that waits. end is run when it turns out
// that it cannot.
func (k *call) waitsFor(p *party, cause invite.Cause, end func()) bool {
	_, state := k.snapshot()
	if p.seat == "" || !broke(cause) || state != CallTalking && state != CallHeld || !p.moves.CompareAndSwap(stays, replaced) {
		return false
	}
	asked := k.do(func() {
		if !k.lose(p, brokenBy(cause)) {
			end()
			k.c.floor.leave(p.floor)
		}
	})
	if !asked {
		p.moves.Store(stays)
	}
	return asked
}

// lose plays music to the citizen and rings the seat's devices. It runs on the call's goroutine.
func (k *call) lose(p *party, cause string) bool {
	other := k.otherThan(p)
	if other == nil || other.seat != "" || k.merged || k.moving != nil || k.losing != nil {
		return false
	}
	k.hold(false, nil)
	k.endMute()
	k.record(EvSeatLost, p.seat, p.user, EventData{Cause: cause})
	l := &losing{party: p, other: other}
	if !k.conferred() {
		l.tone = other.leg.Play(k.c.sounds.say(k.language, prompts.Music), true)
	}
	ctx, cancel := context.WithCancel(k.ctx)
	l.cancel = cancel
	k.losing = l
	k.wg.Go(func() { k.awaitSeat(ctx, l) })
	return true
}

// awaitSeat rings what devices the seat has, and those that it gets, until one answers or the time is over.
func (k *call) awaitSeat(ctx context.Context, l *losing) {
	came, forget := k.c.registrar.await(l.party.seat)
	defer forget()
	defer func() {
		if l.won.Load() == nil {
			k.c.floor.leave(l.party.floor)
		}
	}()
	over := time.NewTimer(k.c.cfg.SeatReturn)
	defer over.Stop()
	rung := map[string]bool{}
	for {
		for _, b := range k.c.devices(l.party.seat) {
			if key := b.Contact + " " + b.Source.String() + " " + b.Transport; !rung[key] {
				rung[key] = true
				k.wg.Go(func() { k.ringBack(ctx, l, b) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-came:
		case <-over.C:
			k.post(func() { k.seatStaysAway(l) })
			return
		}
	}
}

// ringBack calls one of the seat's devices until it answers, and follows it to its end.
func (k *call) ringBack(ctx context.Context, l *losing, b Binding) {
	cdr, _ := k.snapshot()
	for ctx.Err() == nil {
		p := &party{who: l.party.who, seat: l.party.seat, user: l.party.user, floor: l.party.floor, pressed: l.party.pressed}
		own, cancel := context.WithCancel(k.ctx)
		unhook := context.AfterFunc(ctx, cancel)
		answered, last := false, invite.Cause{}
		err := k.dial(own, p, k.c.toSeat(b, cdr.shown(), k.id), dialing{
			ringing: func() {},
			claim:   func() bool { return unhook() && l.won.CompareAndSwap(nil, p) },
			answered: func() {
				answered = true
				if !k.do(func() { k.seatBack(l, p) }) {
					cancel()
				}
			},
			ended: func(c invite.Cause) {
				if last = c; answered {
					k.gone(p, c, func() { k.mainGone(p, c) })
				}
			},
		})
		cancel()
		switch {
		case answered:
			k.leaveSeat(p)
			return
		case err != nil:
			k.log.Warn("seat's phone cannot be called back", "seat", p.seat, "error", err)
		case last.By == invite.Remote && last.Code >= 600: // its user will not
			k.post(func() { k.seatStaysAway(l) })
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
}

// seatBack lets the two talk again. It runs on the call's goroutine.
func (k *call) seatBack(l *losing, p *party) {
	if k.losing != l {
		p.sess.Hangup(invite.Cause{By: invite.Local})
		return
	}
	k.waitNoMore()
	k.swap(l.party, p)
	k.record(EvSeatBack, p.seat, p.user, EventData{})
}

// waitNoMore ends the wait for the seat, if there is one.
func (k *call) waitNoMore() {
	if k.losing == nil {
		return
	}
	k.losing.cancel()
	if k.losing.tone != nil {
		k.losing.tone.Stop()
	}
	k.losing = nil
}

// seatStaysAway tells the citizen, and ends the call. It runs on the call's goroutine.
func (k *call) seatStaysAway(l *losing) {
	if k.losing != l {
		return
	}
	l.cancel()
	said := l.other.leg.Play(k.c.sounds.say(k.language, prompts.SeatLost, prompts.Goodbye), false)
	k.wg.Go(func() {
		select {
		case <-said.Done():
		case <-k.ctx.Done():
		}
		k.stop(PartySystem, "", CauseSeatLost, 0)
	})
}

// applyLoss brings the record's list of losses up to date.
func (c *CDR) applyLoss(e Event, d EventData) {
	if e.Type == EvSeatLost {
		c.Losses = append(c.Losses, Loss{From: e.At, Seat: e.Seat, User: e.User, Cause: d.Cause})
		return
	}
	c.endLoss(e.At, true)
}

func (c *CDR) endLoss(at time.Time, back bool) {
	if n := len(c.Losses); n > 0 && c.Losses[n-1].To.IsZero() {
		c.Losses[n-1].To, c.Losses[n-1].Back = at, back
	}
}
