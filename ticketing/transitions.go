package ticketing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Action is something a person or the platform does to a ticket.
type Action string

// The actions, by the field's terms.
const (
	ActEdit          Action = "edit"            // 修改
	ActAccept        Action = "accept"          // 受理
	ActAnswer        Action = "answer_directly" // 直接答复
	ActDispatch      Action = "dispatch"        // 派单
	ActSign          Action = "sign"            // 签收
	ActContact       Action = "contact"         // 联系诉求人
	ActResolve       Action = "resolve"         // 办结
	ActApproveReview Action = "approve_review"  // 办结审核通过
	ActRejectReview  Action = "reject_review"   // 办结审核退回
	ActFollowUp      Action = "follow_up"       // 回访
	ActCancel        Action = "cancel"          // 撤单
)

// Reason says, in Chinese and English, why something is not open.
type Reason struct{ Zh, En string }

// Transition is one legal move: from a state, by an action, by some roles,
// when the guard has no objection, to a state, told by an event.
type Transition struct {
	From   State
	Action Action
	Roles  []Role
	Guard  Guard // zero: no further condition
	To     State
	Event  string
}

// Guard is a condition of a move beyond state and role. Check answers nil when it holds.
type Guard struct {
	Name  string // for the table in the docs
	Check func(Actor, Ticket) *Reason
}

func guardOwnDepartment() Guard {
	return Guard{
		Name: "the ticket is with the actor's department",
		Check: func(a Actor, t Ticket) *Reason {
			if a.Department != "" && a.Department == t.Department {
				return nil
			}
			return &Reason{Zh: "工单不在您的单位", En: "the ticket is not with your department"}
		},
	}
}

func guardOwnOrCentre() Guard {
	return Guard{
		Name: "a head acts on the own department's tickets",
		Check: func(a Actor, t Ticket) *Reason {
			if a.Department == "" || a.Department == t.Department {
				return nil
			}
			return &Reason{Zh: "工单不在您的单位", En: "the ticket is not with your department"}
		},
	}
}

func guardComplete() Guard {
	return Guard{
		Name: "type, title and category are filled in",
		Check: func(_ Actor, t Ticket) *Reason {
			switch {
			case !t.Appeal.Type.Valid():
				return &Reason{Zh: "请先选择诉求类型", En: "choose the type of appeal first"}
			case strings.TrimSpace(t.Appeal.Title) == "":
				return &Reason{Zh: "请先填写标题", En: "fill in the title first"}
			case t.Appeal.Category == "":
				return &Reason{Zh: "请先选择诉求分类", En: "choose the category first"}
			}
			return nil
		},
	}
}

// Transitions is the table of every legal move. Nothing else changes a state.
func Transitions() []Transition {
	desk := []Role{RoleAgent, RoleLead}
	review := []Role{RoleHead, RoleLead, RoleQC}
	unit := []Role{RoleClerk, RoleHead}
	return []Transition{
		{From: Draft, Action: ActEdit, Roles: desk, To: Draft, Event: EventEdited},
		{From: Draft, Action: ActAccept, Roles: desk, Guard: guardComplete(), To: Accepted, Event: EventAccepted},
		{From: Draft, Action: ActAnswer, Roles: desk, Guard: guardComplete(), To: Closed, Event: EventAnswered},
		{From: Draft, Action: ActCancel, Roles: []Role{RoleAgent, RoleLead, RoleSystem}, To: Cancelled, Event: EventCancelled},
		{From: Accepted, Action: ActEdit, Roles: []Role{RoleAgent, RoleLead, RoleDispatcher}, Guard: guardComplete(), To: Accepted, Event: EventEdited},
		{From: Accepted, Action: ActDispatch, Roles: []Role{RoleDispatcher, RoleLead, RoleSystem}, To: Dispatched, Event: EventDispatched},
		{From: Accepted, Action: ActCancel, Roles: []Role{RoleLead, RoleDispatcher}, To: Cancelled, Event: EventCancelled},
		{From: Dispatched, Action: ActSign, Roles: unit, Guard: guardOwnDepartment(), To: InProgress, Event: EventSigned},
		{From: InProgress, Action: ActContact, Roles: unit, Guard: guardOwnDepartment(), To: InProgress, Event: EventContacted},
		{From: InProgress, Action: ActResolve, Roles: unit, Guard: guardOwnDepartment(), To: InReview, Event: EventResolved},
		{From: InReview, Action: ActApproveReview, Roles: review, Guard: guardOwnOrCentre(), To: FollowUp, Event: EventReviewApproved},
		{From: InReview, Action: ActRejectReview, Roles: review, Guard: guardOwnOrCentre(), To: InProgress, Event: EventReviewRejected},
		{From: FollowUp, Action: ActFollowUp, Roles: []Role{RoleFollowUp, RoleLead}, To: Closed, Event: EventFollowedUp},
	}
}

