package ticketing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Transition is one legal move: from a state, by an action, by some roles,
// when the guard has no objection, to a state, told by an event.
type Transition struct {
	From   State
	Action Action
	Roles  []Role
	Guard  Guard // zero: no further condition
	To     State
	Event  string
	// Or is where the move leads instead when its fields or the ticket's
	// records say so, told by OrEvent; empty for moves with one outcome.
	Or      State
	OrEvent string
}

// Reason says, in Chinese and English, why something is not open.
type Reason struct{ Zh, En string }

// Case is what a guard looks at.
type Case struct {
	Actor   Actor
	Ticket  Ticket
	Now     time.Time
	Process Process
}

// Transitions is the table of every legal move, in the order of a ticket's
// life. Nothing else changes a state.
func Transitions() []Transition {
	var rows []Transition
	for _, group := range [][]Transition{
		intakeMoves(), dispatchMoves(), workMoves(), returnMoves(), extensionMoves(), suspensionMoves(), coHandlingMoves(),
		pressureMoves(), disputeMoves(), groupMoves(), reviewMoves(), afterMoves(), withdrawalMoves(),
	} {
		rows = append(rows, group...)
	}
	return rows
}

// table is Transitions, made once: every look at a ticket asks it.
var table = Transitions()

// rowsOf is the table by action.
var rowsOf = func() map[Action][]Transition {
	rows := map[Action][]Transition{}
	for _, row := range table {
		rows[row.Action] = append(rows[row.Action], row)
	}
	return rows
}()

// moves makes a row for each state from which the action is open. An empty to
// leaves the state as it is.
func moves(from []State, row Transition) []Transition {
	rows := make([]Transition, len(from))
	for i, state := range from {
		rows[i] = row
		rows[i].From = state
		if row.To == "" {
			rows[i].To = state
		}
	}
	return rows
}

// Roles and states that rows have in common.
var (
	deskRoles       = []Role{RoleAgent, RoleLead}
	dispatchRoles   = []Role{RoleDispatcher, RoleLead}
	decisionRoles   = []Role{RoleDispatcher, RoleLead, RoleSupervisor}
	unitRoles       = []Role{RoleClerk, RoleHead}
	everyOpenState  = []State{Accepted, Dispatched, InProgress, Suspended, InReview}
	withDepartment  = []State{Dispatched, InProgress, Suspended, InReview}
	beforeResolving = []State{Dispatched, InProgress}
)

func intakeMoves() []Transition {
	rows := []Transition{
		{From: Draft, Action: ActEdit, Roles: deskRoles, To: Draft, Event: EventEdited},
		{From: Draft, Action: ActAccept, Roles: deskRoles, Guard: guardComplete(), To: Accepted, Event: EventAccepted},
		{From: Draft, Action: ActAnswer, Roles: deskRoles, Guard: guardComplete(), To: Closed, Event: EventAnswered},
		{From: Draft, Action: ActRefer, Roles: deskRoles, To: Closed, Event: EventReferred},
		{From: Draft, Action: ActCancel, Roles: []Role{RoleAgent, RoleLead, RoleSystem, RoleCitizen}, To: Cancelled, Event: EventCancelled},
		{From: Accepted, Action: ActEdit, Roles: []Role{RoleAgent, RoleLead, RoleDispatcher}, Guard: guardComplete(), To: Accepted, Event: EventEdited},
		{From: Accepted, Action: ActCancel, Roles: dispatchRoles, To: Cancelled, Event: EventCancelled},
	}
	rows = append(rows, moves([]State{Dispatched, InProgress, Suspended}, Transition{
		Action: ActEdit, Roles: decisionRoles, Guard: guardComplete(), Event: EventEdited,
	})...)
	return append(rows, moves([]State{Accepted, Dispatched, InProgress, Suspended, InReview, FollowUp, Merged}, Transition{
		Action: ActNote, Roles: []Role{RoleAgent, RoleLead, RoleDispatcher, RoleFollowUp, RoleSupervisor, RoleClerk, RoleHead, RoleCitizen},
		Event: EventNoted,
	})...)
}

