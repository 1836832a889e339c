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
	Play      *Play
	Menu      *Menu
	Digits    *Digits
	Hours     *Hours
	Caller    *Caller
	Language  *Language
	Progress  *Progress
	Queue     *Queue
	Callback  *Callback
	Voicemail *Voicemail
	Transfer  *Transfer
	Hangup    *Hangup

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

// Digits waits for several keys, such as a number; # ends them.
type Digits struct {
	Say  []string
	Most int           // digits; 0 is 20
	Wait time.Duration // for each key; 0 is 4 s
	Then string
	None string // nothing was pressed
}

// Caller goes the first way whose word says something that is true of the caller.
type Caller struct {
	Ways []CallerWay // in the order of the text
	Else string
}

// CallerWay is one way: known and repeat are what the call centre knows, other words what the city has on record, such as elder or disabled.
type CallerWay struct{ Is, To string }

// Language has everything said from here on in another language, where there is such a sentence.
type Language struct {
	Use  string // folder of the prompts
	Then string
}

// Progress says how far the caller's ticket is whose number was pressed last.
type Progress struct {
	Then string
	None string // there is no such ticket of the caller
}

// Callback ends the call; the caller is called back in the place of a caller who begins to wait now.
type Callback struct {
	Name  string // of the queue; empty: the line's
	Needs acd.Needs
	Else  string // the caller cannot be called back
}

// Voicemail records what the caller says, until # or the end of the call.
type Voicemail struct {
	Say      []string
	Longest  time.Duration // 0 is 2 min
	Callback bool          // the caller is called back, too
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
	defaultMost  = 20
	defaultMail  = 2 * time.Minute
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
		name := ""
		switch s := f.Steps[id]; {
		case s.Queue != nil:
			name = s.Queue.Name
		case s.Callback != nil:
			name = s.Callback.Name
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Languages lists the languages that a flow speaks beside the usual one.
func (f Flow) Languages() []string {
	var names []string
	for _, id := range f.ids() {
		if l := f.Steps[id].Language; l != nil && !slices.Contains(names, l.Use) {
			names = append(names, l.Use)
		}
	}
	return names
}

func (s Step) says() []string {
	switch {
	case s.Digits != nil:
		return s.Digits.Say
	case s.Voicemail != nil:
		return s.Voicemail.Say
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
