package telephony_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/survey"
)

// asked is a questionnaire with every kind of question and a skip.
func asked() survey.Questionnaire {
	return survey.Questionnaire{
		Greeting: []string{"welcome"},
		Thanks:   []string{"rated"},
		Questions: []survey.Question{
			{Name: "contacted", Kind: survey.Single, Text: "办理单位是否联系过您", Say: []string{"next"}, Options: []survey.Option{{Name: "yes", Text: "是"}, {Name: "no", Text: "否"}},
				Skips: []survey.Skip{{If: []string{"no"}, To: "why"}}},
			{Name: "satisfied", Kind: survey.Scale, Text: "打分", Say: []string{"next"}, Min: 1, Max: 10},
			{Name: "about", Kind: survey.Multiple, Text: "哪些方面", Say: []string{"next"}, Options: []survey.Option{{Name: "speed", Text: "速度"}, {Name: "manner", Text: "态度"}, {Name: "result", Text: "结果"}}},
			{Name: "why", Kind: survey.Open, Text: "还有什么要说", Say: []string{"next"}, Free: true},
		},
	}
}

// list puts numbers on a campaign's list.
func list(numbers ...string) (all []telephony.ListedContact) {
	for _, n := range numbers {
		all = append(all, telephony.ListedContact{Number: n, Name: "王女士", Facts: map[string]string{"ticket": "T1"}})
	}
	return all
}

// surveyRig is a centre whose calls out come to a phone beyond the gateway.
func surveyRig(t *testing.T, o phone.Options, opts ...rigOption) (*rig, <-chan *phone.Call) {
	there, calls := outsidePhone(t, o)
	return newRig(t, append([]rigOption{func(c *telephony.Config) { c.Gateway = there.Addr().String() }}, opts...)...), calls
}

func (r *rig) campaign(c telephony.Campaign, numbers ...string) telephony.Campaign {
	r.t.Helper()
	c.Name, c.Line, c.Hours = "回访", "12345", []string{"daily 00:00-24:00"}
	c, err := r.center.CreateCampaign(r.ctx(), c, "lead1")
	require.NoError(r.t, err)
	added, bad, err := r.center.AddContacts(r.ctx(), c.ID, list(numbers...))
	require.NoError(r.t, err)
	require.Empty(r.t, bad)
	require.Equal(r.t, len(numbers), added)
	c, err = r.center.SetCampaign(r.ctx(), c.ID, telephony.CampaignRunning)
	require.NoError(r.t, err)
	return c
}

func (r *rig) contacts(campaign string) []telephony.Contact {
	r.t.Helper()
	all, err := r.center.Contacts(r.ctx(), telephony.ContactFilter{Campaign: campaign})
	require.NoError(r.t, err)
	return all
}

// becomes waits until a campaign's only contact has an outcome.
func (r *rig) becomes(campaign string, want survey.Outcome) telephony.Contact {
	r.t.Helper()
	var got telephony.Contact
	r.await("outcome "+string(want), func() bool {
		got = r.contacts(campaign)[0]
		return got.Outcome == want && got.State != telephony.ContactTaken
	})
	return got
}

// press answers a question when its prompt has been heard.
func press(r *rig, c *phone.Call, keys string) {
	r.t.Helper()
	require.NoError(r.t, c.SendDigits(r.ctx(), keys))
}

// lastKey is pressed while the other side may hang up already.
func lastKey(r *rig, c *phone.Call, key string) { _ = c.SendDigits(r.ctx(), key) }

func values(answers []survey.Answer) (all []string) {
	for _, a := range answers {
		all = append(all, fmt.Sprint(a.Question, a.Values))
	}
	return all
}