func dispatchMoves() []Transition {
	rows := []Transition{
		{From: Accepted, Action: ActDispatch, Roles: []Role{RoleDispatcher, RoleLead, RoleSystem}, Guard: guardHops(), To: Dispatched, Event: EventDispatched},
		{From: Accepted, Action: ActDesignate, Roles: []Role{RoleLead, RoleSupervisor}, To: Dispatched, Event: EventDispatched},
		{From: Dispatched, Action: ActUndoDispatch, Roles: dispatchRoles, Guard: guardUndo(), To: Accepted, Event: EventDispatchUndone},
		{From: Dispatched, Action: ActSign, Roles: unitRoles, Guard: guardOwnDepartment(), To: InProgress, Event: EventSigned},
		{From: InProgress, Action: ActDispatchDown, Roles: unitRoles, Guard: guardFree(), To: Dispatched, Event: EventDispatchedDown},
	}
	return append(rows, moves(beforeResolving, Transition{
		Action: ActAssign, Roles: unitRoles, Guard: guardOwnDepartment(), Event: EventAssigned,
	})...)
}

func workMoves() []Transition {
	return []Transition{
		{From: InProgress, Action: ActContact, Roles: unitRoles, Guard: guardOwnDepartment(), To: InProgress, Event: EventContacted},
		{From: InProgress, Action: ActResolve, Roles: unitRoles, Guard: guardFree(), To: InReview, Event: EventResolved},
	}
}

func returnMoves() []Transition {
	rows := moves(beforeResolving, Transition{Action: ActRequestReturn, Roles: unitRoles, Guard: guardReturn(), Event: EventReturnRequested})
	rows = append(rows, moves(beforeResolving, Transition{
		Action: ActApproveReturn, Roles: []Role{RoleDispatcher, RoleLead, RoleSupervisor, RoleHead}, Guard: guardDecide(RecordReturn),
		To: Accepted, Event: EventReturned, Or: InProgress, OrEvent: EventReturnedUp,
	})...)
	return append(rows, moves(beforeResolving, Transition{
		Action: ActRefuseReturn, Roles: []Role{RoleDispatcher, RoleLead, RoleSupervisor, RoleHead}, Guard: guardDecide(RecordReturn),
		Event: EventReturnRefused,
	})...)
}

func extensionMoves() []Transition {
	rows := []Transition{{
		From: InProgress, Action: ActRequestExtension, Roles: unitRoles, Guard: guardExtension(), To: InProgress, Event: EventExtensionRequested,
	}}
	rows = append(rows, moves(beforeResolving, Transition{
		Action: ActApproveExtension, Roles: decisionRoles, Guard: guardDecide(RecordExtension), Event: EventExtended,
	})...)
	return append(rows, moves(beforeResolving, Transition{
		Action: ActRefuseExtension, Roles: decisionRoles, Guard: guardDecide(RecordExtension), Event: EventExtensionRefused,
	})...)
}

func suspensionMoves() []Transition {
	return []Transition{
		{From: InProgress, Action: ActRequestSuspension, Roles: unitRoles, Guard: guardSuspension(), To: InProgress, Event: EventSuspensionRequested},
		{From: InProgress, Action: ActApproveSuspension, Roles: decisionRoles, Guard: guardDecide(RecordSuspension), To: Suspended, Event: EventSuspended},
		{From: InProgress, Action: ActRefuseSuspension, Roles: decisionRoles, Guard: guardDecide(RecordSuspension), To: InProgress, Event: EventSuspensionRefused},
		{
			From: Suspended, Action: ActResume, Roles: []Role{RoleClerk, RoleHead, RoleDispatcher, RoleLead, RoleSupervisor, RoleSystem},
			Guard: guardOwnOrCentre(), To: InProgress, Event: EventResumed,
		},
	}
}

