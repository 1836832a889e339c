package telephony

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hotline/telephony/ivr"
	"hotline/telephony/survey"
)

// CampaignMode says who asks.
type CampaignMode string

// The modes of a campaign.
const (
	// Automatic campaigns ask by voice, and citizens press their answers.
	Automatic CampaignMode = "automatic"
	// Progressive ones call, and give who picks up to a free operator.
	Progressive CampaignMode = "progressive"
	// Preview ones show an operator whom to call, and call when told so.
	Preview CampaignMode = "preview"
)

// CampaignState is how far a campaign is.
type CampaignState string

// The states of a campaign.
const (
	CampaignDraft   CampaignState = "draft"
	CampaignRunning CampaignState = "running"
	CampaignPaused  CampaignState = "paused"
	CampaignEnded   CampaignState = "ended"
)

// Campaign calls citizens on a list and asks them a questionnaire (12340).
type Campaign struct {
	ID            string               `json:"id"`
	Name          string               `json:"name"`
	Line          string               `json:"line"` // whose number citizens see
	Mode          CampaignMode         `json:"mode"`
	Queue         string               `json:"queue,omitempty"` // whose operators talk; of a progressive one
	Questionnaire survey.Questionnaire `json:"questionnaire"`
	Retry         survey.Retry         `json:"retry"`
	Hours         []string             `json:"hours,omitempty"`   // when citizens may be called, as a flow's hours are written; none: DefaultCallHours
	AtOnce        int                  `json:"at_once,omitempty"` // calls at a time, of an automatic one; 0 is 10
	Target        int                  `json:"target,omitempty"`  // finished interviews that are wanted; 0: all
	State         CampaignState        `json:"state"`
	By            string               `json:"by"` // user who made it
	CreatedAt     time.Time            `json:"created_at"`
	StartedAt     time.Time            `json:"started_at,omitzero"`
	EndedAt       time.Time            `json:"ended_at,omitzero"`
	Why           string               `json:"why,omitempty"` // of the end: user, target, list
}

// DefaultCallHours are when citizens may be called where a campaign does not say.
const DefaultCallHours = "daily 09:00-20:30"

// Bounds of campaigns.
const (
	maxAtOnce    = 200
	usualAtOnce  = 10
	maxHours     = 14
	maxCampaigns = 50 // that run
	// MaxContactsAtOnce bounds what is added to a list at a time.
	MaxContactsAtOnce = 20_000
)

// validate tells all that is wrong with a campaign.
func (c Campaign) validate(cfg Config) error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if c.Name == "" || len(c.Name) > 200 {
		fail("name: give 1 to 200 bytes")
	}
	switch c.Mode {
	case Automatic, Preview:
	case Progressive:
		if _, ok := cfg.queue(c.Queue); !ok {
			fail("queue %q: name the queue whose operators are to talk", c.Queue)
		}
	default:
		fail("mode %q: use %s, %s or %s", c.Mode, Automatic, Progressive, Preview)
	}
	if c.AtOnce < 0 || c.AtOnce > maxAtOnce {
		fail("at once: %d calls: give 1 to %d", c.AtOnce, maxAtOnce)
	}
	if c.Target < 0 || c.Retry.Calls < 0 || c.Retry.Calls > 20 || c.Retry.After < 0 || c.Retry.Busy < 0 {
		fail("target, calls and pauses: none may be negative, and a contact is called 20 times at most")
	}
	if len(c.Hours) > maxHours {
		fail("%d hours: give at most %d", len(c.Hours), maxHours)
	}
	for _, h := range c.Hours {
		if _, err := ivr.ParseWindow(h); err != nil {
			fail("hours: %v", err)
		}
	}
	if err := c.Questionnaire.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("%w: %w", ErrInvalid, err))
	}
	if c.Mode == Automatic {
		for _, q := range c.Questionnaire.Questions {
			if len(q.Say) == 0 {
				fail("question %q: an automatic campaign needs prompts to say", q.Name)
			}
		}
	}
	return errors.Join(errs...)
}

// open tells whether citizens may be called at a time, which is of the city's zone.
func (c Campaign) open(at time.Time, workday func(time.Time) bool) bool {
	hours := c.Hours
	if len(hours) == 0 {
		hours = []string{DefaultCallHours}
	}
	return slices.ContainsFunc(hours, func(text string) bool {
		w, err := ivr.ParseWindow(text) // it was valid when it was saved
		return err == nil && w.Includes(at, workday)
	})
}

// ContactState is how far a contact is.
type ContactState string

// The states of a contact.
const (
	ContactWaiting ContactState = "waiting" // to be called at NotUntil, or after it
	ContactTaken   ContactState = "taken"   // by Holder: it is being called, or an operator looks at it
	ContactOver    ContactState = "over"
)

// Contact is one citizen of a campaign's list.
type Contact struct {
	ID       string            `json:"id"`
	Campaign string            `json:"campaign"`
	Number   string            `json:"number"`          // national
	Name     string            `json:"name,omitempty"`  // what the list calls the citizen
	Facts    map[string]string `json:"facts,omitempty"` // what else the list says
	State    ContactState      `json:"state"`
	Holder   string            `json:"holder,omitempty"` // node, or user, that has taken it
	TakenAt  time.Time         `json:"taken_at,omitzero"`
	NotUntil time.Time         `json:"not_until,omitzero"`
	Outcome  survey.Outcome    `json:"outcome,omitempty"` // of the last call; at the end of the whole
	Calls    []ContactCall     `json:"calls,omitempty"`
	Answers  []survey.Answer   `json:"answers,omitempty"`
	User     string            `json:"user,omitempty"` // operator who asked
	EndedAt  time.Time         `json:"ended_at,omitzero"`
}

// release lets a contact that was taken wait again.
func (c *Contact) release() { c.State, c.Holder, c.TakenAt = ContactWaiting, "", time.Time{} }

// ContactCall is one call to a contact.
type ContactCall struct {
	CallID  string         `json:"call_id"`
	At      time.Time      `json:"at"`
	Outcome survey.Outcome `json:"outcome,omitempty"` // "": it was cut off, or goes on
}

// ContactFilter selects contacts of a campaign in the order of the list.
type ContactFilter struct {
	Campaign string
	State    ContactState   // any when empty
	Outcome  survey.Outcome // any when empty
	Limit    int            // 1…1,000; 0 is 100
	After    string         // id to go on after
}

// ContactCount is how many contacts are in a state with an outcome.
type ContactCount struct {
	State   ContactState   `json:"state"`
	Outcome survey.Outcome `json:"outcome"`
	Count   int            `json:"count"`
}

// NoCall is a number that no campaign calls.
type NoCall struct {
	Number string    `json:"number"`
	By     string    `json:"by"` // user, or NoCallAsked
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// NoCallAsked is who put a number on the list when the citizen did.
const NoCallAsked = "citizen"