// An automatic campaign asks by voice; what is pressed and said is kept, and said in the recording.
func TestAnAutomaticCampaignAsks(t *testing.T) {
	r, calls := surveyRig(t, phone.Options{})
	cp := r.campaign(telephony.Campaign{Mode: telephony.Automatic, Questionnaire: asked()}, "13800138000")
	c := r.next(calls)
	require.NoError(t, c.Answer())
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	press(r, c, "#") // goes on at once
	press(r, c, "7") // is none of the options
	press(r, c, "1")
	press(r, c, "8#")
	press(r, c, "31#")
	r.await("the last question", func() bool { return len(r.interviewed()) == 3 })
	c.Play(media.Tone(toneCaller, -10, 0), false)
	began := time.Now()
	r.await("something to record", func() bool { return time.Since(began) > 2*time.Second })
	lastKey(r, c, "#")
	r.done(c)
	x := r.becomes(cp.ID, survey.Done)
	require.Equal(t, telephony.ContactOver, x.State)
	require.Equal(t, []string{"contacted[yes]", "satisfied[8]", "about[result speed]", "why[spoken]"}, values(x.Answers))
	cdr := r.endedCall()
	require.Equal(t, cp.ID, cdr.Campaign)
	require.Equal(t, x.ID, cdr.Contact)
	require.Equal(t, telephony.CauseInterview, cdr.Cause)
	require.Equal(t, telephony.Outbound, cdr.Direction)
	require.Equal(t, []telephony.ContactCall{{CallID: cdr.ID, At: x.Calls[0].At, Outcome: survey.Done}}, x.Calls)
	spoken := x.Answers[3]
	require.GreaterOrEqual(t, spoken.To.Sub(spoken.From), 1500*time.Millisecond)
	r.await("recorded", func() bool {
		cdr, err := r.center.Call(r.ctx(), cdr.ID)
		return err == nil && cdr.Recording.State == telephony.RecordingStored
	})
	r.await("the campaign is over", func() bool {
		cp, err := r.center.Campaign(r.ctx(), cp.ID)
		return err == nil && cp.State == telephony.CampaignEnded
	})
	ended, err := r.center.Campaign(r.ctx(), cp.ID)
	require.NoError(t, err)
	require.Equal(t, "list", ended.Why)
	r.awaitClean()
}

// interviewed are the questions that were answered in the calls so far.
func (r *rig) interviewed() (steps []string) {
	for _, l := range r.center.Live() {
		events, err := r.store.Events(r.ctx(), telephony.EventFilter{CallID: l.ID, Limit: 1000})
		require.NoError(r.t, err)
		for _, e := range events {
			if e.Type == telephony.EvInterviewed {
				steps = append(steps, string(e.Data))
			}
		}
	}
	return steps
}

// Who does not answer is called again, as often as is allowed; who hangs up on the way is asked the rest.
func TestContactsAreCalledAgain(t *testing.T) {
	r, calls := surveyRig(t, phone.Options{})
	cp := r.campaign(telephony.Campaign{Mode: telephony.Automatic, Questionnaire: asked(), Retry: survey.Retry{Calls: 3, After: time.Second, Busy: time.Second}}, "13800138000")
	r.next(calls).Reject(486)
	c := r.next(calls)
	require.NoError(t, c.Answer())
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	press(r, c, "#2")
	r.await("an answer", func() bool { return len(r.interviewed()) == 1 })
	c.Hangup()
	c = r.next(calls)
	require.NoError(t, c.Answer())
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	press(r, c, "#") // past the greeting; the question that is left is an open one that may stay unanswered
	lastKey(r, c, "#")
	r.done(c)
	x := r.becomes(cp.ID, survey.Done)
	require.Len(t, x.Calls, 3)
	require.Equal(t, survey.Busy, x.Calls[0].Outcome)
	require.Equal(t, survey.Partial, x.Calls[1].Outcome)
	require.Equal(t, "contacted[no]", values(x.Answers)[0])
	require.Len(t, x.Answers, 2)
}

// Who presses 0 at the greeting is never called again by any campaign, and the lists of others leave the number out.
func TestNeverAgain(t *testing.T) {
	r, calls := surveyRig(t, phone.Options{})
	cp := r.campaign(telephony.Campaign{Mode: telephony.Automatic, Questionnaire: asked()}, "13800138000")
	c := r.next(calls)
	require.NoError(t, c.Answer())
	require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
	lastKey(r, c, "0")
	r.done(c)
	require.Equal(t, telephony.ContactOver, r.becomes(cp.ID, survey.NotAgain).State)
	all, err := r.center.NoCalls(r.ctx(), "", 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, telephony.NoCallAsked, all[0].By)
	other, err := r.center.CreateCampaign(r.ctx(), telephony.Campaign{Name: "x", Line: "12345", Mode: telephony.Automatic, Questionnaire: asked()}, "lead1")
	require.NoError(t, err)
	added, bad, err := r.center.AddContacts(r.ctx(), other.ID, list("13800138000", "nobody", "13900139000"))
	require.NoError(t, err)
	require.Equal(t, 1, added)
	require.Equal(t, []int{2}, bad)
}