func coHandlingMoves() []Transition {
	rows := moves(beforeResolving, Transition{Action: ActRequestCoHandling, Roles: unitRoles, Guard: guardOwnDepartment(), Event: EventCoHandlingRequested})
	rows = append(rows, moves(beforeResolving, Transition{
		Action: ActApproveCoHandling, Roles: decisionRoles, Guard: guardDecide(RecordCoHandling), Event: EventCoHandled,
	})...)
	rows = append(rows, moves(beforeResolving, Transition{
		Action: ActRefuseCoHandling, Roles: decisionRoles, Guard: guardDecide(RecordCoHandling), Event: EventCoHandlingRefused,
	})...)
	rows = append(rows, moves(beforeResolving, Transition{Action: ActCoHandle, Roles: decisionRoles, Event: EventCoHandled})...)
	rows = append(rows, moves(withDepartment, Transition{Action: ActSignShare, Roles: unitRoles, Guard: guardShare(false), Event: EventShareSigned})...)
	rows = append(rows, moves(withDepartment, Transition{Action: ActAnswerShare, Roles: unitRoles, Guard: guardShare(true), Event: EventShareAnswered})...)
	return append(rows, moves(withDepartment, Transition{
		Action: ActEndShare, Roles: decisionRoles, Guard: guardPending(RecordCoHandling, RecordOpen), Event: EventShareEnded,
	})...)
}

// pressureMoves are of those who press: citizens, the centre, supervisors.
func pressureMoves() []Transition {
	rows := moves(withDepartment, Transition{
		Action: ActUrge, Roles: []Role{RoleAgent, RoleLead, RoleDispatcher, RoleFollowUp, RoleSupervisor, RoleCitizen}, Guard: guardUrge(),
		Event: EventUrged,
	})
	rows = append(rows, moves(withDepartment, Transition{
		Action: ActAnswerUrge, Roles: unitRoles, Guard: guardOwnPending(RecordUrge), Event: EventUrgeAnswered,
	})...)
	rows = append(rows, moves(everyOpenState, Transition{
		Action: ActSupervise, Roles: []Role{RoleSupervisor, RoleLead}, Guard: guardNone(RecordSupervision), Event: EventSupervised,
	})...)
	return append(rows, moves(append(slices.Clone(everyOpenState), FollowUp), Transition{
		Action: ActEndSupervision, Roles: []Role{RoleSupervisor, RoleLead}, Guard: guardPending(RecordSupervision, RecordOpen),
		Event: EventSupervisionEnded,
	})...)
}

func disputeMoves() []Transition {
	from := []State{Accepted, Dispatched, InProgress}
	rows := moves(from, Transition{Action: ActOpenDispute, Roles: decisionRoles, Guard: guardNone(RecordDispute), Event: EventDisputeOpened})
	rows = append(rows, moves(from, Transition{Action: ActStateCase, Roles: unitRoles, Guard: guardParty(), Event: EventCaseStated})...)
	return append(rows, moves(from, Transition{
		Action: ActRule, Roles: []Role{RoleSupervisor, RoleLead}, Guard: guardPending(RecordDispute, RecordOpen), To: Dispatched, Event: EventRuled,
	})...)
}

// groupMoves join, part and link tickets.
func groupMoves() []Transition {
	from := []State{Accepted, Dispatched, InProgress}
	rows := moves(from, Transition{Action: ActMerge, Roles: dispatchRoles, Guard: guardMerge(), To: Merged, Event: EventMerged})
	rows = append(rows,
		Transition{From: Merged, Action: ActUnmerge, Roles: []Role{RoleDispatcher, RoleLead, RoleSystem}, To: Accepted, Event: EventUnmerged},
		Transition{From: Merged, Action: ActAnswerMerged, Roles: []Role{RoleSystem}, To: FollowUp, Event: EventMergedAnswered},
	)
	rows = append(rows, moves(from, Transition{Action: ActSplit, Roles: dispatchRoles, Event: EventSplit})...)
	linked := []State{Accepted, Dispatched, InProgress, Suspended, InReview, FollowUp, Closed}
	rows = append(rows, moves(linked, Transition{
		Action: ActLink, Roles: []Role{RoleAgent, RoleLead, RoleDispatcher, RoleFollowUp, RoleSupervisor}, Event: EventLinked,
	})...)
	return append(rows, moves(linked, Transition{
		Action: ActUnlink, Roles: []Role{RoleLead, RoleDispatcher, RoleSupervisor}, Guard: guardPending(RecordLink, RecordOpen), Event: EventUnlinked,
	})...)
}

