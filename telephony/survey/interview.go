package survey

import (
	"fmt"
	"slices"
	"time"
)

// Answer is what was answered to a question. A question that was asked and may stay unanswered has one without values.
type Answer struct {
	Question string   `json:"question"`
	Values   []string `json:"values,omitempty"`
	// From and To are where in the call's recording an open answer was spoken.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Spoken is the value of an open answer that is in the recording.
const Spoken = "spoken"

// Interview asks a questionnaire. Make one with [New].
type Interview struct {
	q       Questionnaire
	full    func(Quota) bool
	at      int // question that is asked, len(Questions) at the end
	answers []Answer
	over    string // quota that was full
}

// New begins an interview; full tells whether a quota has all the interviews that are wanted, and may be nil.
func New(q Questionnaire, full func(Quota) bool) *Interview {
	if full == nil {
		full = func(Quota) bool { return false }
	}
	return &Interview{q: q, full: full}
}

// Resume begins with answers that were given before.
func Resume(q Questionnaire, full func(Quota) bool, answers []Answer) (*Interview, error) {
	in := New(q, full)
	for _, a := range answers {
		next, ok := in.Next()
		if !ok || next.Name != a.Question {
			return nil, fmt.Errorf("%w: %q is not the next question", ErrInvalid, a.Question)
		}
		if err := in.Answer(a); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Next is the question to ask; ok is false when there is none any more.
func (in *Interview) Next() (q Question, ok bool) {
	if in.at >= len(in.q.Questions) {
		return Question{}, false
	}
	return in.q.Questions[in.at], true
}

// Answer takes the answer to the next question. After an error nothing has changed.
func (in *Interview) Answer(a Answer) error {
	q, ok := in.Next()
	if !ok || a.Question != q.Name {
		return fmt.Errorf("%w: %q is not the question that is asked", ErrInvalid, a.Question)
	}
	if err := q.allows(a.Values); err != nil {
		return err
	}
	in.answers = append(in.answers, a)
	in.at = in.after(q, a.Values)
	for _, quota := range in.q.Quotas {
		if Fits(quota, in.answers) && in.full(quota) {
			in.over, in.at = quota.Name, len(in.q.Questions)
			break
		}
	}
	return nil
}

// after is where an answer leads.
func (in *Interview) after(q Question, values []string) int {
	for _, s := range q.Skips {
		if len(s.If) > 0 && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(s.If, v) }) {
			continue
		}
		if s.To == End {
			return len(in.q.Questions)
		}
		return in.q.index(s.To)
	}
	return in.at + 1
}

// Fits tells whether answers are those of a quota.
func Fits(quota Quota, answers []Answer) bool {
	for name, want := range quota.If {
		if !slices.ContainsFunc(answers, func(a Answer) bool { return a.Question == name && slices.Contains(a.Values, want) }) {
			return false
		}
	}
	return true
}

// Answers are those given so far, in the order of the questions.
func (in *Interview) Answers() []Answer { return slices.Clone(in.answers) }

// Over is the full quota that ended the interview; "" is none.
func (in *Interview) Over() string { return in.over }
