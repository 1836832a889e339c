package ticketing

import (
	"encoding/json"
	"time"
)

// Types of events. Their data is EventData.
const (
	EventCreated        = "created"
	EventFiled          = "filed"
	EventEdited         = "edited"
	EventCallLinked     = "call_linked"
	EventCallAnswered   = "call_answered" // an operator took the call; the draft is his
	EventAccepted       = "accepted"
	EventAnswered       = "answered_directly"
	EventDispatched     = "dispatched"
	EventToDesk         = "to_desk"
	EventSigned         = "signed"
	EventContacted      = "contacted"
	EventResolved       = "resolved"
	EventReviewApproved = "review_approved"
	EventReviewRejected = "review_rejected"
	EventFollowedUp     = "followed_up"
	EventCancelled      = "cancelled"
	EventDeadline       = "deadline"     // a clock reached a level
	EventRecalculated   = "recalculated" // clocks moved: policy or calendar changed
)

// Facts are what limits depend on; an event that sets or changes them carries
// them, so that clocks can be derived from events alone.
type Facts struct {
	Type     AppealType `json:"type"`
	Category []string   `json:"category,omitempty"` // leaf first, then its ancestors
	Urgency  Urgency    `json:"urgency"`
	Line     string     `json:"line,omitempty"`
	City     int64      `json:"city,omitempty"` // version of the reference data in force
}

// EventData is the data of an Event; fields that do not apply are left out.
// It never carries a citizen's name or phone.
type EventData struct {
	From       State     `json:"from,omitempty"`
	To         State     `json:"to,omitempty"`
	Number     string    `json:"number,omitempty"`
	Channel    Channel   `json:"channel,omitempty"`
	Department string    `json:"department,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Answer     string    `json:"answer,omitempty"`
	Note       string    `json:"note,omitempty"`
	CallID     string    `json:"call_id,omitempty"`
	Operator   string    `json:"operator,omitempty"` // user id
	Fields     []string  `json:"fields,omitempty"`   // names of the fields that were edited
	Clock      ClockName `json:"clock,omitempty"`
	Level      Level     `json:"level,omitempty"`
	DueAt      time.Time `json:"due_at,omitzero"`
	Contacted  *bool     `json:"contacted,omitempty"`
	Solved     *bool     `json:"solved,omitempty"`
	Rating     int       `json:"rating,omitempty"` // 1 very dissatisfied … 5 very satisfied
	Facts      *Facts    `json:"facts,omitempty"`
}

// Decode reads an event's data; the zero EventData when it has none.
func (e Event) Decode() EventData {
	var d EventData
	if len(e.Data) > 0 {
		// Events are written by this package alone: what does not parse is
		// not ours, and has nothing to say about a clock.
		_ = json.Unmarshal(e.Data, &d)
	}
	return d
}

func newEvent(t Ticket, typ, actor string, at time.Time, d EventData) Event {
	raw, err := json.Marshal(d)
	if err != nil { // strings, times and bools alone: cannot fail
		raw = []byte("{}")
	}
	return Event{TicketID: t.ID, Version: t.Version, Type: typ, At: at, Actor: actor, Data: raw}
}

// Types of live events.
const (
	LiveTicketCreated = "ticket.created"
	LiveTicketChanged = "ticket.changed"
	LiveCallOffered   = "call.offered"
	LiveCityChanged   = "city.changed"
	LiveNotified      = "notification.created"
)

// liveFor addresses one live event to staff and, when the ticket is with a
// department, another to that department. Whoever sees the department's
// tickets, its superiors included, listens to its audience.
func liveFor(typ string, t Ticket, at time.Time) []LiveEvent {
	events := []LiveEvent{{Type: typ, Subject: t.ID, Version: t.Version, Audience: AudienceStaff, At: at}}
	if t.Department != "" {
		events = append(events, LiveEvent{Type: typ, Subject: t.ID, Version: t.Version, Audience: "department:" + t.Department, At: at})
	}
	return events
}

// AudienceStaff reaches every user of the centre.
const AudienceStaff = "staff"
