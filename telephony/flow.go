package telephony

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotline/telephony/acd"
	"hotline/telephony/ivr"
)

// validFlows reports what is wrong with the flows, and with them in this configuration.
func validFlows(flows []ivr.Flow, queues, lines map[string]bool) error {
	var errs []error
	of := map[string]string{}
	for _, f := range flows {
		if err := f.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%w: %w", ErrInvalid, err))
		}
		for _, queue := range f.Queues() {
			if !queues[queue] {
				errs = append(errs, fmt.Errorf("%w: flow %q: there is no queue %q", ErrInvalid, f.Name, queue))
			}
		}
		for _, line := range f.Lines {
			if other, taken := of[line]; taken {
				errs = append(errs, fmt.Errorf("%w: line %s has the flows %q and %q: name it once", ErrInvalid, line, other, f.Name))
			}
			of[line] = f.Name
			if !lines[line] {
				errs = append(errs, fmt.Errorf("%w: flow %q is for line %s, which is not answered: name it among the lines", ErrInvalid, f.Name, line))
			}
		}
	}
	return errors.Join(errs...)
}

// serve leads an answered caller through the line's flow, and from there to a seat, to a number, or out.
func (k *call) serve(line Line) {
	host := &caller{k: k}
	k.record(EvPrompt, "", "", EventData{})
	k.setState(CallPrompt)
	if !k.announce(host, line.Number) {
		return
	}
	exit, err := k.c.cfg.flowOf(line.Number).Walk(host)
	host.quiet()
	switch {
	case err != nil: // the call is over
	case exit.Transfer != nil:
		k.divert(exit.Transfer.Number, exit.Step)
	case exit.Hangup != nil:
		k.stop(PartySystem, "", CauseFlow, 0)
	case exit.Voicemail != nil:
		k.takeMessage(exit.Voicemail)
	case exit.Callback != nil:
		k.callBackAfter(line, exit.Callback)
	default:
		k.queue(k.place(line, exit.Queue))
	}
}

// place is where a flow puts its caller.
func (k *call) place(line Line, q *ivr.Queue) acd.Arrive {
	p := acd.Arrive{Call: k.id, Queue: line.Queue, Needs: q.Needs, Priority: q.Priority}
	if q.Name != "" {
		p.Queue = q.Name
	}
	if q.SameAgent > 0 {
		p.Prefer = k.lastAgent(q.SameAgent)
	}
	return p
}

// callBackAfter ends a call whose caller chose to be called back; where that cannot be kept, the caller waits.
func (k *call) callBackAfter(line Line, c *ivr.Callback) {
	place := k.place(line, &ivr.Queue{Name: c.Name, Needs: c.Needs})
	if !k.park(place) {
		k.queue(place)
	}
}

// lastAgentWithin bounds how long a caller waits for the look at earlier calls.
const lastAgentWithin = 500 * time.Millisecond

// lastAgent is who talked with the caller last, at most so long ago; "" is nobody.
func (k *call) lastAgent(within time.Duration) string {
	cdr, _ := k.snapshot()
	if known(cdr.Caller) == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(k.ctx, lastAgentWithin)
	defer cancel()
	page, err := k.c.store.Calls(ctx, CallFilter{From: k.now().Add(-within), Caller: cdr.Caller, Direction: Inbound, Limit: 10})
	if err != nil {
		k.log.Warn("a caller's earlier calls cannot be read, the caller goes to whoever is free", "error", err)
		return ""
	}
	for _, c := range page.Items {
		if c.User != "" && c.ID != k.id {
			return c.User
		}
	}
	return ""
}
