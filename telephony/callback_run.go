package telephony

import (
	"context"
	"errors"
	"time"

	"hotline/telephony/acd"
	"hotline/telephony/prompts"
)

// serve tries a callback until its citizen was reached or it is over.
func (b *callbacks) serve(p *pending) {
	for p.ctx.Err() == nil {
		k := b.c.prepareCall()
		hangUp := context.AfterFunc(p.ctx, func() { k.stop(PartySystem, "", CauseHangup, 0) })
		begun, err := k.callBack(b.view(p), func() error { return b.tried(p, k.id) }, func(user string) {
			hangUp() // the end of the callback is not the end of the conversation
			b.finish(p, CallbackReached, user)
		})
		hangUp()
		if begun {
			k.finish()
		} else {
			k.c.floor.leave(k.id)
			k.cancel()
		}
		cdr, _ := k.snapshot()
		switch {
		case errors.Is(err, ErrStopping): // it waits for the next process
			return
		case !cdr.BridgedAt.IsZero():
			return
		case p.ctx.Err() == nil && !b.again(p):
			b.finish(p, CallbackFailed, "")
			return
		}
		if errors.Is(err, errRefused) {
			b.pause(p)
		}
	}
}

// errOver is why a citizen is not called: another node has ended the callback, or sees to it now.
var errOver = errors.New("telephony: the callback is over")

// errRefused is why a callback has no place in its queue at present.
var errRefused = errors.New("telephony: the queue takes no callback now")

// pause waits until the next try may be made: a callback that the queue has put off keeps its place there, one that it has refused has none.
func (b *callbacks) pause(p *pending) {
	timer := time.NewTimer(b.view(p).NotUntil.Sub(b.c.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	}
}

func (b *callbacks) view(p *pending) Callback {
	b.mu.Lock()
	defer b.mu.Unlock()
	return p.cb
}

// saving bounds a write of a callback.
const saving = 10 * time.Second

// tried notes a call to the citizen before it is made, so that a crash cannot make more of them than are allowed.
func (b *callbacks) tried(p *pending, callID string) error {
	ctx, cancel := context.WithTimeout(p.ctx, saving)
	defer cancel()
	if over, err := b.over(ctx, p.cb.ID); err != nil {
		return err
	} else if over {
		b.forget(p)
		return errOver
	}
	_, err := b.change(ctx, p, func(cb *Callback) {
		cb.Calls = append(cb.Calls[:len(cb.Calls):len(cb.Calls)], callID)
		p.trying = true
	})
	return err
}

// again puts the next try off; false when there is none.
func (b *callbacks) again(p *pending) bool {
	ctx, cancel := context.WithTimeout(p.ctx, saving)
	defer cancel()
	cb := b.view(p)
	q, _ := b.c.cfg.queue(b.c.queueOf(cb.Line, cb.Queue))
	left := true
	_, err := b.change(ctx, p, func(cb *Callback) {
		p.trying = false
		left = len(cb.Calls) < q.CallbackTries
		cb.NotUntil = b.c.now().Add(q.CallbackRetry).UTC().Truncate(time.Millisecond)
	})
	if err != nil {
		b.c.log.Error("a callback is not put off on record", "callback", p.cb.ID, "error", err)
	}
	return left
}

func (b *callbacks) finish(p *pending, state CallbackState, user string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), saving)
	defer cancel()
	if _, err := b.end(ctx, p, state, user); err != nil {
		b.c.log.Error("the end of a callback is not on record", "callback", p.cb.ID, "error", err)
	}
}

// callBack lets a callback wait for a seat, and has the citizen called when one has answered. It tells whether a seat was rung at all: the call has a
// record then. tried is run before the citizen is called, reached when the two talk.
func (k *call) callBack(cb Callback, tried func() error, reached func(user string)) (begun bool, err error) {
	cb.Queue = k.c.queueOf(cb.Line, cb.Queue)
	in := k.c.floor.arrive(acd.Arrive{
		Call: k.id, Queue: cb.Queue, Since: cb.Since, Needs: cb.Needs, Priority: cb.Priority, Prefer: cb.Prefer, Callback: true, NotUntil: cb.NotUntil,
	})
	for {
		select {
		case <-k.ctx.Done():
			return begun, nil
		case <-k.commands: // nothing to hold yet
		case <-in.ready:
			for _, d := range in.take() {
				switch d := d.(type) {
				case acd.Offer:
					if !begun {
						if err := k.c.enlist(k); err != nil {
							return false, err
						}
						begun = true
						k.beginCallback(cb)
					}
					k.try(d)
				case acd.Withdraw:
					k.withdraw(d)
				case acd.Refuse: // the queue is full
					return begun, errRefused
				case acd.Connect:
					if a := k.attempts[d.Seat]; a != nil && a.party != nil {
						k.reach(cb.Number, a, tried, reached)
						return true, nil
					}
				}
			}
		}
	}
}

