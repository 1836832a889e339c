package telephony

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hotline/telephony/survey"
)

// CreateCampaign makes a campaign that calls nobody yet. Errors: ErrInvalid, all that is wrong; ErrNotFound for a line that nothing leads through.
func (c *Center) CreateCampaign(ctx context.Context, cp Campaign, user string) (Campaign, error) {
	now := c.now().UTC().Truncate(time.Millisecond)
	cp.ID, cp.State, cp.By, cp.CreatedAt = newID(now), CampaignDraft, user, now
	cp.StartedAt, cp.EndedAt, cp.Why = time.Time{}, time.Time{}, ""
	if err := c.checkCampaign(cp); err != nil {
		return cp, err
	}
	return cp, c.store.SaveCampaign(ctx, cp)
}

// checkCampaign tells what is wrong with a campaign, and reads what it says.
func (c *Center) checkCampaign(cp Campaign) error {
	if err := cp.validate(c.cfg); err != nil {
		return err
	}
	if !c.answers(cp.Line) || !c.trunks.leads(cp.Line) {
		return fmt.Errorf("line %s is none of this centre, or no trunk carries it: %w", cp.Line, ErrNotFound)
	}
	return c.learnPrompts(cp)
}

// learnPrompts reads what a campaign says.
func (c *Center) learnPrompts(cp Campaign) error {
	var errs []error
	for _, name := range cp.Questionnaire.Prompts() {
		if err := c.sounds.learn(c.cfg, name); err != nil {
			errs = append(errs, fmt.Errorf("%w: prompt %q: %w", ErrInvalid, name, err))
		}
	}
	return errors.Join(errs...)
}

// ChangeCampaign replaces what a campaign asks and how it calls, while it does not run. Its list stays. Errors: ErrInvalid, ErrNotFound, ErrConflict.
func (c *Center) ChangeCampaign(ctx context.Context, cp Campaign) (Campaign, error) {
	was, err := c.store.Campaign(ctx, cp.ID)
	if err != nil {
		return was, err
	}
	if was.State == CampaignRunning || was.State == CampaignEnded {
		return was, fmt.Errorf("campaign %s is %s; only a draft or a paused one can be changed: %w", cp.ID, was.State, ErrConflict)
	}
	cp.State, cp.By, cp.CreatedAt, cp.StartedAt, cp.EndedAt, cp.Why = was.State, was.By, was.CreatedAt, was.StartedAt, time.Time{}, ""
	if err := c.checkCampaign(cp); err != nil {
		return was, err
	}
	return cp, c.store.SaveCampaign(ctx, cp)
}

// Campaign reads one. Errors: ErrNotFound.
func (c *Center) Campaign(ctx context.Context, id string) (Campaign, error) {
	return c.store.Campaign(ctx, id)
}

// Campaigns lists campaigns, newest first.
func (c *Center) Campaigns(ctx context.Context) ([]Campaign, error) {
	return c.store.Campaigns(ctx, "")
}

// SetCampaign starts, pauses or ends a campaign: calls that are on their way are made to their end. Errors: ErrNotFound; ErrConflict.
func (c *Center) SetCampaign(ctx context.Context, id string, state CampaignState) (Campaign, error) {
	cp, err := c.store.Campaign(ctx, id)
	if err != nil {
		return cp, err
	}
	from := map[CampaignState][]CampaignState{
		CampaignRunning: {CampaignDraft, CampaignPaused}, CampaignPaused: {CampaignRunning}, CampaignEnded: {CampaignDraft, CampaignPaused, CampaignRunning},
	}
	if !slices.Contains(from[state], cp.State) {
		return cp, fmt.Errorf("campaign %s is %s and cannot become %s: %w", id, cp.State, state, ErrConflict)
	}
	now := c.now().UTC().Truncate(time.Millisecond)
	switch state {
	case CampaignRunning:
		running, err := c.store.Campaigns(ctx, CampaignRunning)
		if err != nil {
			return cp, err
		}
		if len(running) >= maxCampaigns {
			return cp, fmt.Errorf("%d campaigns run already: %w", len(running), ErrConflict)
		}
		if cp.StartedAt.IsZero() {
			cp.StartedAt = now
		}
	case CampaignEnded:
		cp.EndedAt, cp.Why = now, "user"
	}
	cp.State = state
	if err := c.store.SaveCampaign(ctx, cp); err != nil {
		return cp, err
	}
	c.campaigns.poke()
	return cp, nil
}

