package telephony

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Types of events. What each carries in Data is a part of EventData.
const (
	EvStarted    = "started"     // Call: direction, numbers, line, queue
	EvAnswered   = "answered"    // the centre answered the caller
	EvPrompt     = "prompt"      // welcome began
	EvStep       = "step"        // of the line's flow: Step
	EvDigit      = "digit"       // Digit
	EvQueued     = "queued"      // Queue
	EvMoved      = "moved"       // to Queue; Reason
	EvDiverted   = "diverted"    // to the number Called; Reason
	EvOffered    = "offered"     // to Seat, User; Attempt, Reason
	EvRinging    = "ringing"     // Seat's phone rings; Attempt
	EvSeat       = "seat"        // Seat answered; Attempt
	EvOfferEnded = "offer_ended" // Seat; Attempt, Outcome
	EvTried      = "tried"       // Trunk, Gateway; Attempt
	EvTriedEnded = "tried_ended" // Trunk, Gateway; Attempt, Code, Outcome, MovedTo
	EvBridged    = "bridged"     // both can talk
	EvTalkEnded  = "talk_ended"  // Seat has gone, the citizen is asked for a rating
	EvRated      = "rated"       // Rating
	EvHeld       = "held"
	EvResumed    = "resumed"
	EvLegs       = "legs" // Legs

	EvPartyCalled  = "party_called"  // User had Called called, to be added; PartyID
	EvPartyRinging = "party_ringing" // PartyID
	EvPartyJoined  = "party_joined"  // PartyID talks with the others
	EvPartyLeft    = "party_left"    // PartyID, dropped by User; Cause, Code
	EvSupervised   = "supervised"    // PartyID, by User; Supervision

	EvRecordingPaused  = "recording_paused"  // by User
	EvRecordingResumed = "recording_resumed" // by User

	EvInterviewed = "interviewed" // Step: the question that was answered

	EvRecording = "recorded" // Recording
	EvEnded     = "ended"    // By, Cause, Code

	EvPresence = "presence"   // Seat, User; Presence, Reason, Lead
	EvSkills   = "skills"     // User; Skills, Lead
	EvDevice   = "device"     // Seat; Registered
	EvState    = "seat_state" // Seat; State, Reason
)

// EventData is what events carry, as JSON; each type fills its part.
type EventData struct {
	Direction    Direction     `json:"direction,omitempty"`
	SIPCallID    string        `json:"sip_call_id,omitempty"`
	Node         string        `json:"node,omitempty"`
	Source       string        `json:"source,omitempty"`
	Caller       string        `json:"caller,omitempty"`
	CallerName   string        `json:"caller_name,omitempty"`
	Private      bool          `json:"private,omitempty"`
	Trunk        string        `json:"trunk,omitempty"`
	Gateway      string        `json:"gateway,omitempty"`
	Called       string        `json:"called,omitempty"`
	Line         string        `json:"line,omitempty"`
	Queue        string        `json:"queue,omitempty"`
	Step         string        `json:"step,omitempty"`
	Digit        string        `json:"digit,omitempty"`
	Attempt      int           `json:"attempt,omitempty"`
	Reason       string        `json:"reason,omitempty"`
	Outcome      string        `json:"outcome,omitempty"`
	MovedTo      string        `json:"moved_to,omitempty"`
	By           Party         `json:"by,omitempty"`
	Cause        string        `json:"cause,omitempty"`
	Code         int           `json:"code,omitempty"`
	Legs         []LegInfo     `json:"legs,omitempty"`
	Recording    *Recording    `json:"recording,omitempty"`
	Presence     Presence      `json:"presence,omitempty"`
	Registered   bool          `json:"registered,omitempty"`
	State        string        `json:"state,omitempty"`
	PartyID      string        `json:"party_id,omitempty"`
	Transfer     *Transfer     `json:"transfer,omitempty"`
	Supervision  Supervision   `json:"supervision,omitempty"`
	Rating       int           `json:"rating,omitempty"`
	Block        *Block        `json:"block,omitempty"`
	From         time.Time     `json:"from,omitzero"`
	To           time.Time     `json:"to,omitzero"`
	Count        int           `json:"count,omitempty"`
	Announcement *Announcement `json:"announcement,omitempty"`
	Callback     *Callback     `json:"callback,omitempty"`
	CallbackID   string        `json:"callback_id,omitempty"` // of a try to call a citizen back
	Campaign     string        `json:"campaign,omitempty"`    // that a call is of
	Contact      string        `json:"contact,omitempty"`     // of the campaign, that is called
	Lead         string        `json:"lead,omitempty"`        // user who did it to another
	Skills       Skills        `json:"skills,omitempty"`
}

