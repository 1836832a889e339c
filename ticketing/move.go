package ticketing

import (
	"encoding/json"
	"slices"
	"time"
)

// move is what a transition works on: everything it needs is in it, so that
// applying it is pure.
type move struct {
	row     Transition
	actor   Actor
	at      time.Time
	numbers []string // given to tickets that have none yet
	ids     []string // given to tickets that a split makes
	city    cityIndex
	process Process
	limits  Limits
	fields  json.RawMessage
	handler string  // the department's user with the least open load
	other   *Ticket // the other ticket of a merge or a link
}

// turn is a ticket before and after one event.
type turn struct {
	before, next Ticket
	event        Event
}

// outcome is what a move makes: of the ticket itself, and of others beside it.
type outcome struct {
	next  Ticket
	event Event
	also  []turn
}

// work is a move while it is being applied.
type work struct {
	move
	f    ActionFields
	was  Ticket
	next *Ticket
	data *EventData
	also []turn
}

// apply makes the next ticket and the event of a move. It never changes t.
func (m move) apply(t Ticket) (outcome, error) {
	next := t.clone()
	next.State = m.row.To
	next.Version++
	next.UpdatedAt = m.at
	data := EventData{}
	w := &work{move: m, was: t, next: &next, data: &data}
	if err := w.fill(); err != nil {
		return outcome{}, err
	}
	if t.State != next.State {
		data.From, data.To = t.State, next.State
	}
	event := m.row.Event
	if m.row.Or != "" && next.State == m.row.Or {
		event = m.row.OrEvent
	}
	w.settle()
	return outcome{next: next, event: newEvent(next, event, m.actor.UserID, m.at, data), also: w.also}, nil
}

// settle brings what follows from the new state alone.
func (w *work) settle() {
	next := w.next
	if next.State != Accepted {
		next.AtDesk = false
	}
	if next.State == w.was.State || next.State != Closed && next.State != Cancelled {
		return
	}
	next.ClosedAt = w.at
	next.decide(func(r Record) bool {
		outlives := r.Kind == RecordRectification && next.State == Closed || r.Kind == RecordLink || r.Kind == RecordMerge || r.Kind == RecordSplit
		return r.State.Pending() && !outlives
	}, RecordEnded, SystemActor().UserID, w.at, "工单"+next.State.Zh())
}

func (r *Record) decide(state RecordState, by string, at time.Time, why string) {
	r.State, r.DecidedBy, r.DecidedAt, r.Decision = state, by, at, why
}

// fill applies the action's own fields to the next state of the ticket.
func (w *work) fill() error {
	if w.row.Action == ActEdit {
		return w.edit()
	}
	do, known := deeds[w.row.Action]
	if !known {
		return invalid("action", "is not an action of a ticket", "没有这种操作")
	}
	var err error
	if w.f, err = w.limits.read(w.row.Action, w.fields, w.city); err != nil {
		return err
	}
	w.data.Reason, w.data.Note, w.data.Basis, w.data.CallID = w.f.Reason, w.f.Note, w.f.Basis, w.f.CallID
	return do(w)
}

