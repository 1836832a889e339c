package survey

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is what may be answered to a question.
type Kind string

// The kinds of questions.
const (
	Single   Kind = "single"   // one of the options
	Multiple Kind = "multiple" // some of the options
	Scale    Kind = "scale"    // a number from Min to Max
	Open     Kind = "open"     // what the citizen says
)

// End is where a skip leads that ends the interview.
const End = "end"

// Bounds of a questionnaire.
const (
	MaxQuestions = 60
	MaxOptions   = 9 // keys 1 to 9
	MaxScale     = 100
	MaxQuotas    = 50
	maxText      = 500
	maxSaid      = 8
	// MaxOpen bounds the text of an open answer.
	MaxOpen = 2000
)

// ErrInvalid marks what is wrong with a questionnaire or an answer.
var ErrInvalid = errors.New("invalid")

// Questionnaire is what is asked.
type Questionnaire struct {
	Greeting  []string   `json:"greeting,omitempty"` // prompts before the first question
	Thanks    []string   `json:"thanks,omitempty"`   // after the last one
	Questions []Question `json:"questions"`
	Quotas    []Quota    `json:"quotas,omitempty"`
}

// Question is one of them. Operators read Text, callers hear Say.
type Question struct {
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"`
	Text    string   `json:"text"`
	Say     []string `json:"say,omitempty"` // prompts
	Options []Option `json:"options,omitempty"`
	Min     int      `json:"min,omitempty"` // of a scale
	Max     int      `json:"max,omitempty"`
	Free    bool     `json:"free,omitempty"` // may be left unanswered
	Skips   []Skip   `json:"skips,omitempty"`
}

// Option is one thing to choose; callers press its number, from 1.
type Option struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Skip leads on to another question, or to End, when one of some answers was given; with none, always. The first that fits counts.
type Skip struct {
	If []string `json:"if,omitempty"`
	To string   `json:"to"`
}

// Quota is how many interviews with certain answers are wanted.
type Quota struct {
	Name  string            `json:"name"`
	If    map[string]string `json:"if"` // answer by question; all must have been given
	Limit int               `json:"limit"`
}

// Validate tells all that is wrong.
func (q Questionnaire) Validate() error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if len(q.Questions) == 0 || len(q.Questions) > MaxQuestions {
		fail("%d questions: give 1 to %d", len(q.Questions), MaxQuestions)
	}
	if len(q.Greeting) > maxSaid || len(q.Thanks) > maxSaid {
		fail("greeting and thanks: give at most %d prompts each", maxSaid)
	}
	if len(q.Quotas) > MaxQuotas {
		fail("%d quotas: give at most %d", len(q.Quotas), MaxQuotas)
	}
	for i, one := range q.Questions {
		if one.Name == "" || one.Name == End || len(one.Name) > 64 || q.index(one.Name) != i {
			fail("question %d: name %q: names are given, differ, and are not %q", i+1, one.Name, End)
		}
		if one.Text == "" || len(one.Text) > maxText || len(one.Say) > maxSaid {
			fail("question %q: give a text of at most %d bytes and at most %d prompts", one.Name, maxText, maxSaid)
		}
		one.validate(fail)
		for _, s := range one.Skips {
			if to := q.index(s.To); s.To != End && to <= i {
				fail("question %q: a skip leads to %q; it must be a later question or %q", one.Name, s.To, End)
			}
			for _, v := range s.If {
				if err := one.allows([]string{v}); err != nil && one.Kind != Open {
					fail("question %q: a skip asks for %q, which is no answer to it", one.Name, v)
				}
			}
		}
	}
	for _, quota := range q.Quotas {
		if quota.Name == "" || quota.Limit < 1 || len(quota.If) == 0 {
			fail("quota %q: give a name, answers and a limit from 1", quota.Name)
		}
		for name, v := range quota.If {
			if i := q.index(name); i < 0 {
				fail("quota %q: there is no question %q", quota.Name, name)
			} else if q.Questions[i].allows([]string{v}) != nil {
				fail("quota %q: %q is no answer to %q", quota.Name, v, name)
			}
		}
	}
	return errors.Join(errs...)
}