// ListedContact is a line of a list of contacts.
type ListedContact struct {
	Number string
	Name   string
	Facts  map[string]string
}

// AddContacts puts citizens on a campaign's list. A number that is on it already, or is not to be called, is left out; it tells how many were added and which
// lines, from 1, have no number that can be called. Errors: ErrNotFound, ErrConflict, ErrInvalid.
func (c *Center) AddContacts(ctx context.Context, campaign string, list []ListedContact) (added int, bad []int, err error) {
	cp, err := c.store.Campaign(ctx, campaign)
	if err != nil {
		return 0, nil, err
	}
	if cp.State == CampaignEnded {
		return 0, nil, fmt.Errorf("campaign %s has ended: %w", campaign, ErrConflict)
	}
	if len(list) > MaxContactsAtOnce {
		return 0, nil, fmt.Errorf("%w: %d contacts: give at most %d at a time", ErrInvalid, len(list), MaxContactsAtOnce)
	}
	batch := newID(c.now())
	contacts := make([]Contact, 0, len(list))
	numbers := make([]string, 0, len(list))
	for i, l := range list {
		n := national(l.Number)
		if known(n) == "" || len(n) < 3 || len(l.Name) > 200 || len(l.Facts) > 50 {
			bad = append(bad, i+1)
			continue
		}
		contacts = append(contacts, Contact{ID: fmt.Sprintf("%s-%05d", batch, i), Campaign: campaign, Number: n, Name: l.Name, Facts: l.Facts, State: ContactWaiting})
		numbers = append(numbers, n)
	}
	forbidden, err := c.store.Forbidden(ctx, numbers)
	if err != nil {
		return 0, bad, err
	}
	contacts = slices.DeleteFunc(contacts, func(x Contact) bool { return forbidden[x.Number] })
	if added, err = c.store.AddContacts(ctx, contacts); err != nil {
		return 0, bad, err
	}
	c.campaigns.poke()
	return added, bad, nil
}

// Contacts lists contacts in the order of the list.
func (c *Center) Contacts(ctx context.Context, f ContactFilter) ([]Contact, error) {
	return c.store.Contacts(ctx, f)
}

// Contact reads one. Errors: ErrNotFound.
func (c *Center) Contact(ctx context.Context, id string) (Contact, error) {
	return c.store.Contact(ctx, id)
}

// CountContacts counts a campaign's contacts by state and outcome.
func (c *Center) CountContacts(ctx context.Context, campaign string) ([]ContactCount, error) {
	return c.store.CountContacts(ctx, campaign)
}

// ForbidCalls puts a number on the list of those that no campaign calls.
func (c *Center) ForbidCalls(ctx context.Context, number, reason, user string) (NoCall, error) {
	n := NoCall{Number: national(number), By: user, Reason: reason, At: c.now().UTC().Truncate(time.Millisecond)}
	if known(n.Number) == "" {
		return n, fmt.Errorf("%w: give a telephone number", ErrInvalid)
	}
	return n, c.store.ForbidCalls(ctx, n)
}

// AllowCalls takes a number off that list. Errors: ErrNotFound.
func (c *Center) AllowCalls(ctx context.Context, number string) error {
	return c.store.AllowCalls(ctx, national(number))
}

// NoCalls lists such numbers, in their order, after one.
func (c *Center) NoCalls(ctx context.Context, after string, limit int) ([]NoCall, error) {
	return c.store.NoCalls(ctx, after, limit)
}

// holderOf is how an operator holds a contact.
func holderOf(user string) string { return "user:" + user }

// TakeContact gives an operator the next citizen of a preview campaign to look at; the one that the operator holds stays his until he has said what became
// of it. Errors: ErrNotFound when there is none now; ErrConflict when the campaign does not run, or citizens may not be called now.
func (c *Center) TakeContact(ctx context.Context, campaign, user string) (Contact, error) {
	cp, err := c.previewed(ctx, campaign)
	if err != nil {
		return Contact{}, err
	}
	held, err := c.store.Contacts(ctx, ContactFilter{Campaign: campaign, State: ContactTaken, Limit: 1000})
	if err != nil {
		return Contact{}, err
	}
	for _, x := range held {
		if x.Holder == holderOf(user) {
			return x, nil
		}
	}
	for {
		taken, err := c.store.TakeContacts(ctx, cp.ID, holderOf(user), c.now(), 1)
		if err != nil {
			return Contact{}, err
		}
		if len(taken) == 0 {
			return Contact{}, fmt.Errorf("campaign %s has nobody to call now: %w", campaign, ErrNotFound)
		}
		forbidden, err := c.store.Forbidden(ctx, []string{taken[0].Number})
		if err != nil || !forbidden[taken[0].Number] {
			return taken[0], err
		}
		if err := c.campaigns.over(ctx, taken[0], survey.NotAgain); err != nil {
			return Contact{}, err
		}
	}
}

