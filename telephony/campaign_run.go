package telephony

import (
	"context"
	"slices"
	"sync"
	"time"

	"hotline/telephony/survey"
)

// campaignTick is how often it is looked whom to call.
const campaignTick = 500 * time.Millisecond

// quotasFor is how long counted quotas are good for; this node's own interviews are added at once.
const quotasFor = 5 * time.Second

// campaigns call the citizens of the campaigns that run. Of several nodes the first by name does.
type campaigns struct {
	c    *Center
	wake chan struct{}

	mu      sync.Mutex
	running map[string]*campaigning // by campaign
}

// campaigning is what this node knows of a campaign.
type campaigning struct {
	pacer    survey.Pacer
	dialling int // calls that nobody has picked up yet
	calls    int // all of them
	quotas   map[string]int
	counted  time.Time
	swept    time.Time // when it was looked for contacts that operators have forgotten
}

func newCampaigns(c *Center) *campaigns {
	return &campaigns{c: c, wake: make(chan struct{}, 1), running: map[string]*campaigning{}}
}

func (cs *campaigns) poke() {
	select {
	case cs.wake <- struct{}{}:
	default:
	}
}

// holder is how this node holds contacts.
func (cs *campaigns) holder() string { return "node:" + cs.c.node }

// run calls until ctx ends.
func (cs *campaigns) run(ctx context.Context) {
	if _, err := cs.c.store.ReleaseContacts(ctx, cs.holder()); err != nil {
		cs.c.log.Error("contacts that the last process was calling stay taken", "error", err)
	}
	ticker := time.NewTicker(campaignTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-cs.wake:
		}
		if cs.c.isDraining() || !cs.leads() {
			continue
		}
		cs.look(ctx)
	}
}

// leads tells whether this node is the one that calls.
func (cs *campaigns) leads() bool {
	s := cs.c.floor.share
	return s == nil || s.isFirst()
}

func (cs *campaigns) look(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, saving)
	defer cancel()
	all, err := cs.c.store.Campaigns(bounded, CampaignRunning)
	if err != nil {
		if ctx.Err() == nil {
			cs.c.log.Error("campaigns cannot be read", "error", err)
		}
		return
	}
	for _, cp := range all {
		if err := cs.advance(bounded, cp); err != nil && ctx.Err() == nil {
			cs.c.log.Error("a campaign does not go on", "campaign", cp.ID, "error", err)
		}
	}
}

// of is what is known of a campaign. The caller holds mu.
func (cs *campaigns) of(id string) *campaigning {
	if cs.running[id] == nil {
		cs.running[id] = &campaigning{}
	}
	return cs.running[id]
}

// advance calls whoever can be called now, or ends the campaign.
func (cs *campaigns) advance(ctx context.Context, cp Campaign) error {
	counts, err := cs.c.store.CountContacts(ctx, cp.ID)
	if err != nil {
		return err
	}
	left, done := 0, 0
	for _, n := range counts {
		if n.State != ContactOver {
			left += n.Count
		}
		if n.Outcome == survey.Done {
			done += n.Count
		}
	}
	switch {
	case cp.Target > 0 && done >= cp.Target:
		return cs.end(ctx, cp, "target")
	case left == 0 && len(counts) > 0:
		return cs.end(ctx, cp, "list")
	}
	if cp.Mode == Preview {
		return cs.sweep(ctx, cp)
	}
	want := cs.wanted(cp)
	if cp.Target > 0 {
		want = min(want, cp.Target-done)
	}
	if want <= 0 || !cs.c.mayCall(cp) {
		return nil
	}
	taken, err := cs.c.store.TakeContacts(ctx, cp.ID, cs.holder(), cs.c.now(), want)
	if err != nil {
		return err
	}
	numbers := make([]string, len(taken))
	for i, x := range taken {
		numbers[i] = x.Number
	}
	forbidden, err := cs.c.store.Forbidden(ctx, numbers)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		if err := cs.c.learnPrompts(cp); err != nil {
			cs.c.log.Warn("what a campaign says cannot be read, a tone is played in its place", "campaign", cp.ID, "error", err)
		}
	}
	for _, x := range taken {
		outcome := survey.Outcome("")
		if forbidden[x.Number] {
			outcome = survey.NotAgain
		} else if _, again := cp.Retry.Again(len(x.Calls), survey.NoAnswer, cs.c.now()); !again { // the last call was cut off by a crash
			outcome = survey.NoAnswer
		}
		if outcome != "" {
			if err := cs.over(ctx, x, outcome); err != nil {
				return err
			}
			continue
		}
		cs.count(cp.ID, 1, 1)
		cs.c.wg.Go(func() {
			defer cs.count(cp.ID, 0, -1)
			cs.call(cp, x)
		})
	}
	return nil
}

// An operator may hold a contact for so long, and is looked after so often.
const (
	longestHeld = 4 * time.Hour
	sweepEvery  = time.Minute
)