// Outcomes of an offer.
const (
	OutcomeAnswered    = "answered"
	OutcomeNoAnswer    = "no_answer"
	OutcomeRejected    = "rejected"
	OutcomeUnreachable = "unreachable"
	OutcomeFailed      = "failed"             // a gateway could not do it
	OutcomeElsewhere   = "answered_elsewhere" // by another seat that rang at once
	OutcomeWithdrawn   = "withdrawn"          // the caller left, or the seat did
)

// NewCDR is an empty record.
func NewCDR(id string) CDR { return CDR{ID: id, Offers: []Offered{}, Legs: []LegInfo{}} }

// Fold makes a call's record out of its events in order.
func Fold(id string, events []Event) (CDR, error) {
	c := NewCDR(id)
	for _, e := range events {
		if err := c.Apply(e); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Apply brings the record up to date with one more event.
func (c *CDR) Apply(e Event) error {
	var d EventData
	if len(e.Data) > 0 {
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return fmt.Errorf("event %s of call %s: %w", e.Type, c.ID, err)
		}
	}
	c.apply(e, d)
	return nil
}

func (c *CDR) apply(e Event, d EventData) {
	switch e.Type {
	case EvStarted:
		c.StartedAt, c.Direction, c.SIPCallID, c.Source = e.At, d.Direction, d.SIPCallID, d.Source
		c.Caller, c.Called, c.Line, c.Seat, c.User = d.Caller, d.Called, d.Line, e.Seat, e.User
		c.Node, c.Campaign, c.Contact = d.Node, d.Campaign, d.Contact
		c.CallerName, c.Private, c.Trunk, c.Callback = d.CallerName, d.Private, d.Trunk, d.CallbackID
	case EvAnswered:
		c.AnsweredAt = e.At
	case EvPrompt:
		c.PromptAt = e.At
	case EvDigit:
		c.DigitAt, c.Digit = e.At, d.Digit
	case EvQueued:
		c.QueuedAt, c.Queue = e.At, d.Queue
	case EvMoved:
		c.Queue = d.Queue
	case EvOffered:
		c.Offers = append(c.Offers, Offered{Seat: e.Seat, User: e.User, Attempt: d.Attempt, Reason: d.Reason, OfferedAt: e.At})
	case EvRinging:
		if o := c.offer(e.Seat, d.Attempt); o != nil && o.RingingAt.IsZero() {
			o.RingingAt = e.At
		} else if o == nil {
			c.RingingAt = e.At
		}
	case EvSeat:
		c.SeatAt, c.Seat, c.User = e.At, e.Seat, e.User
		if o := c.offer(e.Seat, d.Attempt); o != nil {
			o.AnsweredAt, o.Outcome = e.At, OutcomeAnswered
			c.RingingAt = o.RingingAt
		}
	case EvOfferEnded:
		if o := c.offer(e.Seat, d.Attempt); o != nil && o.EndedAt.IsZero() {
			o.EndedAt = e.At
			if o.Outcome == "" {
				o.Outcome = d.Outcome
			}
		}
	case EvTried, EvTriedEnded:
		c.applyTried(e, d)
	case EvBridged, EvHeld, EvResumed, EvRecordingPaused, EvRecordingResumed, EvTalkEnded, EvRated:
		c.applyTalk(e, d)
	case EvPartyCalled, EvPartyRinging, EvPartyJoined, EvPartyLeft, EvSupervised:
		c.applyParty(e, d)
	case EvLegs:
		c.Legs = d.Legs
	case EvRecording:
		if d.Recording != nil {
			c.Recording = *d.Recording
		}
	case EvMuted, EvUnmuted:
		c.applyMute(e)
	case EvMessage, EvMessageEnded:
		c.applyMessage(e)
	case EvSeatLost, EvSeatBack:
		c.applyLoss(e, d)
	case EvTransfer, EvTransferEnded:
		c.noted(e, d)
	case EvEnded:
		endLast(c.Holds, e.At)
		c.endPause(e.At, "")
		c.endParties(e.At)
		c.endTransfers(e.At)
		c.endLoss(e.At, false)
		c.endMessage(e.At)
		endLast(c.Mutes, e.At)
		c.EndedAt, c.EndedBy, c.EndedUser, c.Cause, c.Code = e.At, d.By, e.User, d.Cause, d.Code
		c.Missed = c.Direction == Inbound && c.SeatAt.IsZero() && c.BridgedAt.IsZero() && d.Cause != CauseBlocked
	}
}

// applyTalk is what happens from both sides being there on.
func (c *CDR) applyTalk(e Event, d EventData) {
	switch e.Type {
	case EvBridged:
		c.BridgedAt = e.At
	case EvHeld:
		c.Holds = append(c.Holds, Span{From: e.At})
	case EvResumed:
		endLast(c.Holds, e.At)
	case EvRecordingPaused:
		if !c.paused() {
			c.Pauses = append(c.Pauses, Pause{From: e.At, By: e.User})
		}
	case EvRecordingResumed:
		c.endPause(e.At, e.User)
	case EvTalkEnded:
		endLast(c.Holds, e.At)
		c.endPause(e.At, "")
		c.TalkEndedAt = e.At
	case EvRated:
		c.Rating = d.Rating
	}
}

// offer is one offer to a seat; attempt 0 is its newest. A seat may be offered
// the same call again before the end of the first offer is noted.
func (c *CDR) offer(seat string, attempt int) *Offered {
	for i := len(c.Offers) - 1; i >= 0; i-- {
		if c.Offers[i].Seat == seat && (attempt == 0 || c.Offers[i].Attempt == attempt) {
			return &c.Offers[i]
		}
	}
	return nil
}

// endLast ends the last of some spans, if it goes on.
func endLast(spans []Span, at time.Time) {
	if n := len(spans); n > 0 && spans[n-1].To.IsZero() {
		spans[n-1].To = at
	}
}

func (c *CDR) applyParty(e Event, d EventData) {
	if e.Type == EvPartyCalled {
		c.Parties = append(c.Parties, Added{ID: d.PartyID, Number: d.Called, Seat: e.Seat, User: e.User, Supervision: d.Supervision, CalledAt: e.At})
		return
	}
	for i := range c.Parties {
		p := &c.Parties[i]
		if p.ID != d.PartyID {
			continue
		}
		switch e.Type {
		case EvPartyRinging:
			p.RingingAt = e.At
		case EvPartyJoined:
			p.JoinedAt = e.At
		case EvSupervised:
			p.Supervision = d.Supervision
		case EvPartyLeft:
			p.LeftAt, p.DroppedBy, p.Cause, p.Code = e.At, e.User, d.Cause, d.Code
		}
	}
}

// endParties is for parties whose leaving was not noted, as when the process died.
func (c *CDR) endParties(at time.Time) {
	for i := range c.Parties {
		if c.Parties[i].LeftAt.IsZero() {
			c.Parties[i].LeftAt = at
		}
	}
}

// missed is the missed-call record of a call that has ended, or nil. A citizen whose seat was lost has to be called back, too.
func (c CDR) missed() *MissedCall {
	lost := c.Direction == Inbound && c.Cause == CauseSeatLost
	if !c.Missed && !lost {
		return nil
	}
	return &MissedCall{
		CallID: c.ID, Caller: c.Caller, Line: c.Line, Queue: c.Queue, Digit: c.Digit,
		StartedAt: c.StartedAt, EndedAt: c.EndedAt, Waited: c.Wait(), Offers: len(c.Offers), Cause: c.Cause,
	}
}

// clone copies the record with its lists.
func (c CDR) clone() CDR {
	c.Offers = append([]Offered{}, c.Offers...)
	c.Legs = append([]LegInfo{}, c.Legs...)
	if c.Parties != nil {
		c.Parties = append([]Added(nil), c.Parties...)
	}
	if c.Transfers != nil {
		c.Transfers = append([]Transfer(nil), c.Transfers...)
	}
	c.Tried = slices.Clone(c.Tried)
	c.Pauses = slices.Clone(c.Pauses)
	c.Losses = slices.Clone(c.Losses)
	c.Mutes = slices.Clone(c.Mutes)
	if c.Holds != nil {
		c.Holds = append([]Span(nil), c.Holds...)
	}
	return c
}