func (q Question) validate(fail func(format string, args ...any)) {
	switch q.Kind {
	case Single, Multiple:
		if len(q.Options) < 2 || len(q.Options) > MaxOptions {
			fail("question %q: %d options: give 2 to %d", q.Name, len(q.Options), MaxOptions)
		}
		for i, o := range q.Options {
			if o.Name == "" || o.Text == "" || len(o.Name) > 64 || len(o.Text) > maxText || q.option(o.Name) != i {
				fail("question %q: option %d: give a name that differs and a text", q.Name, i+1)
			}
		}
	case Scale:
		if q.Min < 0 || q.Max <= q.Min || q.Max > MaxScale {
			fail("question %q: a scale from %d to %d: give 0 ≤ min < max ≤ %d", q.Name, q.Min, q.Max, MaxScale)
		}
	case Open:
	default:
		fail("question %q: kind %q: use %s, %s, %s or %s", q.Name, q.Kind, Single, Multiple, Scale, Open)
	}
}

// Prompts are the names of all that is said.
func (q Questionnaire) Prompts() []string {
	all := append(slices.Clone(q.Greeting), q.Thanks...)
	for _, one := range q.Questions {
		all = append(all, one.Say...)
	}
	return all
}

func (q Questionnaire) index(name string) int {
	return slices.IndexFunc(q.Questions, func(one Question) bool { return one.Name == name })
}

func (q Question) option(name string) int {
	return slices.IndexFunc(q.Options, func(o Option) bool { return o.Name == name })
}

// allows tells what is wrong with an answer; nil: nothing.
func (q Question) allows(values []string) error {
	if len(values) == 0 {
		if q.Free {
			return nil
		}
		return fmt.Errorf("%w: question %q must be answered", ErrInvalid, q.Name)
	}
	if q.Kind != Multiple && len(values) > 1 {
		return fmt.Errorf("%w: question %q takes one answer", ErrInvalid, q.Name)
	}
	for i, v := range values {
		switch q.Kind {
		case Single, Multiple:
			if q.option(v) < 0 || slices.Contains(values[:i], v) {
				return fmt.Errorf("%w: question %q: %q is none of its options, or given twice", ErrInvalid, q.Name, v)
			}
		case Scale:
			if n, err := strconv.Atoi(v); err != nil || n < q.Min || n > q.Max || strconv.Itoa(n) != v {
				return fmt.Errorf("%w: question %q: %q is no number from %d to %d", ErrInvalid, q.Name, v, q.Min, q.Max)
			}
		case Open:
			if strings.TrimSpace(v) == "" || len(v) > MaxOpen {
				return fmt.Errorf("%w: question %q: give a text of at most %d bytes", ErrInvalid, q.Name, MaxOpen)
			}
		}
	}
	return nil
}

// Keys reads what a caller has pressed as an answer; ok is false when it is none. A single # is "no answer", where that is allowed.
func (q Question) Keys(pressed string) (values []string, ok bool) {
	pressed = strings.TrimSuffix(pressed, "#")
	switch q.Kind {
	case Single, Multiple:
		for _, key := range pressed {
			if n := int(key - '1'); n < 0 || n >= len(q.Options) {
				return nil, false
			} else if name := q.Options[n].Name; !slices.Contains(values, name) {
				values = append(values, name)
			}
		}
	case Scale:
		if pressed != "" {
			n, err := strconv.Atoi(pressed)
			if err != nil {
				return nil, false
			}
			values = []string{strconv.Itoa(n)}
		}
	case Open:
		return nil, false
	}
	return values, q.allows(values) == nil
}

// Enough tells that more keys cannot follow: no # is waited for.
func (q Question) Enough(pressed string) bool {
	switch q.Kind {
	case Single:
		return pressed != ""
	case Multiple:
		return len(pressed) >= len(q.Options)
	case Scale:
		return len(pressed) >= len(strconv.Itoa(q.Max))
	default:
		return false
	}
}