func (c *Center) previewed(ctx context.Context, campaign string) (Campaign, error) {
	cp, err := c.store.Campaign(ctx, campaign)
	switch {
	case err != nil:
		return cp, err
	case cp.Mode != Preview:
		return cp, fmt.Errorf("campaign %s calls by itself: %w", campaign, ErrConflict)
	case cp.State != CampaignRunning:
		return cp, fmt.Errorf("campaign %s is %s: %w", campaign, cp.State, ErrConflict)
	case !c.mayCall(cp):
		return cp, fmt.Errorf("citizens of campaign %s may not be called at this hour: %w", campaign, ErrConflict)
	}
	return cp, nil
}

func (c *Center) mayCall(cp Campaign) bool { return cp.open(c.now().In(c.cfg.Zone), c.cfg.Workday) }

// held is a contact that an operator holds.
func (c *Center) held(ctx context.Context, contact, user string) (Contact, Campaign, error) {
	x, err := c.store.Contact(ctx, contact)
	if err != nil {
		return x, Campaign{}, err
	}
	if x.State != ContactTaken || x.Holder != holderOf(user) {
		return x, Campaign{}, fmt.Errorf("contact %s is not %s's: %w", contact, user, ErrConflict)
	}
	cp, err := c.store.Campaign(ctx, x.Campaign)
	return x, cp, err
}

// CallContact has the citizen called whom an operator holds: the operator's phone rings first. Errors: ErrNotFound, ErrConflict, as Dial.
func (c *Center) CallContact(ctx context.Context, contact, user, seat string) (callID string, err error) {
	x, cp, err := c.held(ctx, contact, user)
	if err != nil {
		return "", err
	}
	if _, err := c.previewed(ctx, cp.ID); err != nil {
		return "", err
	}
	return c.dial(user, seat, x.Number, func(id string) error {
		x.Calls = append(x.Calls, ContactCall{CallID: id, At: c.now().UTC().Truncate(time.Millisecond)})
		return c.store.SaveContact(ctx, x)
	})
}

// AnswerContact is what an operator says has become of a contact: the answers so far, and the outcome. Where the questionnaire is answered to its end, or a quota is
// full, the outcome is that. Errors: ErrInvalid; ErrNotFound; ErrConflict where it is not the operator's.
func (c *Center) AnswerContact(ctx context.Context, contact, user string, answers []survey.Answer, outcome survey.Outcome) (Contact, error) {
	x, cp, err := c.held(ctx, contact, user)
	if err != nil {
		if x, cp, err = c.talkedTo(ctx, contact, user, err); err != nil {
			return x, err
		}
	}
	in, err := survey.Resume(cp.Questionnaire, c.campaigns.full(ctx, cp), answers)
	if err != nil {
		return x, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	switch _, more := in.Next(); {
	case in.Over() != "":
		outcome = survey.QuotaFull
	case !more:
		outcome = survey.Done
	case !slices.Contains([]survey.Outcome{survey.Partial, survey.Refused, survey.NotAgain, survey.NoAnswer, survey.Busy, survey.Unreachable}, outcome):
		return x, fmt.Errorf("%w: questions are left; say the outcome: partial, refused, not_again, no_answer, busy or unreachable", ErrInvalid)
	}
	x.User, x.Answers = user, answers
	return c.campaigns.settle(ctx, cp, x, outcome)
}

// talkedTo is a contact of a progressive campaign with whom an operator talks, or has: nobody else says what was answered.
func (c *Center) talkedTo(ctx context.Context, contact, user string, otherwise error) (Contact, Campaign, error) {
	x, err := c.store.Contact(ctx, contact)
	if err != nil || len(x.Calls) == 0 {
		return x, Campaign{}, otherwise
	}
	cp, err := c.store.Campaign(ctx, x.Campaign)
	if err != nil || cp.Mode != Progressive {
		return x, cp, otherwise
	}
	cdr, err := c.Call(ctx, x.Calls[len(x.Calls)-1].CallID)
	if err != nil || cdr.User != user {
		return x, cp, otherwise
	}
	return x, cp, nil
}
