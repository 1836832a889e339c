package ivr

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// position is a place in the text; zero where a flow was not read from one.
type position struct{ line, column int }

func (p position) String() string {
	if p.line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d, column %d: ", p.line, p.column)
}

// Limits of a flow.
const (
	maxSteps    = 200
	maxPriority = 10
	maxDigits   = 40
	maxMail     = 10 * time.Minute
)

// ValidPrompt tells whether a name can be that of a WAV file in the folder of the prompts, without .wav.
func ValidPrompt(name string) bool {
	return name != "" && len(name) <= 100 && !strings.ContainsAny(name, "\\ \t\n") && !strings.Contains(name, "..") && !strings.HasPrefix(name, "/")
}

func validLanguage(name string) bool {
	return name != "" && len(name) <= 20 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Validate reports all that is wrong with a flow.
func (f Flow) Validate() error {
	var errs []error
	if len(f.Steps) == 0 || len(f.Steps) > maxSteps {
		return fmt.Errorf("flow %q has %d steps: give 1 to %d", f.Name, len(f.Steps), maxSteps)
	}
	if _, ok := f.Steps[f.Start]; !ok {
		errs = append(errs, fmt.Errorf("flow %q starts at %q, which is none of its steps", f.Name, f.Start))
	}
	for _, id := range f.ids() {
		if err := f.check(id); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		errs = append(errs, f.unreached(), f.circles())
	}
	return errors.Join(errs...)
}

// ids are the steps in the order of the text, or else of their names.
func (f Flow) ids() []string {
	if len(f.order) == len(f.Steps) {
		return f.order
	}
	return slices.Sorted(maps.Keys(f.Steps))
}

func (f Flow) check(id string) error {
	s := f.Steps[id]
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%sflow %q, step %q: %s", s.at, f.Name, id, fmt.Sprintf(format, args...))
	}
	if n := s.kinds(); n != 1 {
		return fail("it is %d things: give one of play, menu, digits, hours, caller, language, progress, queue, callback, voicemail, transfer, hangup", n)
	}
	var errs []error
	for _, w := range s.ways() {
		if _, ok := f.Steps[w.to]; !ok {
			errs = append(errs, fail("%s leads to %q, which is none of the steps", w.by, w.to))
		}
	}
	switch {
	case s.Play != nil && len(s.Play.Say) == 0:
		errs = append(errs, fail("it plays nothing: name prompts in say"))
	case s.Menu != nil && len(s.Menu.Keys) == 0:
		errs = append(errs, fail("its menu has no keys"))
	case s.Hours != nil && len(s.Hours.Open) == 0:
		errs = append(errs, fail("it is never open: name times of the week in open"))
	case s.Caller != nil && len(s.Caller.Ways) == 0:
		errs = append(errs, fail("it asks nothing of the caller: give words such as known, repeat, elder"))
	case s.Language != nil && !validLanguage(s.Language.Use):
		errs = append(errs, fail("%q is no language: give the name of a folder of prompts, such as en", s.Language.Use))
	case s.Digits != nil && s.Digits.Most > maxDigits:
		errs = append(errs, fail("%d digits: give 1 to %d", s.Digits.Most, maxDigits))
	case s.Voicemail != nil && s.Voicemail.Longest > maxMail:
		errs = append(errs, fail("messages of %v: give at most %v", s.Voicemail.Longest, maxMail))
	case s.Transfer != nil && s.Transfer.Number == "":
		errs = append(errs, fail("it transfers nowhere: give a number"))
	case s.Queue != nil && (s.Queue.Priority < -maxPriority || s.Queue.Priority > maxPriority):
		errs = append(errs, fail("priority %d: give %d to %d", s.Queue.Priority, -maxPriority, maxPriority))
	}
	for _, name := range s.says() {
		if !ValidPrompt(name) {
			errs = append(errs, fail("%q is no prompt: give the name of a WAV file in the folder of the prompts, without .wav", name))
		}
	}
	return errors.Join(errs...)
}

func (s Step) kinds() (n int) {
	for _, there := range []bool{
		s.Play != nil, s.Menu != nil, s.Digits != nil, s.Hours != nil, s.Caller != nil, s.Language != nil, s.Progress != nil,
		s.Queue != nil, s.Callback != nil, s.Voicemail != nil, s.Transfer != nil, s.Hangup != nil,
	} {
		if there {
			n++
		}
	}
	return n
}

// way leads out of a step.
type way struct{ by, to string }

func (s Step) ways() []way {
	switch {
	case s.Play != nil:
		return []way{{"then", s.Play.Then}}
	case s.Menu != nil:
		var ways []way
		for _, key := range slices.SortedFunc(maps.Keys(s.Menu.Keys), func(a, b rune) int { return cmp.Compare(a, b) }) {
			ways = append(ways, way{"key " + string(key), s.Menu.Keys[key]})
		}
		return append(ways, way{"none", s.Menu.None})
	case s.Hours != nil:
		return []way{{"then", s.Hours.Then}, {"else", s.Hours.Else}}
	case s.Digits != nil:
		return []way{{"then", s.Digits.Then}, {"none", s.Digits.None}}
	case s.Caller != nil:
		var ways []way
		for _, w := range s.Caller.Ways {
			ways = append(ways, way{w.Is, w.To})
		}
		return append(ways, way{"else", s.Caller.Else})
	case s.Language != nil:
		return []way{{"then", s.Language.Then}}
	case s.Progress != nil:
		return []way{{"then", s.Progress.Then}, {"none", s.Progress.None}}
	case s.Callback != nil:
		return []way{{"else", s.Callback.Else}}
	}
	return nil
}

// unreached reports steps that no caller comes to.
func (f Flow) unreached() error {
	reached, next := map[string]bool{f.Start: true}, []string{f.Start}
	for len(next) > 0 {
		id := next[0]
		next = next[1:]
		for _, w := range f.Steps[id].ways() {
			if !reached[w.to] {
				reached[w.to] = true
				next = append(next, w.to)
			}
		}
	}
	var errs []error
	for _, id := range f.ids() {
		if !reached[id] {
			errs = append(errs, fmt.Errorf("%sflow %q: no step leads to %q: let one do, or take it out", f.Steps[id].at, f.Name, id))
		}
	}
	return errors.Join(errs...)
}

// circles reports a way round that a caller goes without pressing a key.
func (f Flow) circles() error {
	const (
		walking = 1 + iota
		done
	)
	state := map[string]int{}
	var visit func(id string) error
	visit = func(id string) error {
		state[id] = walking
		s := f.Steps[id]
		for _, w := range s.ways() {
			if strings.HasPrefix(w.by, "key ") {
				continue
			}
			if state[w.to] == walking {
				return fmt.Errorf("%sflow %q: %q of step %q leads round in a circle in which no key is pressed", s.at, f.Name, w.by, id)
			}
			if state[w.to] == 0 {
				if err := visit(w.to); err != nil {
					return err
				}
			}
		}
		state[id] = done
		return nil
	}
	var errs []error
	for _, id := range f.ids() {
		if state[id] == 0 {
			errs = append(errs, visit(id))
		}
	}
	return errors.Join(errs...)
}