func (k *call) beginCallback(cb Callback) {
	k.backFor = cb.CallID
	k.begin(EventData{Direction: Outbound, Caller: cb.Line, Called: cb.Number, Line: cb.Line, CallbackID: cb.ID}, "", "")
	k.record(EvQueued, "", "", EventData{Queue: cb.Queue})
	k.setState(CallQueued)
}

// reach calls the citizen for a seat that has answered.
func (k *call) reach(number string, a *attempt, tried func() error, reached func(user string)) {
	k.putIn(0, a.party)
	k.record(EvSeat, a.offer.Seat, a.offer.User, EventData{Attempt: a.offer.Attempt})
	r, err := k.c.through(number)
	if err == nil {
		err = tried()
	}
	if err != nil {
		k.log.Error("a citizen cannot be called back", "error", err)
		k.stop(PartySystem, "", CauseFailed, 0)
		return
	}
	k.callOutWithTone(r, func() { k.wg.Go(func() { reached(a.offer.User) }) })
}

// wantsCallback takes a key of a caller who waits, and tells whether it asks for a callback that can be had.
func (k *call) wantsCallback(key rune, queue string) bool {
	cdr, _ := k.snapshot()
	q, _ := k.c.cfg.queue(queue)
	return key == callbackKey && q.Callback && !k.rings() && k.c.callable(cdr.Caller)
}

// callbackKey asks for a callback in the queue.
const callbackKey = '1'

// rings tells whether the call is offered to a seat now.
func (k *call) rings() bool {
	for _, a := range k.attempts {
		if a.ctx.Err() == nil {
			return true
		}
	}
	return false
}

// park lets the citizen hang up and keep the place; false when that cannot be.
func (k *call) park(place acd.Arrive) bool {
	cdr, _ := k.snapshot()
	since := cdr.QueuedAt
	if since.IsZero() {
		since = k.now()
	}
	ctx, cancel := context.WithTimeout(k.ctx, saving)
	defer cancel()
	_, err := k.c.callbacks.add(ctx, Callback{
		Number: cdr.Caller, CallID: k.id, Line: cdr.Line, Queue: place.Queue, Needs: place.Needs, Priority: place.Priority, Prefer: place.Prefer,
		Since: since, By: CallbackAsked,
	})
	if err != nil && !errors.Is(err, ErrConflict) { // asked for twice is asked for
		k.log.Error("a callback cannot be kept", "error", err)
		return false
	}
	k.c.floor.leave(k.id)
	k.mu.Lock()
	k.parked = true
	k.mu.Unlock()
	if k.say(prompts.CallbackNoted) {
		k.stop(PartySystem, "", CauseCallback, 0)
	}
	return true
}

// returnMissed puts the caller of a queue that returns its missed calls back into the place that the caller had.
func (c *Center) returnMissed(cdr CDR) {
	q, _ := c.cfg.queue(cdr.Queue)
	if cdr.missed() == nil || cdr.QueuedAt.IsZero() || cdr.Cause == CauseCallback || cdr.Cause == CauseShutdown ||
		!q.CallbackMissed || cdr.Wait() < shortAbandon || !c.callable(cdr.Caller) {
		return
	}
	c.callbacks.owe(Callback{Number: cdr.Caller, CallID: cdr.ID, Line: cdr.Line, Queue: q.Name, Since: cdr.QueuedAt, By: CallbackMissed})
}

// owe adds a callback that no user is there to hear of; one that waits for the number already is enough.
func (b *callbacks) owe(cb Callback) {
	ctx, cancel := context.WithTimeout(b.c.background, saving)
	defer cancel()
	if _, err := b.add(ctx, cb); err != nil && !errors.Is(err, ErrConflict) {
		b.c.log.Error("a missed call is not called back", "call_id", cb.CallID, "error", err)
	}
}
