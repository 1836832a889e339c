package survey_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/telephony/survey"
)

func options(n int) (all []survey.Option) {
	for i := range n {
		all = append(all, survey.Option{Name: fmt.Sprintf("o%d", i+1), Text: "选项"})
	}
	return all
}

// questionnaires draws valid ones.
func questionnaires() *rapid.Generator[survey.Questionnaire] {
	return rapid.Custom(func(t *rapid.T) survey.Questionnaire {
		var q survey.Questionnaire
		n := rapid.IntRange(1, 8).Draw(t, "questions")
		for i := range n {
			one := survey.Question{
				Name: fmt.Sprintf("q%d", i), Text: "问题", Free: rapid.Bool().Draw(t, "free"),
				Kind: rapid.SampledFrom([]survey.Kind{survey.Single, survey.Multiple, survey.Scale, survey.Open}).Draw(t, "kind"),
			}
			values := []string{}
			switch one.Kind {
			case survey.Single, survey.Multiple:
				one.Options = options(rapid.IntRange(2, 9).Draw(t, "options"))
				for _, o := range one.Options {
					values = append(values, o.Name)
				}
			case survey.Scale:
				one.Min = rapid.IntRange(0, 1).Draw(t, "min")
				one.Max = rapid.IntRange(2, 100).Draw(t, "max")
				values = []string{strconv.Itoa(one.Min), strconv.Itoa(one.Max)}
			}
			if rapid.Bool().Draw(t, "skips") {
				to := survey.End
				if later := rapid.IntRange(i+1, n).Draw(t, "to"); later < n {
					to = fmt.Sprintf("q%d", later)
				}
				s := survey.Skip{To: to}
				if len(values) > 0 {
					s.If = values[:1]
				}
				one.Skips = append(one.Skips, s)
			}
			q.Questions = append(q.Questions, one)
			if len(values) > 0 && rapid.Bool().Draw(t, "quota") {
				q.Quotas = append(q.Quotas, survey.Quota{Name: one.Name, If: map[string]string{one.Name: values[0]}, Limit: 1})
			}
		}
		return q
	})
}

// Whatever callers press, an interview ends, keeps only answers that are allowed, and is the same when it is gone on with from its answers.
func TestInterviewsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := questionnaires().Draw(t, "questionnaire")
		require.NoError(t, q.Validate())
		fullOnes := rapid.Bool().Draw(t, "quotas are full")
		full := func(survey.Quota) bool { return fullOnes }
		in := survey.New(q, full)
		asked := 0
		for {
			one, ok := in.Next()
			if !ok {
				break
			}
			asked++
			require.LessOrEqual(t, asked, len(q.Questions))
			a := survey.Answer{Question: one.Name}
			if one.Kind == survey.Open {
				a.Values = []string{survey.Spoken}
			} else {
				pressed := ""
				for {
					key := rapid.SampledFrom([]string{"0", "1", "2", "3", "9", "#"}).Draw(t, "key")
					pressed += key
					if key == "#" || one.Enough(pressed) {
						break
					}
				}
				values, valid := one.Keys(pressed)
				if !valid {
					require.Error(t, in.Answer(survey.Answer{Question: one.Name, Values: []string{"nonsense"}}))
					before := in.Answers()
					next, _ := in.Next()
					require.Equal(t, one.Name, next.Name, "a bad answer changes nothing")
					require.Equal(t, before, in.Answers())
					if one.Kind == survey.Scale {
						values = []string{strconv.Itoa(one.Max)}
					} else {
						values = []string{one.Options[0].Name}
					}
				}
				a.Values = values
			}
			require.NoError(t, in.Answer(a))
			again, err := survey.Resume(q, full, in.Answers())
			require.NoError(t, err)
			x, ok1 := in.Next()
			y, ok2 := again.Next()
			require.Equal(t, ok1, ok2)
			require.Equal(t, x, y)
		}
		require.NotEmpty(t, in.Answers())
		if in.Over() != "" {
			require.True(t, fullOnes)
		}
		require.True(t, slices.IsSortedFunc(in.Answers(), func(a, b survey.Answer) int { return int(a.Question[1]) - int(b.Question[1]) }))
	})
}

