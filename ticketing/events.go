package ticketing

import (
	"encoding/json"
	"time"
)

// Types of events. Their data is EventData.
const (
	EventCreated      = "created"
	EventFiled        = "filed"
	EventEdited       = "edited"
	EventNoted        = "noted"
	EventCallLinked   = "call_linked"
	EventCallAnswered = "call_answered" // an operator took the call; the draft is his
	EventAccepted     = "accepted"
	EventAnswered     = "answered_directly"
	EventReferred     = "referred"

	EventDispatched     = "dispatched"
	EventDispatchUndone = "dispatch_undone"
	EventDispatchedDown = "dispatched_down"
	EventToDesk         = "to_desk"
	EventSigned         = "signed"
	EventAssigned       = "assigned"
	EventContacted      = "contacted"
	EventResolved       = "resolved"

	EventReturnRequested     = "return_requested"
	EventReturned            = "returned"
	EventReturnedUp          = "returned_up" // to the department that gave it on
	EventReturnRefused       = "return_refused"
	EventExtensionRequested  = "extension_requested"
	EventExtended            = "extended"
	EventExtensionRefused    = "extension_refused"
	EventSuspensionRequested = "suspension_requested"
	EventSuspended           = "suspended"
	EventSuspensionRefused   = "suspension_refused"
	EventResumed             = "resumed"
	EventCoHandlingRequested = "co_handling_requested"
	EventCoHandled           = "co_handled"
	EventCoHandlingRefused   = "co_handling_refused"
	EventShareSigned         = "share_signed"
	EventShareAnswered       = "share_answered"
	EventShareEnded          = "share_ended"
	EventRequestWithdrawn    = "request_withdrawn"

	EventUrged            = "urged"
	EventUrgeAnswered     = "urge_answered"
	EventSupervised       = "supervised"
	EventSupervisionEnded = "supervision_ended"
	EventEscalated        = "escalated"
	EventDisputeOpened    = "dispute_opened"
	EventCaseStated       = "case_stated"
	EventRuled            = "ruled"

	EventMerged         = "merged"
	EventJoined         = "joined" // another ticket was merged into this one
	EventUnmerged       = "unmerged"
	EventParted         = "parted" // a ticket left this one again
	EventMergedAnswered = "merged_answered"
	EventSplit          = "split"
	EventSplitOff       = "split_off" // the ticket came out of another
	EventLinked         = "linked"
	EventUnlinked       = "unlinked"

	EventReviewEndorsed = "review_endorsed" // a head approved; another review follows
	EventReviewApproved = "review_approved"
	EventReviewRejected = "review_rejected"
	EventFollowUpMissed = "follow_up_missed"
	EventFollowedUp     = "followed_up"
	EventReopened       = "reopened"
	EventRated          = "rated"
	EventRectified      = "rectified"

	EventAppealed            = "appealed"
	EventAppealUpheld        = "appeal_upheld"
	EventAppealDismissed     = "appeal_dismissed"
	EventArchived            = "archived"
	EventWithdrawalRequested = "withdrawal_requested"
	EventWithdrawalRefused   = "withdrawal_refused"
	EventCancelled           = "cancelled"

	EventDeadline     = "deadline"     // a clock reached a level
	EventRecalculated = "recalculated" // clocks moved: policy or calendar changed
	EventAttached     = "attached"
	EventDetached     = "detached"
	EventHeld         = "held"          // kept from being erased
	EventReleased     = "released"      // the hold ended
	EventPersonErased = "person_erased" // name and numbers were taken out
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

	Record          string     `json:"record,omitempty"` // id of the record that it is about
	Days            int        `json:"days,omitempty"`   // working days
	Until           time.Time  `json:"until,omitzero"`
	Since           time.Time  `json:"since,omitzero"` // when it really was, where that is not the event's time
	DepartmentLevel int        `json:"department_level,omitempty"`
	Designated      bool       `json:"designated,omitempty"`
	Handler         string     `json:"handler,omitempty"` // user id
	Departments     []string   `json:"departments,omitempty"`
	Proposed        string     `json:"proposed,omitempty"`
	Basis           string     `json:"basis,omitempty"`
	Other           string     `json:"other,omitempty"` // number of another ticket
	Relation        string     `json:"relation,omitempty"`
	Item            string     `json:"item,omitempty"`
	Referred        string     `json:"referred,omitempty"`
	Factual         *bool      `json:"factual,omitempty"`
	ByCall          *bool      `json:"by_call,omitempty"` // a call proves the contact
	FromType        AppealType `json:"from_type,omitempty"`
	ToType          AppealType `json:"to_type,omitempty"`
	Rectify         bool       `json:"rectify,omitempty"` // a rectification was opened
	Attachment      string     `json:"attachment,omitempty"`
	Name            string     `json:"name,omitempty"`
	Audience        string     `json:"audience,omitempty"`
	Amend           bool       `json:"amend,omitempty"` // the ruling holds for later tickets too
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
	LiveHotspotRaised = "hotspot.raised"
	LiveTopicGrew     = "topic.grew"
	LiveSearchFound   = "search.found"
)

// liveFor addresses one live event to staff and, when the ticket is with a
// department, another to that department. Whoever sees the department's
// tickets, its superiors included, listens to its audience.
func liveFor(typ string, t Ticket, at time.Time) []LiveEvent {
	events := []LiveEvent{{Type: typ, Subject: t.ID, Version: t.Version, Audience: sealedAudience(t.Partition, AudienceStaff), At: at}}
	if t.Department != "" {
		events = append(events, LiveEvent{Type: typ, Subject: t.ID, Version: t.Version, Audience: sealedAudience(t.Partition, "department:"+t.Department), At: at})
	}
	return events
}

// AudienceStaff reaches every user of the centre.
const AudienceStaff = "staff"