// sweep lets contacts wait again that operators have held for too long.
func (cs *campaigns) sweep(ctx context.Context, cp Campaign) error {
	now := cs.c.now()
	cs.mu.Lock()
	own := cs.of(cp.ID)
	due := now.Sub(own.swept) >= sweepEvery
	if due {
		own.swept = now
	}
	cs.mu.Unlock()
	if !due {
		return nil
	}
	held, err := cs.c.store.Contacts(ctx, ContactFilter{Campaign: cp.ID, State: ContactTaken, Limit: 1000})
	if err != nil {
		return err
	}
	for _, x := range held {
		if now.Sub(x.TakenAt) < longestHeld {
			continue
		}
		x.release()
		if err := cs.c.store.SaveContact(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

// wanted is how many calls to let out now.
func (cs *campaigns) wanted(cp Campaign) int {
	free := 0
	if cp.Mode == Progressive {
		for _, q := range cs.c.floor.queues() {
			if q.Name == cp.Queue {
				free = max(0, q.Ready-len(q.Callers))
			}
		}
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	own := cs.of(cp.ID)
	switch cp.Mode {
	case Progressive:
		return own.pacer.More(free, own.dialling)
	case Automatic:
		most := cp.AtOnce
		if most == 0 {
			most = usualAtOnce
		}
		return most - own.calls
	default:
		return 0
	}
}

// count notes calls that begin and end.
func (cs *campaigns) count(campaign string, dialling, calls int) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	own := cs.of(campaign)
	own.dialling += dialling
	own.calls += calls
}

// pickedUp notes that a citizen picked up, and whether an operator was there.
func (cs *campaigns) pickedUp(campaign string, found bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.of(campaign).pacer.Answered(found)
}

func (cs *campaigns) end(ctx context.Context, cp Campaign, why string) error {
	cp.State, cp.EndedAt, cp.Why = CampaignEnded, cs.c.now().UTC().Truncate(time.Millisecond), why
	if err := cs.c.store.SaveCampaign(ctx, cp); err != nil {
		return err
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if own := cs.running[cp.ID]; own != nil && own.calls == 0 {
		delete(cs.running, cp.ID)
	}
	return nil
}

// over ends a contact without a call.
func (cs *campaigns) over(ctx context.Context, x Contact, outcome survey.Outcome) error {
	x.State, x.Outcome, x.Holder, x.TakenAt = ContactOver, outcome, "", time.Time{}
	x.EndedAt = cs.c.now().UTC().Truncate(time.Millisecond)
	return cs.c.store.SaveContact(ctx, x)
}

// settle stores what has become of a contact, and whether it is called again.
func (cs *campaigns) settle(ctx context.Context, cp Campaign, x Contact, outcome survey.Outcome) (Contact, error) {
	now := cs.c.now().UTC().Truncate(time.Millisecond)
	x.Outcome, x.Holder, x.TakenAt = outcome, "", time.Time{}
	if n := len(x.Calls); n > 0 {
		x.Calls[n-1].Outcome = outcome
	}
	next, again := cp.Retry.Again(len(x.Calls), outcome, now)
	if cp.Mode == Progressive && outcome == survey.Partial {
		again = false // who talked with an operator is not called again because that one has not said yet what was answered
	}
	if again {
		x.State, x.NotUntil = ContactWaiting, next
		if outcome != survey.Partial {
			x.Answers = nil
		}
	} else {
		x.State, x.EndedAt = ContactOver, now
	}
	if outcome == survey.NotAgain {
		if err := cs.c.store.ForbidCalls(ctx, NoCall{Number: x.Number, By: NoCallAsked, At: now}); err != nil {
			return x, err
		}
	}
	if err := cs.c.store.SaveContact(ctx, x); err != nil {
		return x, err
	}
	if outcome == survey.Done {
		cs.finished(cp, x)
	}
	cs.poke()
	return x, nil
}

// finished adds an interview to the quotas.
func (cs *campaigns) finished(cp Campaign, x Contact) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	own := cs.of(cp.ID)
	for _, q := range cp.Questionnaire.Quotas {
		if own.quotas != nil && survey.Fits(q, x.Answers) {
			own.quotas[q.Name]++
		}
	}
}

// full tells whether quotas have all the interviews that are wanted, as counted not long ago.
func (cs *campaigns) full(ctx context.Context, cp Campaign) func(survey.Quota) bool {
	if len(cp.Questionnaire.Quotas) == 0 {
		return nil
	}
	cs.mu.Lock()
	own := cs.of(cp.ID)
	old := cs.c.now().Sub(own.counted) > quotasFor
	cs.mu.Unlock()
	if old {
		counts, err := cs.countQuotas(ctx, cp)
		if err != nil {
			cs.c.log.Error("the quotas of a campaign cannot be counted", "campaign", cp.ID, "error", err)
		} else {
			cs.mu.Lock()
			own.quotas, own.counted = counts, cs.c.now()
			cs.mu.Unlock()
		}
	}
	return func(q survey.Quota) bool {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		return own.quotas[q.Name] >= q.Limit
	}
}

func (cs *campaigns) countQuotas(ctx context.Context, cp Campaign) (map[string]int, error) {
	counts := map[string]int{}
	f := ContactFilter{Campaign: cp.ID, Outcome: survey.Done, Limit: 1000}
	for {
		page, err := cs.c.store.Contacts(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, x := range page {
			for _, q := range cp.Questionnaire.Quotas {
				if survey.Fits(q, x.Answers) {
					counts[q.Name]++
				}
			}
		}
		if len(page) < f.Limit {
			return counts, nil
		}
		f.After = page[len(page)-1].ID
	}
}

// outcomeOfCall is what the end of a call that nobody picked up says.
func outcomeOfCall(code int) survey.Outcome {
	switch {
	case slices.Contains([]int{486, 600}, code):
		return survey.Busy
	case slices.Contains([]int{404, 410, 484, 604}, code), code >= 500 && code < 600, code == 0:
		return survey.Unreachable
	case code == 603:
		return survey.Refused
	}
	return survey.NoAnswer
}