// deeds says what each action does to the ticket.
var deeds = map[Action]func(*work) error{
	ActAccept: (*work).accept, ActAnswer: (*work).answer, ActRefer: (*work).refer, ActCancel: (*work).cancel, ActNote: (*work).note,
	ActDispatch: (*work).dispatch, ActDesignate: (*work).designate, ActUndoDispatch: (*work).undoDispatch, ActDispatchDown: (*work).dispatchDown,
	ActSign: (*work).sign, ActAssign: (*work).assign, ActContact: (*work).contact, ActResolve: (*work).resolve,
	ActRequestReturn: (*work).requestReturn, ActApproveReturn: (*work).approveReturn, ActRefuseReturn: (*work).refuse,
	ActRequestExtension: (*work).requestExtension, ActApproveExtension: (*work).approveExtension, ActRefuseExtension: (*work).refuse,
	ActRequestSuspension: (*work).requestSuspension, ActApproveSuspension: (*work).approveSuspension, ActRefuseSuspension: (*work).refuse,
	ActResume: (*work).resume, ActWithdrawRequest: (*work).withdrawRequest,
	ActRequestCoHandling: (*work).requestCoHandling, ActApproveCoHandling: (*work).approveCoHandling, ActRefuseCoHandling: (*work).refuse,
	ActCoHandle: (*work).coHandle, ActSignShare: (*work).signShare, ActAnswerShare: (*work).answerShare, ActEndShare: (*work).endShare,
	ActUrge: (*work).urge, ActAnswerUrge: (*work).answerUrge, ActSupervise: (*work).supervise, ActEndSupervision: (*work).endSupervision,
	ActOpenDispute: (*work).openDispute, ActStateCase: (*work).stateCase, ActRule: (*work).rule,
	ActMerge: (*work).merge, ActUnmerge: (*work).unmerge, ActAnswerMerged: (*work).answerMerged, ActSplit: (*work).split,
	ActLink: (*work).link, ActUnlink: (*work).unlink,
	ActApproveReview: (*work).approveReview, ActRejectReview: (*work).rejectReview,
	ActMissFollowUp: (*work).missFollowUp, ActFollowUp: (*work).followUp, ActReopen: (*work).reopen, ActRate: (*work).rate,
	ActRectify: (*work).rectify, ActAppeal: (*work).appeal, ActUpholdAppeal: (*work).upholdAppeal, ActDismissAppeal: (*work).dismissAppeal,
	ActArchive:           (*work).nothing,
	ActRequestWithdrawal: (*work).requestWithdrawal, ActApproveWithdrawal: (*work).approveWithdrawal, ActRefuseWithdrawal: (*work).refuse,
}

func (*work) nothing() error { return nil }

func (w *work) cancel() error {
	w.partJoined()
	return nil
}

func (w *work) facts(t *Ticket) *Facts {
	return &Facts{Type: t.Appeal.Type, Category: w.city.path(t.Appeal.Category), Urgency: t.Urgency, Line: t.Line, City: w.city.version}
}

// open finds the record that the action is about: the one that is named, or the
// only one that may be meant.
func (w *work) open(is func(Record) bool) (*Record, error) {
	var found *Record
	for i := range w.next.Records {
		r := &w.next.Records[i]
		switch {
		case !is(*r), w.f.Record != "" && r.ID != w.f.Record:
		case found != nil:
			return nil, invalid("record", "has to say which one: several are open", "有多条待处理记录，请指明")
		default:
			found = r
		}
	}
	if found == nil {
		return nil, invalid("record", "names no record that is open for this action", "没有这条待处理记录")
	}
	w.data.Record = found.ID
	return found, nil
}

func of(kind RecordKind, state RecordState) func(Record) bool {
	return func(r Record) bool { return r.Kind == kind && r.State == state }
}

// record puts a new record on the ticket and names it in the event.
func (w *work) record(r Record) *Record {
	r.By, r.At = w.actor.UserID, w.at
	if w.actor.Has(RoleCitizen) {
		r.By = "citizen"
	}
	if r.Reason == "" {
		r.Reason = w.f.Reason
	}
	added := w.next.add(r)
	w.data.Record = added.ID
	return added
}

// touch makes the next version of another ticket, told by an event.
func (w *work) touch(t Ticket, event string, data EventData, change func(*Ticket)) {
	next := t.clone()
	next.Version++
	next.UpdatedAt = w.at
	change(&next)
	if t.State != next.State {
		data.From, data.To = t.State, next.State
	}
	w.also = append(w.also, turn{before: t, next: next, event: newEvent(next, event, w.actor.UserID, w.at, data)})
}

func (t Ticket) clone() Ticket {
	t.Assignments = slices.Clone(t.Assignments)
	t.Clocks = slices.Clone(t.Clocks)
	t.Calls = slices.Clone(t.Calls)
	t.Struck = slices.Clone(t.Struck)
	t.Attachments = slices.Clone(t.Attachments)
	if t.Records != nil {
		records := make([]Record, len(t.Records))
		for i, r := range t.Records {
			records[i] = r.clone()
		}
		t.Records = records
	}
	if t.Appeal.Location != nil {
		p := *t.Appeal.Location
		t.Appeal.Location = &p
	}
	if t.Citizen.Proxy != nil {
		p := *t.Citizen.Proxy
		t.Citizen.Proxy = &p
	}
	return t
}
