package telephony

import (
	"context"
	"sync/atomic"
	"time"

	"hotline/telephony/acd"
	"hotline/telephony/invite"
)

// attempt is one offer to one seat: tell the handler, ring the phone, and if
// it answers in time, its side of the conversation.
type attempt struct {
	k       *call
	offer   acd.Offer
	ctx     context.Context // ends when the offer is withdrawn or the call is over
	cancel  context.CancelFunc
	party   *party // set before the machine hears of the answer
	outcome atomic.Value
}

// try starts an offer on its own goroutine: it may have to wait.
func (k *call) try(d acd.Offer) {
	ctx, cancel := context.WithCancel(k.ctx)
	a := &attempt{k: k, offer: d, ctx: ctx, cancel: cancel}
	k.attempts[d.Seat] = a
	k.setState(CallRinging)
	k.wg.Go(a.run)
}

// withdraw ends an offer that the machine took back.
func (k *call) withdraw(d acd.Withdraw) {
	a := k.attempts[d.Seat]
	if a == nil {
		return
	}
	outcome := OutcomeWithdrawn
	switch d.Reason {
	case acd.ReasonNoAnswer:
		outcome = OutcomeNoAnswer
	case acd.ReasonElsewhere:
		outcome = OutcomeElsewhere
	}
	a.outcome.CompareAndSwap(nil, outcome)
	a.cancel()
	for _, other := range k.attempts {
		if other.ctx.Err() == nil {
			return
		}
	}
	k.setState(CallQueued)
}

func (a *attempt) run() {
	k, d := a.k, a.offer
	defer a.cancel()
	k.record(EvOffered, d.Seat, d.User, EventData{Attempt: d.Attempt, Reason: d.Reason})
	defer func() {
		a.outcome.CompareAndSwap(nil, OutcomeWithdrawn)
		k.record(EvOfferEnded, d.Seat, d.User, EventData{Attempt: d.Attempt, Outcome: a.outcome.Load().(string)})
	}()
	cdr, _ := k.snapshot()
	k.c.tellWithin(a.ctx, "offered", k.id, func(ctx context.Context) error {
		return k.c.handler.Offered(ctx, Offer{
			CallID: k.id, Caller: known(cdr.citizen()), Private: cdr.Private, Line: cdr.Line, Queue: d.Queue, Digit: cdr.Digit,
			Seat: d.Seat, User: d.User, Attempt: d.Attempt, For: k.backFor, Contact: k.contact, At: k.now().UTC().Truncate(time.Millisecond),
		})
	})
	if a.ctx.Err() != nil {
		return
	}
	var outs []invite.Outgoing
	for _, b := range k.c.devices(d.Seat) {
		outs = append(outs, k.c.toSeat(b, cdr.shown(), k.id))
	}
	if len(outs) == 0 {
		a.fail(OutcomeUnreachable)
		return
	}
	err := k.dialDevices(a.ctx, outs, func() *party {
		return &party{who: PartySeat, seat: d.Seat, user: d.User, floor: k.id}
	}, a.device)
	if err != nil && a.ctx.Err() == nil {
		k.log.Warn("seat's phone cannot be called", "seat", d.Seat, "error", err)
		a.fail(OutcomeUnreachable)
	}
}

// device says what the progress of one of the seat's devices is told to.
func (a *attempt) device(p *party) dialing {
	k, d, answered := a.k, a.offer, false
	return dialing{
		ringing: func() {
			k.record(EvRinging, d.Seat, d.User, EventData{Attempt: d.Attempt})
			k.c.floor.apply(func(at time.Time) acd.Event { return acd.Ringing{At: at, Call: k.id, Seat: d.Seat} })
		},
		answered: func() {
			answered = true
			a.party = p
			k.c.floor.apply(func(at time.Time) acd.Event {
				return acd.Answered{At: at, Call: k.id, Seat: d.Seat, Attempt: d.Attempt}
			})
		},
		ended: func(c invite.Cause) { a.ended(c, answered) },
	}
}

// ended hears that the seat's session is over.
func (a *attempt) ended(c invite.Cause, answered bool) {
	if answered {
		a.outcome.CompareAndSwap(nil, OutcomeAnswered)
		if a.ctx.Err() == nil { // the seat hung up; otherwise we did
			by, cause := PartySeat, CauseHangup
			if broke(c) {
				by, cause = PartySystem, brokenBy(c)
			}
			a.k.gone(a.party, c, func() { a.k.hungUp(a.party, ending{by: by, user: a.offer.User, cause: cause, code: c.Code}) })
		}
		return
	}
	switch c.Code {
	case 486, 600, 603, 488, 606:
		a.fail(OutcomeRejected)
	default:
		a.fail(OutcomeUnreachable)
	}
}

// fail tells the machine that this offer came to nothing, unless it was
// withdrawn already.
func (a *attempt) fail(outcome string) {
	if a.ctx.Err() != nil {
		return
	}
	a.outcome.CompareAndSwap(nil, outcome)
	a.k.failed(a.offer.Seat, a.offer.Attempt, outcome)
}