// A quota that is full ends an interview at the question that shows it.
func TestAFullQuota(t *testing.T) {
	r, calls := surveyRig(t, phone.Options{})
	q := asked()
	q.Quotas = []survey.Quota{{Name: "not contacted", If: map[string]string{"contacted": "no"}, Limit: 1}}
	cp := r.campaign(telephony.Campaign{Mode: telephony.Automatic, Questionnaire: q, AtOnce: 1}, "13800138000", "13800138001")
	for range 2 {
		c := r.next(calls)
		require.NoError(t, c.Answer())
		require.NoError(t, c.WaitTone(r.ctx(), toneWelcome))
		press(r, c, "#")
		lastKey(r, c, "2")
		r.await("answered, or over", func() bool { return len(r.interviewed()) == 1 || len(r.center.Live()) == 0 })
		lastKey(r, c, "#")
		r.done(c)
		r.endedCall()
	}
	r.await("both are over", func() bool {
		all := r.contacts(cp.ID)
		return all[0].Outcome != "" && all[1].Outcome != ""
	})
	outcomes := map[survey.Outcome]int{}
	for _, x := range r.contacts(cp.ID) {
		outcomes[x.Outcome]++
	}
	require.Equal(t, map[survey.Outcome]int{survey.Done: 1, survey.QuotaFull: 1}, outcomes)
}

// A progressive campaign gives who picks up to a free operator, who says what was answered.
func TestAProgressiveCampaign(t *testing.T) {
	r, calls := surveyRig(t, phone.Options{})
	cp := r.campaign(telephony.Campaign{Mode: telephony.Progressive, Queue: "default", Questionnaire: asked()}, "13800138000")
	began := time.Now()
	r.await("nobody is called while no operator is free", func() bool { return time.Since(began) > 1200*time.Millisecond })
	require.Empty(t, calls)
	_, rings := r.seat("8001")
	c := r.next(calls)
	require.NoError(t, c.Answer())
	at := r.next(rings)
	require.NoError(t, at.Answer())
	r.hearEachOther(c, at)
	x := r.contacts(cp.ID)[0]
	answers := []survey.Answer{{Question: "contacted", Values: []string{"no"}}, {Question: "why", Values: []string{"一直没人联系"}}}
	_, err := r.center.AnswerContact(r.ctx(), x.ID, "agent2", answers, "")
	require.ErrorIs(t, err, telephony.ErrConflict, "another operator")
	_, err = r.center.AnswerContact(r.ctx(), x.ID, "agent1", answers[:1], "")
	require.ErrorIs(t, err, telephony.ErrInvalid, "a question is left")
	_, err = r.center.AnswerContact(r.ctx(), x.ID, "agent1", answers, "")
	require.NoError(t, err)
	at.Hangup()
	r.done(c)
	r.endedCall()
	x = r.becomes(cp.ID, survey.Done)
	require.Equal(t, "agent1", x.User)
	require.Equal(t, []string{"contacted[no]", "why[一直没人联系]"}, values(x.Answers))
}

// Who picks up and finds nobody is told so, and is not called again for a day.
func TestAnAbandonedCitizen(t *testing.T) {
	r, calls := surveyRig(t, phone.Options{})
	_, rings := r.seat("8001")
	cp := r.campaign(telephony.Campaign{Mode: telephony.Progressive, Queue: "default", Questionnaire: asked()}, "13800138000")
	c := r.next(calls)
	require.NoError(t, r.center.SetStatus(r.ctx(), "agent1", "8001", telephony.Status{Presence: telephony.Break})) // the operator goes away meanwhile
	require.NoError(t, c.Answer())
	r.done(c)
	x := r.becomes(cp.ID, survey.Abandoned)
	require.Equal(t, telephony.ContactWaiting, x.State)
	require.Greater(t, time.Until(x.NotUntil), 23*time.Hour)
	require.Empty(t, rings)
}

// In a preview campaign an operator looks at a citizen, has the call made and says what became of it.
func TestAPreviewCampaign(t *testing.T) {
	r, calls := surveyRig(t, phone.Options{})
	_, rings := r.seat("8001")
	cp := r.campaign(telephony.Campaign{Mode: telephony.Preview, Questionnaire: asked()}, "13800138000", "13800138001")
	x, err := r.center.TakeContact(r.ctx(), cp.ID, "agent1")
	require.NoError(t, err)
	require.Equal(t, "王女士", x.Name)
	require.Equal(t, "13800138000", x.Number, "in the order of the list")
	again, err := r.center.TakeContact(r.ctx(), cp.ID, "agent1")
	require.NoError(t, err)
	require.Equal(t, x.ID, again.ID, "the own one stays")
	other, err := r.center.TakeContact(r.ctx(), cp.ID, "agent2")
	require.NoError(t, err)
	require.NotEqual(t, x.ID, other.ID)
	_, err = r.center.TakeContact(r.ctx(), cp.ID, "agent3")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	_, err = r.center.CallContact(r.ctx(), x.ID, "agent2", "")
	require.ErrorIs(t, err, telephony.ErrConflict)
	id, err := r.center.CallContact(r.ctx(), x.ID, "agent1", "")
	require.NoError(t, err)
	at := r.next(rings)
	require.NoError(t, at.Answer())
	c := r.next(calls)
	require.NoError(t, c.Answer())
	r.hearEachOther(c, at)
	at.Hangup()
	r.done(c)
	cdr := r.endedCall()
	require.Equal(t, id, cdr.ID)
	got, err := r.center.AnswerContact(r.ctx(), x.ID, "agent1", nil, survey.Refused)
	require.NoError(t, err)
	require.Equal(t, telephony.ContactOver, got.State)
	require.Equal(t, survey.Refused, got.Calls[0].Outcome)
	_, err = r.center.AnswerContact(r.ctx(), other.ID, "agent2", nil, survey.NoAnswer)
	require.NoError(t, err)
	r.await("one is to be called again", func() bool {
		counts, err := r.center.CountContacts(r.ctx(), cp.ID)
		return err == nil && len(counts) == 2
	})
}

