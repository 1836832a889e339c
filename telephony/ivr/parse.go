package ivr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hotline/telephony/acd"
)

// Parse reads a list of flows and validates them. Its errors are all there are, each with its place in the text.
func Parse(node *yaml.Node) ([]Flow, error) {
	var r reader
	var flows []Flow
	for _, n := range r.list(node) {
		flows = append(flows, r.flow(n))
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	names := map[string]bool{}
	for i, f := range flows {
		if f.Name == "" || names[f.Name] {
			r.fail(node.Content[i], "flow %q: names must be given and differ", f.Name)
		}
		names[f.Name] = true
		if err := f.Validate(); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	return flows, errors.Join(r.errs...)
}

// reader collects what is wrong while it reads.
type reader struct{ errs []error }

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s%s", position{n.Line, n.Column}, fmt.Sprintf(format, args...)))
}

// fields reads a mapping by its keys.
func (r *reader) fields(n *yaml.Node, known map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "want settings such as {%s: …}", strings.Join(slices.Sorted(maps.Keys(known)), ": …, "))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := known[key.Value]
		switch {
		case !ok:
			r.fail(key, "%q is unknown here: there are %s", key.Value, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[key.Value]:
			r.fail(key, "%q stands there twice", key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
}

func (r *reader) list(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "want a list")
		return nil
	}
	return n.Content
}

func (r *reader) text(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			r.fail(n, "want a word")
			return
		}
		*into = n.Value
	}
}

// texts reads a list of words, or one word.
func (r *reader) texts(into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			*into = []string{n.Value}
			return
		}
		*into = nil
		for _, item := range r.list(n) {
			var word string
			r.text(&word)(item)
			*into = append(*into, word)
		}
	}
}

func (r *reader) number(into *int, least int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := strconv.Atoi(n.Value)
		if err != nil || v < least {
			r.fail(n, "%q: want a whole number, at least %d", n.Value, least)
		}
		*into = v
	}
}

func (r *reader) duration(into *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := time.ParseDuration(n.Value)
		if err != nil || v <= 0 {
			r.fail(n, "%q: want a time such as 4s or 72h", n.Value)
		}
		*into = v
	}
}

func (r *reader) truth(into *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := strconv.ParseBool(n.Value)
		if err != nil {
			r.fail(n, "%q: want true or false", n.Value)
		}
		*into = v
	}
}

func (r *reader) flow(n *yaml.Node) Flow {
	f := Flow{Steps: map[string]Step{}}
	r.fields(n, map[string]func(*yaml.Node){
		"name": r.text(&f.Name), "lines": r.texts(&f.Lines), "start": r.text(&f.Start),
		"steps": func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				r.fail(n, "want steps such as {greeting: {play: …}}")
				return
			}
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i]
				if _, twice := f.Steps[key.Value]; twice {
					r.fail(key, "step %q stands there twice", key.Value)
					continue
				}
				f.Steps[key.Value] = r.step(n.Content[i+1], position{key.Line, key.Column})
				f.order = append(f.order, key.Value)
			}
		},
	})
	return f
}

