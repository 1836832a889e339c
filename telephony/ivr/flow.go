package ivr

import (
	"slices"
	"time"

	"hotline/telephony/acd"
)

// Flow leads the callers of its lines from step to step.
type Flow struct {
	Name  string
	Lines []string // those without a flow have the default one
	Start string
	Steps map[string]Step
	order []string // of the steps in the text
}

// Step is one of these.
type Step struct {
	Play     *Play
	Menu     *Menu
	Hours    *Hours
	Queue    *Queue
	Transfer *Transfer
	Hangup   *Hangup

	at position
}

// Play says something and goes on.
type Play struct {
	Say  []string // names of prompts
	Then string
}

// Menu waits for a key.
type Menu struct {
	Say     []string        // a key press cuts it off, unless Whole
	Whole   bool            // it is heard to the end
	Invalid []string        // said after a key that leads nowhere
	Wait    time.Duration   // for a key, after what is said; 0 is 4 s
	Tries   int             // keys that lead nowhere until None; 0 is 3
	Keys    map[rune]string // steps
	None    string          // where a caller goes who presses nothing, or nothing that leads anywhere
}

// Hours goes one of two ways by the time of day.
type Hours struct {
	Open []Window
	Then string // within one of them
	Else string
}

// Queue ends the flow in a queue.
type Queue struct {
	Name      string        // empty: the line's
	Needs     acd.Needs     // skills with their least levels, beside what the queue asks for
	Priority  int           // levels, beside the queue's
	SameAgent time.Duration // who talked with the caller within this time is asked first, if free; 0: nobody is
}

// Transfer ends the flow by calling a number outside.
type Transfer struct {
	Number string
	Say    []string // before
}

// Hangup ends the call.
type Hangup struct {
	Say []string // before
}

const (
	defaultWait  = 4 * time.Second
	defaultTries = 3
)

// Default is the flow of lines that have none of their own: the greeting with its menu, then the line's queue.
func Default() Flow {
	return Flow{
		Name: "default", Start: "greeting", order: []string{"greeting", "queue"},
		Steps: map[string]Step{
			"greeting": {Menu: &Menu{
				Say: []string{"welcome"}, Invalid: []string{"invalid"}, Wait: defaultWait, Tries: defaultTries,
				Keys: map[rune]string{'1': "queue", '2': "queue", '0': "queue"}, None: "queue",
			}},
			"queue": {Queue: &Queue{}},
		},
	}
}

// Prompts lists the prompts of a flow, each once.
func (f Flow) Prompts() []string {
	seen, names := map[string]bool{}, []string{}
	for _, id := range f.ids() {
		for _, name := range f.Steps[id].says() {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// Queues lists the queues that a flow names.
func (f Flow) Queues() []string {
	var names []string
	for _, id := range f.ids() {
		if q := f.Steps[id].Queue; q != nil && q.Name != "" && !slices.Contains(names, q.Name) {
			names = append(names, q.Name)
		}
	}
	return names
}

func (s Step) says() []string {
	switch {
	case s.Play != nil:
		return s.Play.Say
	case s.Menu != nil:
		return append(append([]string{}, s.Menu.Say...), s.Menu.Invalid...)
	case s.Transfer != nil:
		return s.Transfer.Say
	case s.Hangup != nil:
		return s.Hangup.Say
	}
	return nil
}