// Command asks for an action. Fields is the JSON object of the action's own fields.
type Command struct {
	Action      Action
	Version     int64 // version the actor saw; 0 acts on the newest
	Fields      json.RawMessage
	Idempotency string // the client's key; empty for none
}

// ActionState is one action as offered to an actor. Reasons are empty when enabled.
type ActionState struct {
	Name     Action
	Enabled  bool
	ReasonZh string
	ReasonEn string
}

// Actions offers the actions that the actor's roles ever allow, in the order of
// the table, each enabled or with the reason why it is not.
func Actions(a Actor, t Ticket) []ActionState {
	var states []ActionState
	for _, row := range Transitions() {
		if !a.hasAny(row.Roles) || slices.ContainsFunc(states, func(s ActionState) bool { return s.Name == row.Action }) {
			continue
		}
		s := ActionState{Name: row.Action, Enabled: true}
		if _, err := find(a, t, row.Action); err != nil {
			s.Enabled, s.ReasonZh, s.ReasonEn = false, err.Zh, err.Message
		}
		states = append(states, s)
	}
	return states
}

// find looks up the move in the table.
func find(a Actor, t Ticket, action Action) (Transition, *Error) {
	var known, inState bool
	for _, row := range Transitions() {
		if row.Action != action {
			continue
		}
		known = true
		if row.From != t.State {
			continue
		}
		inState = true
		if !a.hasAny(row.Roles) {
			continue
		}
		if row.Guard.Check != nil {
			if why := row.Guard.Check(a, t); why != nil {
				return Transition{}, &Error{Code: CodeNotOpen, Message: why.En, Zh: why.Zh}
			}
		}
		return row, nil
	}
	switch {
	case !known:
		return Transition{}, invalid("action", "is not an action of a ticket", "没有这种操作")
	case inState:
		return Transition{}, ErrForbidden
	default:
		return Transition{}, &Error{
			Code:    CodeNotOpen,
			Message: fmt.Sprintf("not open while the ticket is %s", t.State),
			Zh:      fmt.Sprintf("工单当前为“%s”，不能进行此操作", t.State.Zh()),
		}
	}
}

// TransitionsMarkdown renders the table for the docs.
func TransitionsMarkdown() string {
	var b strings.Builder
	b.WriteString("| from | action | roles | guard | to | event |\n|---|---|---|---|---|---|\n")
	for _, row := range Transitions() {
		roles := make([]string, len(row.Roles))
		for i, r := range row.Roles {
			roles[i] = string(r)
		}
		fmt.Fprintf(&b, "| %s %s | %s %s | %s | %s | %s %s | %s |\n",
			row.From, row.From.Zh(), row.Action, row.Action.Zh(), strings.Join(roles, ", "), row.Guard.Name, row.To, row.To.Zh(), row.Event)
	}
	return b.String()
}

// move is what a transition works on: everything it needs is in it, so that
// applying it is pure.
type move struct {
	row    Transition
	actor  Actor
	at     time.Time
	number string // given to a ticket that has none yet
	city   cityIndex
	limits Limits
	fields json.RawMessage
}

// apply makes the next ticket and the event of a move. It never changes t.
func (m move) apply(t Ticket) (Ticket, Event, error) {
	next := t.clone()
	next.State = m.row.To
	next.Version++
	next.UpdatedAt = m.at
	data := EventData{}
	if t.State != next.State {
		data.From, data.To = t.State, next.State
	}
	if err := m.fill(&next, &data); err != nil {
		return Ticket{}, Event{}, err
	}
	if next.State == Closed || next.State == Cancelled {
		next.ClosedAt = m.at
	}
	if next.State != Accepted {
		next.AtDesk = false
	}
	return next, newEvent(next, m.row.Event, m.actor.UserID, m.at, data), nil
}

func (t Ticket) clone() Ticket {
	t.Assignments = slices.Clone(t.Assignments)
	t.Clocks = slices.Clone(t.Clocks)
	t.Calls = slices.Clone(t.Calls)
	if t.Appeal.Location != nil {
		p := *t.Appeal.Location
		t.Appeal.Location = &p
	}
	return t
}
