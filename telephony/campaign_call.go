package telephony

import (
	"context"
	"time"

	"hotline/telephony/acd"
	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/prompts"
	"hotline/telephony/survey"
)

const (
	// CallInterview is the state of a call in which a questionnaire is asked by voice.
	CallInterview = "interview"
	// CauseInterview ends a call whose interview is over.
	CauseInterview = "interview"

	// findOperator is how long a citizen who picked up waits for an operator.
	findOperator = 10 * time.Second
	// askTries is how often a question is asked.
	askTries = 3
	// keyWait is the pause after which no more keys are waited for; thinkWait the one before the first.
	keyWait   = 3 * time.Second
	thinkWait = 8 * time.Second
	// longestAnswer bounds a spoken answer.
	longestAnswer = 60 * time.Second
	// neverKey, pressed during the greeting, keeps the number from being called again by any campaign.
	neverKey = '0'
)

// call calls a contact once, and stores what became of it.
func (cs *campaigns) call(cp Campaign, x Contact) {
	dialling := true
	answered := func() {
		if dialling {
			dialling = false
			cs.count(cp.ID, -1, 0)
		}
	}
	defer answered()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cs.c.background), saving)
	defer cancel()
	k, err := cs.c.newCall()
	if err != nil { // the node has no room now, or stops
		x.release()
		if err := cs.c.store.SaveContact(ctx, x); err != nil {
			cs.c.log.Error("a contact stays taken", "campaign", cp.ID, "contact", x.ID, "error", err)
		}
		return
	}
	// On record before it is made, so that a crash cannot make more calls than are allowed.
	x.Calls = append(x.Calls, ContactCall{CallID: k.id, At: k.now().UTC().Truncate(time.Millisecond)})
	if err := cs.c.store.SaveContact(ctx, x); err != nil {
		cs.c.log.Error("a contact is not called: the call cannot be put on record", "campaign", cp.ID, "contact", x.ID, "error", err)
		k.forget()
		return
	}
	outcome := k.survey(cp, &x, answered)
	k.finish()
	late, cancelLate := context.WithTimeout(context.WithoutCancel(cs.c.background), saving)
	defer cancelLate()
	if now, err := cs.c.store.Contact(late, x.ID); err == nil && (now.State != ContactTaken || now.Holder != cs.holder()) {
		return // the operator has said it already
	}
	if _, err := cs.settle(late, cp, x, outcome); err != nil {
		cs.c.log.Error("what became of a contact is not on record", "campaign", cp.ID, "contact", x.ID, "error", err)
	}
}

// survey calls a citizen and has the questionnaire asked.
func (k *call) survey(cp Campaign, x *Contact, answered func()) survey.Outcome {
	k.begin(EventData{Direction: Outbound, Caller: cp.Line, Called: x.Number, Line: cp.Line, Campaign: cp.ID, Contact: x.ID}, "", "")
	k.contact = x.ID
	k.setState(CallRinging)
	p := &party{who: PartyCaller, pressed: make(chan rune, maxPressed)}
	up, down := make(chan struct{}), make(chan int, 1)
	k.wg.Go(func() {
		talks := false
		err := k.follow(k.ctx, p, route{direction: Outbound, number: x.Number, line: cp.Line}, dialing{
			ringing: func() { k.record(EvRinging, "", "", EventData{}) },
			answered: func() {
				talks = true
				close(up)
			},
			ended: func(c invite.Cause) {
				if !talks {
					down <- c.Code
					return
				}
				k.gone(p, c, func() { k.citizenGone(p, c) })
			},
		})
		if err != nil {
			k.log.Warn("a contact cannot be called", "error", err)
			down <- 0
		}
	})
	select {
	case code := <-down:
		k.stop(PartySystem, "", CauseNoAnswer, code)
		return outcomeOfCall(code)
	case <-k.ctx.Done():
		return survey.NoAnswer
	case <-up:
	}
	answered()
	k.mu.Lock()
	k.caller = p
	k.mu.Unlock()
	k.record(EvAnswered, "", "", EventData{})
	if cp.Mode == Progressive {
		return k.toOperator(cp)
	}
	return k.interview(cp, x)
}

// citizenGone is the end that the citizen's session gives.
func (k *call) citizenGone(p *party, c invite.Cause) {
	switch {
	case broke(c):
		k.stop(PartySystem, "", brokenBy(c), c.Code)
	case c.By == invite.Remote:
		k.stop(p.who, "", CauseHangup, c.Code)
	default:
		k.stop(PartySystem, "", CauseFailed, c.Code)
	}
}

