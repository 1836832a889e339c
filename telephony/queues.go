package telephony

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"hotline/telephony/acd"
)

// QueueConfig is one queue. The zero value of a duration means its default.
type QueueConfig struct {
	Name           string
	Seats          []string      // seats that serve it; empty: all
	Rules          acd.Rules     // skills that its callers need, over their waiting time; empty: none
	Strategy       acd.Strategy  // which of the able seats is offered a caller; empty: longest idle
	Priority       int           // of its callers, -10 to 10 levels of Headstart
	Headstart      time.Duration // waiting time that a level counts for; 0 is 1 min
	Reserve        int           // ready seats that are kept back from the callers of other queues
	MaxLength      int           // callers; 0 is 200
	MaxWait        time.Duration // 0 is 10 min
	Overflow       acd.Overflow  // where callers go whom the queue cannot serve
	NoAgent        acd.NoAgent   // what becomes of them while nobody is at work; empty: they wait
	NoAgentAfter   time.Duration // how long nobody must be at work; 0: at once
	Sealed         bool          // its lines' calls are for the people of its own seats alone
	Callback       bool          // its callers are told that they may ask for a callback
	CallbackMissed bool          // callers who left it unanswered are called back
	CallbackTries  int           // calls to a citizen who is not reached; 0 is 3
	CallbackRetry  time.Duration // between them; 0 is 5 min
	Rate           bool          // its callers are asked to rate the call when the seat has hung up
	WrapUp         time.Duration // after a call; 0 is 5 s, negative none
	SetAside       time.Duration // after no answer; 0 is 60 s
	AnnounceEvery  time.Duration // spoken position; 0 is 30 s
	Handle         time.Duration // time that a call takes a seat, until calls have been measured; 0 is 3 min
}

// queue is the configuration of a queue, if there is one of the name.
func (c Config) queue(name string) (QueueConfig, bool) {
	i := slices.IndexFunc(c.Queues, func(q QueueConfig) bool { return q.Name == name })
	if i < 0 {
		return QueueConfig{}, false
	}
	return c.Queues[i], true
}

func (q QueueConfig) withDefaults() QueueConfig {
	q.MaxLength = cmp.Or(q.MaxLength, 200)
	q.MaxWait = cmp.Or(q.MaxWait, 10*time.Minute)
	q.CallbackTries = cmp.Or(q.CallbackTries, 3)
	q.CallbackRetry = cmp.Or(q.CallbackRetry, 5*time.Minute)
	q.WrapUp = cmp.Or(q.WrapUp, 5*time.Second)
	q.SetAside = cmp.Or(q.SetAside, time.Minute)
	q.AnnounceEvery = cmp.Or(q.AnnounceEvery, 30*time.Second)
	return q
}

// machine is the queue as the queue machine has it.
func (q QueueConfig) machine(ring time.Duration) acd.Queue {
	return acd.Queue{
		Name: q.Name, Seats: q.Seats, Rules: q.Rules, Strategy: q.Strategy, Priority: q.Priority, Step: q.Headstart, Reserve: q.Reserve,
		MaxLength: q.MaxLength, MaxWait: q.MaxWait, Overflow: q.Overflow, NoAgent: q.NoAgent, NoAgentAfter: q.NoAgentAfter,
		WrapUp: q.WrapUp, SetAside: q.SetAside, AnnounceEvery: q.AnnounceEvery, Handle: q.Handle, RingTimeout: ring,
	}
}

// maxPriority bounds a queue's levels of priority, and so how many later
// callers may overtake.
const maxPriority = 10

// validQueues names the queues, and reports what is wrong with them in words
// that say what to do.
func validQueues(queues []QueueConfig) (map[string]bool, error) {
	var errs []error
	names := map[string]bool{}
	for _, q := range queues {
		if q.Name == "" || names[q.Name] {
			errs = append(errs, fmt.Errorf("%w: queue %q: names must be given and differ", ErrInvalid, q.Name))
		}
		names[q.Name] = true
	}
	for _, q := range queues {
		if err := q.validate(names); err != nil {
			errs = append(errs, fmt.Errorf("%w: queue %q: %w", ErrInvalid, q.Name, err))
		}
	}
	return names, errors.Join(errs...)
}

func (q QueueConfig) validate(names map[string]bool) error {
	to := q.Overflow
	switch {
	case q.Strategy != "" && !slices.Contains(acd.Strategies(), q.Strategy):
		return fmt.Errorf("there is no strategy %q; there are %v", q.Strategy, acd.Strategies())
	case q.NoAgent != "" && !slices.Contains([]acd.NoAgent{acd.NoAgentWait, acd.NoAgentLeave, acd.NoAgentOverflow}, q.NoAgent):
		return fmt.Errorf("%q is no rule for nobody at work; give wait, leave or overflow", q.NoAgent)
	case to.To != "" && to.Number != "":
		return errors.New("it overflows to a queue and to a number: give one of them")
	case to.To == q.Name && to.To != "" || to.To != "" && !names[to.To]:
		return fmt.Errorf("it overflows to %q: give another queue", to.To)
	case to.To == "" && to.Number == "" && (to.After != 0 || to.Full || to.MaxWait || q.NoAgent == acd.NoAgentOverflow):
		return errors.New("its callers are to overflow: say where to")
	case q.Priority < -maxPriority || q.Priority > maxPriority:
		return fmt.Errorf("priority %d: give %d to %d", q.Priority, -maxPriority, maxPriority)
	case q.CallbackTries < 1 || q.CallbackTries > 20 || q.CallbackRetry < time.Second:
		return errors.New("give 1 to 20 tries of a callback, at least 1s apart")
	case q.Reserve < 0 || q.Headstart < 0 || q.NoAgentAfter < 0 || to.After < 0 || q.Handle < 0:
		return errors.New("reserve and times must not be negative")
	}
	return nil
}