func reviewMoves() []Transition {
	review := []Role{RoleHead, RoleLead, RoleQC}
	return []Transition{
		{
			From: InReview, Action: ActApproveReview, Roles: review, Guard: guardReviewer(), To: FollowUp, Event: EventReviewApproved,
			Or: InReview, OrEvent: EventReviewEndorsed,
		},
		{From: InReview, Action: ActRejectReview, Roles: review, Guard: guardReviewer(), To: InProgress, Event: EventReviewRejected},
	}
}

// afterMoves are of the time after the answer.
func afterMoves() []Transition {
	rows := []Transition{
		{From: FollowUp, Action: ActMissFollowUp, Roles: []Role{RoleFollowUp, RoleLead}, To: FollowUp, Event: EventFollowUpMissed},
		{
			From: FollowUp, Action: ActFollowUp, Roles: []Role{RoleFollowUp, RoleLead}, To: Closed, Event: EventFollowedUp,
			Or: InProgress, OrEvent: EventReopened,
		},
		{
			From: Closed, Action: ActReopen, Roles: []Role{RoleFollowUp, RoleLead, RoleSupervisor, RoleCitizen}, Guard: guardReopen(),
			To: InProgress, Event: EventReopened,
		},
	}
	answered := []State{FollowUp, Closed}
	rows = append(rows, moves(answered, Transition{
		Action: ActRate, Roles: []Role{RoleCitizen, RoleSystem, RoleAgent, RoleFollowUp, RoleLead}, Event: EventRated,
	})...)
	rows = append(rows, moves(answered, Transition{
		Action: ActRectify, Roles: unitRoles, Guard: guardOwnPending(RecordRectification), Event: EventRectified,
	})...)
	rows = append(rows,
		Transition{From: Closed, Action: ActAppeal, Roles: []Role{RoleHead}, Guard: guardOwnDepartment(), To: Closed, Event: EventAppealed},
		Transition{
			From: Closed, Action: ActUpholdAppeal, Roles: []Role{RoleSupervisor, RoleLead, RoleQC}, Guard: guardPending(RecordAppeal, RecordRequested),
			To: Closed, Event: EventAppealUpheld,
		},
		Transition{
			From: Closed, Action: ActDismissAppeal, Roles: []Role{RoleSupervisor, RoleLead, RoleQC}, Guard: guardPending(RecordAppeal, RecordRequested),
			To: Closed, Event: EventAppealDismissed,
		},
		Transition{From: Closed, Action: ActArchive, Roles: []Role{RoleSystem}, Guard: guardArchive(), To: Archived, Event: EventArchived},
	)
	return rows
}