func TestSkipsAndQuotas(t *testing.T) {
	q := survey.Questionnaire{
		Questions: []survey.Question{
			{Name: "contacted", Kind: survey.Single, Text: "是否联系", Options: options(2), Skips: []survey.Skip{{If: []string{"o2"}, To: "why"}}},
			{Name: "satisfied", Kind: survey.Scale, Text: "打分", Min: 1, Max: 5, Skips: []survey.Skip{{If: []string{"4", "5"}, To: survey.End}}},
			{Name: "why", Kind: survey.Open, Text: "原因", Free: true},
		},
		Quotas: []survey.Quota{{Name: "not contacted", If: map[string]string{"contacted": "o2"}, Limit: 1}},
	}
	require.NoError(t, q.Validate())
	path := func(full bool, answers ...string) (asked []string, over string) {
		in := survey.New(q, func(survey.Quota) bool { return full })
		for _, v := range answers {
			one, ok := in.Next()
			require.True(t, ok)
			asked = append(asked, one.Name)
			require.NoError(t, in.Answer(survey.Answer{Question: one.Name, Values: []string{v}}))
		}
		_, more := in.Next()
		require.False(t, more)
		return asked, in.Over()
	}
	asked, _ := path(false, "o1", "5")
	require.Equal(t, []string{"contacted", "satisfied"}, asked)
	asked, _ = path(false, "o1", "2", "慢")
	require.Equal(t, []string{"contacted", "satisfied", "why"}, asked)
	asked, over := path(false, "o2", "慢")
	require.Equal(t, []string{"contacted", "why"}, asked)
	require.Empty(t, over)
	asked, over = path(true, "o2")
	require.Equal(t, []string{"contacted"}, asked)
	require.Equal(t, "not contacted", over)
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	good := func() survey.Questionnaire {
		return survey.Questionnaire{Questions: []survey.Question{
			{Name: "a", Kind: survey.Single, Text: "?", Options: options(2)}, {Name: "b", Kind: survey.Scale, Text: "?", Min: 1, Max: 5},
		}}
	}
	require.NoError(t, good().Validate())
	for want, change := range map[string]func(*survey.Questionnaire){
		"0 questions":              func(q *survey.Questionnaire) { q.Questions = nil },
		"names are given, differ":  func(q *survey.Questionnaire) { q.Questions[1].Name = "a" },
		`names are given`:          func(q *survey.Questionnaire) { q.Questions[0].Name = survey.End },
		"give a text":              func(q *survey.Questionnaire) { q.Questions[0].Text = "" },
		"1 options: give 2 to 9":   func(q *survey.Questionnaire) { q.Questions[0].Options = options(1) },
		"a name that differs":      func(q *survey.Questionnaire) { q.Questions[0].Options[1].Name = "o1" },
		"a scale from 5 to 5":      func(q *survey.Questionnaire) { q.Questions[1].Min = 5 },
		`kind "stars"`:             func(q *survey.Questionnaire) { q.Questions[1].Kind = "stars" },
		"must be a later question": func(q *survey.Questionnaire) { q.Questions[1].Skips = []survey.Skip{{To: "a"}} },
		"no answer to it": func(q *survey.Questionnaire) {
			q.Questions[1].Skips = []survey.Skip{{If: []string{"6"}, To: survey.End}}
		},
		`no question "c"`: func(q *survey.Questionnaire) {
			q.Quotas = []survey.Quota{{Name: "x", If: map[string]string{"c": "1"}, Limit: 1}}
		},
		`"6" is no answer to "b"`: func(q *survey.Questionnaire) {
			q.Quotas = []survey.Quota{{Name: "x", If: map[string]string{"b": "6"}, Limit: 1}}
		},
		"a limit from 1":    func(q *survey.Questionnaire) { q.Quotas = []survey.Quota{{Name: "x", If: map[string]string{"b": "5"}}} },
		"at most 8 prompts": func(q *survey.Questionnaire) { q.Questions[0].Say = make([]string, 9) },
	} {
		q := good()
		change(&q)
		require.ErrorIs(t, q.Validate(), survey.ErrInvalid, want)
		require.ErrorContains(t, q.Validate(), want)
	}
}

func TestKeys(t *testing.T) {
	single := survey.Question{Name: "s", Kind: survey.Single, Options: options(3)}
	several := survey.Question{Name: "m", Kind: survey.Multiple, Options: options(3), Free: true}
	scale := survey.Question{Name: "n", Kind: survey.Scale, Min: 0, Max: 10}
	for _, c := range []struct {
		q      survey.Question
		keys   string
		want   []string
		ok     bool
		enough bool
	}{
		{single, "2", []string{"o2"}, true, true},
		{single, "4", nil, false, true},
		{single, "#", nil, false, true},
		{several, "31#", []string{"o3", "o1"}, true, true},
		{several, "1", []string{"o1"}, true, false},
		{several, "#", nil, true, false},
		{several, "11#", []string{"o1"}, true, true},
		{scale, "10", []string{"10"}, true, true},
		{scale, "7", []string{"7"}, true, false},
		{scale, "07", []string{"7"}, true, true},
		{scale, "11", []string{"11"}, false, true},
		{scale, "*", nil, false, false},
	} {
		values, ok := c.q.Keys(c.keys)
		require.Equal(t, c.ok, ok, "%s %s", c.q.Name, c.keys)
		if ok {
			require.Equal(t, c.want, values, "%s %s", c.q.Name, c.keys)
		}
		require.Equal(t, c.enough, c.q.Enough(c.keys), "%s %s", c.q.Name, c.keys)
	}
}