// toOperator gives a citizen who picked up to a free operator, if there is one.
func (k *call) toOperator(cp Campaign) survey.Outcome {
	timer := time.AfterFunc(findOperator, func() { k.c.floor.giveUp(k.id, acd.ReasonNoAgent) })
	defer timer.Stop()
	k.record(EvQueued, "", "", EventData{Queue: cp.Queue})
	k.setState(CallQueued)
	k.wait(acd.Arrive{Call: k.id, Queue: cp.Queue, Priority: campaignPriority}, k.caller.leg.Play(k.c.sounds.say(k.language, k.greeting(cp)...), false),
		func() { k.c.campaigns.pickedUp(cp.ID, true) })
	cdr, _ := k.snapshot()
	if cdr.BridgedAt.IsZero() {
		k.c.campaigns.pickedUp(cp.ID, false)
		return survey.Abandoned
	}
	return survey.Partial // until the operator says what was answered
}

// campaignPriority puts citizens who were called before those who call: they did not ask for it.
const campaignPriority = 3

// greeting is what is said first.
func (k *call) greeting(cp Campaign) []string {
	if len(cp.Questionnaire.Greeting) > 0 {
		return cp.Questionnaire.Greeting
	}
	return []string{prompts.Connecting}
}

// interview asks the questionnaire by voice.
func (k *call) interview(cp Campaign, x *Contact) survey.Outcome {
	k.setState(CallInterview)
	k.recordInterview()
	host := &caller{k: k, keys: keypad{}}
	if len(cp.Questionnaire.Greeting) > 0 {
		key, err := host.Say(cp.Questionnaire.Greeting, true)
		if err != nil {
			return survey.Partial
		}
		if key == neverKey {
			k.sayBye(CauseInterview)
			return survey.NotAgain
		}
		host.quiet()
	}
	ctx, cancel := context.WithTimeout(k.ctx, saving)
	full := k.c.campaigns.full(ctx, cp)
	cancel()
	in, err := survey.Resume(cp.Questionnaire, full, x.Answers)
	if err != nil { // the questionnaire was changed since
		in = survey.New(cp.Questionnaire, full)
	}
	for {
		q, ok := in.Next()
		if !ok {
			break
		}
		a, err := k.ask(host, q)
		if err == nil && a == nil { // not understood, again and again
			k.sayBye(CauseInterview)
			return survey.Partial
		}
		if err == nil {
			err = in.Answer(*a)
		}
		x.Answers = in.Answers()
		if err != nil { // the citizen hung up
			return survey.Partial
		}
		k.record(EvInterviewed, "", "", EventData{Step: q.Name})
	}
	if len(cp.Questionnaire.Thanks) == 0 || k.say(cp.Questionnaire.Thanks...) {
		k.stop(PartySystem, "", CauseInterview, 0)
	}
	if in.Over() != "" {
		return survey.QuotaFull
	}
	return survey.Done
}

// recordInterview records the citizen, unless nothing is recorded.
func (k *call) recordInterview() {
	if !k.c.cfg.NoRecording && k.openRecorder() == nil {
		k.caller.leg.Record(k.recorder, 0)
	}
}

// ask asks one question; nil without an error is no answer.
func (k *call) ask(host *caller, q survey.Question) (*survey.Answer, error) {
	for range askTries {
		key, err := host.Say(q.Say, true)
		if err != nil {
			return nil, err
		}
		if q.Kind == survey.Open {
			return k.listen(host, q, key)
		}
		pressed := ""
		for wait := thinkWait; ; wait = keyWait {
			if key == 0 {
				if key, err = host.Key(wait); err != nil {
					return nil, err
				}
			}
			if key == 0 {
				break
			}
			host.quiet()
			pressed += string(key)
			if key == '#' || q.Enough(pressed) {
				break
			}
			key = 0
		}
		if values, ok := q.Keys(pressed); ok && pressed != "" {
			return &survey.Answer{Question: q.Name, Values: values}, nil
		}
		if _, err := host.Say([]string{prompts.Invalid}, false); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// listen takes a spoken answer, which is in the recording. A # ends it, or says that there is none.
func (k *call) listen(host *caller, q survey.Question, key rune) (*survey.Answer, error) {
	var err error
	if key != '#' {
		if key, err = host.Say([]string{prompts.Beep}, true); err != nil {
			return nil, err
		}
	}
	from := k.now().UTC().Truncate(time.Millisecond)
	quiet := k.caller.leg.Play(media.Silence(0), false) // some networks end a call in which nothing comes
	defer quiet.Stop()
	if key != '#' {
		key, err = host.Key(longestAnswer)
	}
	for err == nil && key != 0 && key != '#' {
		key, err = host.Key(longestAnswer - k.now().Sub(from))
	}
	a := &survey.Answer{Question: q.Name, Values: []string{survey.Spoken}, From: from, To: k.now().UTC().Truncate(time.Millisecond)}
	if err != nil {
		return nil, err
	}
	if q.Free && a.To.Sub(a.From) < shortMessage {
		a.Values, a.From, a.To = nil, time.Time{}, time.Time{}
	}
	return a, nil
}
