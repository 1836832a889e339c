package telephony

import (
	"context"
	"fmt"
	"time"

	"hotline/telephony/ivr"
	"hotline/telephony/prompts"
)

// CallRating is the state of a call whose seat has gone and whose citizen is asked to rate it.
const CallRating = "rating"

// ratingWait is how long the citizen may think about it.
const ratingWait = 8 * time.Second

// ratingFlow asks for a rating: 5 is very satisfied, 1 very dissatisfied.
func ratingFlow() ivr.Flow {
	keys := map[rune]string{}
	for key := '1'; key <= '5'; key++ {
		keys[key] = "thanks"
	}
	return ivr.Flow{Name: "rating", Start: "ask", Steps: map[string]ivr.Step{
		"ask":    {Menu: &ivr.Menu{Say: []string{prompts.Rate}, Invalid: []string{prompts.Invalid}, Wait: ratingWait, Tries: 3, Keys: keys, None: "bye"}},
		"thanks": {Hangup: &ivr.Hangup{Say: []string{prompts.Rated}}},
		"bye":    {Hangup: &ivr.Hangup{Say: []string{prompts.Goodbye}}},
	}}
}

// AskRating lets the seat of a citizen's call go and asks the citizen to rate it. Errors: ErrNotFound; ErrConflict where nobody
// talks, more than two take part, or there is no citizen who called.
func (c *Center) AskRating(ctx context.Context, callID, user string) error {
	return c.asked(ctx, callID, func(k *call) error {
		if !k.ratable() {
			return fmt.Errorf("call %s cannot be rated now: %w", callID, ErrConflict)
		}
		k.rated = &ending{by: PartySeat, user: user, cause: CauseHangup}
		return nil
	})
}

// ratable tells whether there are a citizen who called and a seat, and nobody else. It runs on the call's goroutine.
func (k *call) ratable() bool {
	k.mu.Lock()
	direction, others := k.cdr.Direction, len(k.thirds)
	k.mu.Unlock()
	return direction == Inbound && others == 0 && k.moving == nil && k.losing == nil && !k.merged && k.conference == nil && k.caller.seat == "" && k.peer.seat != ""
}

// hungUp hears that one of the two has hung up. A seat that does so in a call of a queue whose callers are asked leaves the citizen to that.
func (k *call) hungUp(p *party, e ending) {
	cdr, state := k.snapshot()
	q, _ := k.c.cfg.queue(cdr.Queue)
	asks := p.seat != "" && e.cause == CauseHangup && e.by == p.who && (state == CallTalking || state == CallHeld) && q.Rate
	asked := asks && k.do(func() {
		if k.otherThan(p) == nil || !k.ratable() {
			k.stop(e.by, e.user, e.cause, e.code)
			return
		}
		k.rated = &e
	})
	if !asked {
		k.stop(e.by, e.user, e.cause, e.code)
	}
}

// askElsewhere has a citizen asked in another way who talked with a seat and did not rate.
func (k *call) askElsewhere(cdr CDR) {
	asker, ok := k.c.handler.(RatingAsker)
	q, _ := k.c.cfg.queue(cdr.Queue)
	if !ok || !q.Rate || cdr.Direction != Inbound || cdr.BridgedAt.IsZero() || cdr.Seat == "" || cdr.Rating != 0 || known(cdr.Caller) == "" {
		return
	}
	k.c.tell("not rated", k.id, func(ctx context.Context) error { return asker.NotRated(ctx, cdr) })
}

// askRating is what follows the conversation; the call ends with it. It runs on the call's goroutine.
func (k *call) askRating(e ending) {
	k.hold(false, nil)
	k.endMute()
	k.record(EvTalkEnded, k.peer.seat, k.peer.user, EventData{})
	k.setState(CallRating)
	k.bridge.Close()
	k.release(k.peer) // the seat does not wait for the disk
	k.closeRecording()
	k.recorder = nil
	host := &caller{k: k, chosen: func(key rune) { k.record(EvRated, "", "", EventData{Rating: int(key - '0')}) }}
	if _, err := ratingFlow().Walk(host); err == nil {
		k.stop(e.by, e.user, e.cause, e.code)
	}
}