func TestWhoIsCalledAgain(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	r := survey.Retry{Calls: 2, After: 2 * time.Hour, Busy: time.Minute}
	for _, c := range []struct {
		calls int
		last  survey.Outcome
		after time.Duration // 0: never
	}{
		{1, survey.NoAnswer, 2 * time.Hour},
		{1, survey.Busy, time.Minute},
		{1, survey.Partial, 2 * time.Hour},
		{1, survey.Abandoned, survey.AfterAbandoned},
		{2, survey.NoAnswer, 0},
		{1, survey.Done, 0},
		{1, survey.Refused, 0},
		{1, survey.NotAgain, 0},
		{1, survey.QuotaFull, 0},
	} {
		next, ok := r.Again(c.calls, c.last, at)
		require.Equal(t, c.after > 0, ok, "%+v", c)
		if ok {
			require.Equal(t, at.Add(c.after), next, "%+v", c)
		}
	}
	next, ok := survey.Retry{}.Again(2, survey.NoAnswer, at)
	require.True(t, ok)
	require.Equal(t, at.Add(time.Hour), next)
}

// floor is seats that talk, and calls on their way to citizens of whom some pick up.
type floor struct {
	pacer             survey.Pacer
	busyUntil         []int // by seat, in seconds
	onTheWay          []int // when each call is answered or given up
	answered, missing int
	talked            int
}

func (f *floor) second(now int, r *rand.Rand, picksUp float64, more func(free, onTheWay int) int) {
	free := 0
	for _, until := range f.busyUntil {
		if until <= now {
			free++
		} else {
			f.talked++
		}
	}
	for range more(free, len(f.onTheWay)) {
		f.onTheWay = append(f.onTheWay, now+5+r.IntN(20))
	}
	f.onTheWay = slices.DeleteFunc(f.onTheWay, func(at int) bool {
		if at > now {
			return false
		}
		if r.Float64() > picksUp {
			return true
		}
		f.answered++
		i := slices.IndexFunc(f.busyUntil, func(until int) bool { return until <= now })
		f.pacer.Answered(i >= 0)
		if i < 0 {
			f.missing++
			return true
		}
		f.busyUntil[i] = now + 30 + int(r.ExpFloat64()*90)
		return true
	})
}

// Over a day, whoever picks up or not, at most 3 % of those who pick up find nobody, and operators talk more than with one call for each free seat.
func TestPacingKeepsTheCap(t *testing.T) {
	for _, seats := range []int{3, 10, 40} {
		for _, picksUp := range []float64{0.2, 0.5, 0.9} {
			f := floor{busyUntil: make([]int, seats)}
			plain := floor{busyUntil: make([]int, seats)}
			r := rand.New(rand.NewPCG(1, uint64(seats)))
			for now := range 8 * 3600 {
				f.second(now, r, picksUp, f.pacer.More)
				plain.second(now, r, picksUp, func(free, onTheWay int) int { return max(0, free-onTheWay) })
			}
			rate := float64(f.missing) / float64(f.answered)
			t.Logf("%d seats, %.0f %% pick up: %d answered, %.2f %% found nobody; %.0f %% of the time in talks (one call a seat: %.0f %%)",
				seats, 100*picksUp, f.answered, 100*rate, 100*float64(f.talked)/float64(seats*8*3600), 100*float64(plain.talked)/float64(seats*8*3600))
			require.LessOrEqual(t, rate, survey.AbandonCap)
			require.GreaterOrEqual(t, f.talked, plain.talked*97/100)
		}
	}
}

func TestPacingAtTheCap(t *testing.T) {
	var p survey.Pacer
	require.Equal(t, 4, p.More(4, 0))
	require.Equal(t, 1, p.More(4, 3))
	require.Zero(t, p.More(4, 9))
	for range 50 {
		p.Answered(true)
	}
	require.Equal(t, 4, p.More(4, 0), "nothing is dared yet")
	p.Answered(false)
	require.InDelta(t, 1.0/51, p.Rate(), 1e-9)
	require.Equal(t, 4, p.More(4, 0))
	p.Answered(false)
	require.Equal(t, 2, p.More(4, 0), "over the cap: every other seat")
	require.Zero(t, p.More(4, 2))
	require.Equal(t, 1, p.More(1, 0))
	require.Zero(t, p.More(0, 0))
	for range 150 {
		p.Answered(true)
	}
	require.GreaterOrEqual(t, p.More(4, 0), 4)
	for range 2000 {
		p.Answered(true)
	}
	require.Equal(t, 12, p.More(4, 0), "three for each seat at most")
}