func withdrawalMoves() []Transition {
	rows := moves(everyOpenState, Transition{
		Action: ActRequestWithdrawal, Roles: []Role{RoleCitizen, RoleAgent, RoleLead}, Guard: guardNone(RecordWithdrawal), Event: EventWithdrawalRequested,
	})
	rows = append(rows, moves(everyOpenState, Transition{
		Action: ActApproveWithdrawal, Roles: decisionRoles, Guard: guardDecide(RecordWithdrawal), To: Cancelled, Event: EventCancelled,
	})...)
	rows = append(rows, moves(everyOpenState, Transition{
		Action: ActRefuseWithdrawal, Roles: decisionRoles, Guard: guardDecide(RecordWithdrawal), Event: EventWithdrawalRefused,
	})...)
	return append(rows, moves(beforeResolving, Transition{
		Action: ActWithdrawRequest, Roles: unitRoles, Guard: guardOwnRequest(), Event: EventRequestWithdrawn,
	})...)
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
func Actions(c Case) []ActionState {
	var states []ActionState
	seen := make(map[Action]bool, 16)
	for _, row := range table {
		if seen[row.Action] || !c.Actor.hasAny(row.Roles) {
			continue
		}
		seen[row.Action] = true
		s := ActionState{Name: row.Action, Enabled: true}
		if _, err := find(c, row.Action); err != nil {
			s.Enabled, s.ReasonZh, s.ReasonEn = false, err.Zh, err.Message
		}
		states = append(states, s)
	}
	return states
}

// find looks up the move in the table.
func find(c Case, action Action) (Transition, *Error) {
	var inState bool
	rows := rowsOf[action]
	for _, row := range rows {
		if row.From != c.Ticket.State {
			continue
		}
		inState = true
		if !c.Actor.hasAny(row.Roles) {
			continue
		}
		if row.Guard.Check != nil {
			if why := row.Guard.Check(c); why != nil {
				return Transition{}, &Error{Code: CodeNotOpen, Message: why.En, Zh: why.Zh}
			}
		}
		return row, nil
	}
	switch {
	case len(rows) == 0:
		return Transition{}, invalid("action", "is not an action of a ticket", "没有这种操作")
	case inState:
		return Transition{}, ErrForbidden
	default:
		return Transition{}, &Error{
			Code:    CodeNotOpen,
			Message: fmt.Sprintf("not open while the ticket is %s", c.Ticket.State),
			Zh:      fmt.Sprintf("工单当前为“%s”，不能进行此操作", c.Ticket.State.Zh()),
		}
	}
}

// TransitionsMarkdown renders the table for the docs, and the fields of each action.
func TransitionsMarkdown() string {
	var b strings.Builder
	b.WriteString("| from | action | roles | guard | to | event |\n|---|---|---|---|---|---|\n")
	for i := 0; i < len(table); {
		row, from, same := table[i], []string{}, true
		for ; i < len(table) && table[i].Action == row.Action && table[i].Guard.Name == row.Guard.Name && joinRoles(table[i].Roles) == joinRoles(row.Roles) &&
			table[i].Event == row.Event; i++ {
			from = append(from, string(table[i].From)+" "+table[i].From.Zh())
			same = same && table[i].To == table[i].From
		}
		to, event := string(row.To)+" "+row.To.Zh(), row.Event
		if same && len(from) > 1 {
			to = "stays"
		}
		if row.Or != "" {
			to, event = to+" or "+string(row.Or)+" "+row.Or.Zh(), event+" or "+row.OrEvent
		}
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %s | %s |\n",
			strings.Join(from, ", "), row.Action, row.Action.Zh(), joinRoles(row.Roles), row.Guard.Name, to, event)
	}
	b.WriteString("\n## Fields\n\nWhat an action takes beside `action` and `version`; required ones are marked with *.\n\n")
	b.WriteString("| action | fields |\n|---|---|\n")
	for _, action := range ActionNames() {
		var fields []string
		for _, f := range FieldsOf(action) {
			name := "`" + f.Name + "` " + string(f.Kind)
			if f.Required {
				name = "`" + f.Name + "`* " + string(f.Kind)
			}
			if len(f.Options) > 0 {
				name += " (" + strings.Join(f.Options, ", ") + ")"
			}
			fields = append(fields, name+": "+f.En)
		}
		fmt.Fprintf(&b, "| %s %s | %s |\n", action, action.Zh(), strings.Join(fields, "<br>"))
	}
	return b.String()
}

// ActionNames lists the actions in the order of the table.
func ActionNames() []Action {
	var names []Action
	for _, row := range table {
		if !slices.Contains(names, row.Action) {
			names = append(names, row.Action)
		}
	}
	return names
}

func joinRoles(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}