func (r *reader) step(n *yaml.Node, at position) Step {
	s := Step{at: at}
	r.fields(n, map[string]func(*yaml.Node){
		"play": func(n *yaml.Node) {
			s.Play = &Play{}
			r.fields(n, map[string]func(*yaml.Node){"say": r.texts(&s.Play.Say), "then": r.text(&s.Play.Then)})
		},
		"menu": func(n *yaml.Node) { s.Menu = r.menu(n) },
		"hours": func(n *yaml.Node) {
			s.Hours = &Hours{}
			r.fields(n, map[string]func(*yaml.Node){"open": r.windows(&s.Hours.Open), "then": r.text(&s.Hours.Then), "else": r.text(&s.Hours.Else)})
		},
		"digits": func(n *yaml.Node) {
			s.Digits = &Digits{Most: defaultMost, Wait: defaultWait}
			r.fields(n, map[string]func(*yaml.Node){
				"say": r.texts(&s.Digits.Say), "most": r.number(&s.Digits.Most, 1), "wait": r.duration(&s.Digits.Wait),
				"then": r.text(&s.Digits.Then), "none": r.text(&s.Digits.None),
			})
		},
		"caller": func(n *yaml.Node) { s.Caller = r.caller(n) },
		"language": func(n *yaml.Node) {
			s.Language = &Language{}
			r.fields(n, map[string]func(*yaml.Node){"use": r.text(&s.Language.Use), "then": r.text(&s.Language.Then)})
		},
		"progress": func(n *yaml.Node) {
			s.Progress = &Progress{}
			r.fields(n, map[string]func(*yaml.Node){"then": r.text(&s.Progress.Then), "none": r.text(&s.Progress.None)})
		},
		"callback": func(n *yaml.Node) {
			s.Callback = &Callback{}
			r.fields(n, map[string]func(*yaml.Node){"name": r.text(&s.Callback.Name), "needs": r.needs(&s.Callback.Needs), "else": r.text(&s.Callback.Else)})
		},
		"voicemail": func(n *yaml.Node) {
			s.Voicemail = &Voicemail{Say: []string{"voicemail"}, Longest: defaultMail}
			r.fields(n, map[string]func(*yaml.Node){
				"say": r.texts(&s.Voicemail.Say), "longest": r.duration(&s.Voicemail.Longest), "callback": r.truth(&s.Voicemail.Callback),
			})
		},
		"queue": func(n *yaml.Node) {
			s.Queue = &Queue{}
			r.fields(n, map[string]func(*yaml.Node){
				"name": r.text(&s.Queue.Name), "needs": r.needs(&s.Queue.Needs), "priority": r.number(&s.Queue.Priority, -maxPriority),
				"same-agent": r.duration(&s.Queue.SameAgent),
			})
		},
		"transfer": func(n *yaml.Node) {
			s.Transfer = &Transfer{}
			r.fields(n, map[string]func(*yaml.Node){"number": r.text(&s.Transfer.Number), "say": r.texts(&s.Transfer.Say)})
		},
		"hangup": func(n *yaml.Node) {
			s.Hangup = &Hangup{}
			r.fields(n, map[string]func(*yaml.Node){"say": r.texts(&s.Hangup.Say)})
		},
	})
	return s
}

// caller reads words with their steps, in order.
func (r *reader) caller(n *yaml.Node) *Caller {
	c := &Caller{}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "want words with steps such as {elder: STEP, else: STEP}")
		return c
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, to := n.Content[i], ""
		r.text(&to)(n.Content[i+1])
		switch {
		case seen[key.Value]:
			r.fail(key, "%q stands there twice", key.Value)
		case key.Value == "else":
			c.Else = to
		default:
			c.Ways = append(c.Ways, CallerWay{key.Value, to})
		}
		seen[key.Value] = true
	}
	return c
}

func (r *reader) menu(n *yaml.Node) *Menu {
	m := &Menu{Wait: defaultWait, Tries: defaultTries, Invalid: []string{"invalid"}, Keys: map[rune]string{}}
	r.fields(n, map[string]func(*yaml.Node){
		"say": r.texts(&m.Say), "whole": r.truth(&m.Whole), "invalid": r.texts(&m.Invalid), "wait": r.duration(&m.Wait),
		"tries": r.number(&m.Tries, 1), "none": r.text(&m.None),
		"keys": func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				r.fail(n, "want keys such as {\"1\": STEP}")
				return
			}
			for i := 0; i+1 < len(n.Content); i += 2 {
				key := n.Content[i]
				if len(key.Value) != 1 || !strings.Contains("0123456789*#", key.Value) {
					r.fail(key, "%q is no key of a telephone", key.Value)
					continue
				}
				var to string
				r.text(&to)(n.Content[i+1])
				m.Keys[rune(key.Value[0])] = to
			}
		},
	})
	return m
}

func (r *reader) windows(into *[]Window) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var texts []string
		r.texts(&texts)(n)
		for _, text := range texts {
			w, err := ParseWindow(text)
			if err != nil {
				r.fail(n, "%v", err)
			}
			*into = append(*into, w)
		}
	}
}

func (r *reader) needs(into *acd.Needs) func(*yaml.Node) {
	return func(n *yaml.Node) {
		needs, err := acd.ParseNeeds(n.Value)
		if err != nil {
			r.fail(n, "%v", err)
		}
		*into = needs
	}
}