func TestCampaignsAreChecked(t *testing.T) {
	r, _ := surveyRig(t, phone.Options{})
	good := telephony.Campaign{Name: "x", Line: "12345", Mode: telephony.Automatic, Questionnaire: asked()}
	for want, change := range map[string]func(*telephony.Campaign){
		"name":                 func(c *telephony.Campaign) { c.Name = "" },
		"mode":                 func(c *telephony.Campaign) { c.Mode = "robot" },
		"queue":                func(c *telephony.Campaign) { c.Mode, c.Queue = telephony.Progressive, "none" },
		"at once":              func(c *telephony.Campaign) { c.AtOnce = 1000 },
		"none may be negative": func(c *telephony.Campaign) { c.Target = -1 },
		"hours":                func(c *telephony.Campaign) { c.Hours = []string{"whenever"} },
		"needs prompts":        func(c *telephony.Campaign) { c.Questionnaire.Questions[0].Say = nil },
		`prompt "none"`:        func(c *telephony.Campaign) { c.Questionnaire.Thanks = []string{"none"} },
		"questions: give 1":    func(c *telephony.Campaign) { c.Questionnaire.Questions = nil },
	} {
		c := good
		c.Questionnaire = asked()
		change(&c)
		_, err := r.center.CreateCampaign(r.ctx(), c, "lead1")
		require.ErrorIs(t, err, telephony.ErrInvalid, want)
		require.ErrorContains(t, err, want)
	}
	c := good
	c.Line = "99999"
	_, err := r.center.CreateCampaign(r.ctx(), c, "lead1")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	c, err = r.center.CreateCampaign(r.ctx(), good, "lead1")
	require.NoError(t, err)
	_, err = r.center.SetCampaign(r.ctx(), c.ID, telephony.CampaignPaused)
	require.ErrorIs(t, err, telephony.ErrConflict)
	c.Hours = []string{"holiday 03:00-03:01"}
	c, err = r.center.ChangeCampaign(r.ctx(), c)
	require.NoError(t, err)
	_, err = r.center.SetCampaign(r.ctx(), c.ID, telephony.CampaignRunning)
	require.NoError(t, err)
	_, err = r.center.ChangeCampaign(r.ctx(), c)
	require.ErrorIs(t, err, telephony.ErrConflict, "it runs")
	_, err = r.center.TakeContact(r.ctx(), c.ID, "agent1")
	require.ErrorIs(t, err, telephony.ErrConflict, "it calls by itself")
	_, err = r.center.SetCampaign(r.ctx(), c.ID, telephony.CampaignEnded)
	require.NoError(t, err)
	_, _, err = r.center.AddContacts(r.ctx(), c.ID, list("13800138000"))
	require.ErrorIs(t, err, telephony.ErrConflict)
}

// A contact that an operator has forgotten others get.
func TestAForgottenContact(t *testing.T) {
	var mu sync.Mutex
	ahead := time.Duration(0)
	there, _ := outsidePhone(t, phone.Options{})
	r := prepareRig(t, func(c *telephony.Config) { c.Gateway = there.Addr().String() })
	r.now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(ahead)
	}
	r.start()
	cp := r.campaign(telephony.Campaign{Mode: telephony.Preview, Questionnaire: asked()}, "13800138000")
	x, err := r.center.TakeContact(r.ctx(), cp.ID, "agent1")
	require.NoError(t, err)
	_, err = r.center.TakeContact(r.ctx(), cp.ID, "agent2")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	mu.Lock()
	ahead = 5 * time.Hour
	mu.Unlock()
	r.await("it is to be had again", func() bool {
		got, err := r.center.TakeContact(r.ctx(), cp.ID, "agent2")
		return err == nil && got.ID == x.ID
	})
}
