package sla

import (
	"slices"
	"time"

	"hotline/ticketing"
)

// run is one clock's course as the events tell it.
type run struct {
	name       ticketing.ClockName
	department string
	startedAt  time.Time
	startedBy  string // type of the event that started it
	startedV   int64  // version of the ticket then
	stoppedAt  time.Time
	stoppedBy  string
	facts      ticketing.Facts // in force until the clock stopped
	level      int             // of the department when it started
	fixed      time.Time       // due then whatever the policy says
	pauses     []pause
	extensions []extension
	quiet      bool
	whole      *run // of a level's clock that stopped: the resolve clock as it was then
}

type pause struct {
	Pause
	version int64 // of the suspension
	open    bool  // still suspended
}

type extension struct {
	days    int
	version int64
}

// follow walks the events once and keeps the course of every clock.
func follow(events []ticketing.Event) []run {
	var w walker
	for _, e := range events {
		w.see(e)
	}
	return w.runs
}

type walker struct {
	runs       []run
	facts      ticketing.Facts
	department string // in charge now
	level      int    // its level
	dispatched int64  // version of the last dispatch
}

func (w *walker) see(e ticketing.Event) {
	if !tells(e.Type) {
		return
	}
	d := e.Decode()
	if d.Facts != nil {
		w.facts = *d.Facts
		for i := range w.runs {
			if w.runs[i].stoppedAt.IsZero() {
				w.runs[i].facts = w.facts
			}
		}
	}
	if w.seeIntake(e, d) || w.seeWork(e, d) || w.seeRequests(e, d) {
		return
	}
	w.seeAfter(e, d)
}

// tells tells whether a type of event may have anything to say about a clock:
// most of a history is looked at only so far.
func tells(kind string) bool {
	switch kind {
	case ticketing.EventCreated, ticketing.EventCallLinked, ticketing.EventCallAnswered, ticketing.EventNoted, ticketing.EventToDesk,
		ticketing.EventAssigned, ticketing.EventDeadline, ticketing.EventUrged, ticketing.EventUrgeAnswered, ticketing.EventLinked,
		ticketing.EventUnlinked, ticketing.EventJoined, ticketing.EventParted, ticketing.EventAttached, ticketing.EventDetached:
		return false
	}
	return true
}

func (w *walker) seeIntake(e ticketing.Event, d ticketing.EventData) bool {
	switch e.Type {
	case ticketing.EventFiled:
		w.start(ticketing.ClockAccept, e)
	case ticketing.EventAccepted, ticketing.EventSplitOff:
		w.stop(ticketing.ClockAccept, e)
		w.start(ticketing.ClockDispatch, e)
	case ticketing.EventDispatched, ticketing.EventRuled:
		w.dispatch(e, d)
	case ticketing.EventDispatchUndone:
		w.undo()
	case ticketing.EventDispatchedDown:
		w.department, w.level = d.Department, d.DepartmentLevel
		w.restart(ticketing.ClockSign, e)
		w.restart(ticketing.ClockReturn, e)
		w.restartOf(ticketing.ClockLevel, d.Department, e)
	case ticketing.EventMerged:
		w.merge(e)
	case ticketing.EventUnmerged:
		w.unmerge()
	default:
		return false
	}
	return true
}

func (w *walker) dispatch(e ticketing.Event, d ticketing.EventData) {
	w.leave(e)
	w.department, w.level, w.dispatched = d.Department, d.DepartmentLevel, e.Version
	w.stop(ticketing.ClockDispatch, e)
	w.restart(ticketing.ClockSign, e)
	w.start(ticketing.ClockResolve, e)
	if d.Designated { // it cannot be returned any more
		w.drop(ticketing.ClockReturn)
		return
	}
	w.restart(ticketing.ClockReturn, e)
}

// leave stops what a department was timed for when the ticket goes elsewhere.
func (w *walker) leave(e ticketing.Event) {
	w.stop(ticketing.ClockContact, e)
	w.pass(e)
}

// pass is leave between a department and those below it: to reach the citizen
// is the duty of all of them together, and its clock runs on.
func (w *walker) pass(e ticketing.Event) {
	w.stop(ticketing.ClockSign, e)
	w.stop(ticketing.ClockReturn, e)
	w.stopOf(ticketing.ClockLevel, w.department, e)
}

// contact begins with the first signature after a dispatch by the centre. Those
// below sign too, and get no new time for it.
func (w *walker) contact(e ticketing.Event) {
	if r := w.find(ticketing.ClockContact, ""); r == nil || r.startedV < w.dispatched {
		w.restart(ticketing.ClockContact, e)
	}
}

// undo takes a dispatch back as if it had never been: what it started goes, and
// the dispatch clock runs on.
func (w *walker) undo() {
	w.drop(ticketing.ClockSign)
	w.drop(ticketing.ClockReturn)
	if r := w.find(ticketing.ClockResolve, ""); r != nil && r.startedV == w.dispatched {
		w.drop(ticketing.ClockResolve)
		w.resume(ticketing.ClockDispatch, "")
	}
	w.department, w.level = "", 0
}

func (w *walker) merge(e ticketing.Event) {
	w.stop(ticketing.ClockDispatch, e)
	w.leave(e)
	for i := range w.runs {
		if n := w.runs[i].name; n == ticketing.ClockShare || n == ticketing.ClockShareSign || n == ticketing.ClockSupervise {
			w.runs[i].stop(e.At, e.Type)
		}
	}
	if w.find(ticketing.ClockResolve, "") == nil { // the main ticket's dispatch is its own
		w.restart(ticketing.ClockResolve, e)
	}
	w.find(ticketing.ClockResolve, "").quiet = true
}

func (w *walker) unmerge() {
	if r := w.find(ticketing.ClockResolve, ""); r != nil {
		r.quiet = false
		if r.startedBy == ticketing.EventMerged { // it was never dispatched
			w.drop(ticketing.ClockResolve)
			w.resume(ticketing.ClockDispatch, "")
		}
	}
	w.department, w.level = "", 0
}

func (w *walker) seeWork(e ticketing.Event, d ticketing.EventData) bool {
	switch e.Type {
	case ticketing.EventSigned:
		w.stop(ticketing.ClockSign, e)
		w.contact(e)
	case ticketing.EventContacted:
		w.stop(ticketing.ClockContact, e)
	case ticketing.EventResolved:
		w.stop(ticketing.ClockContact, e)
		w.stop(ticketing.ClockReturn, e)
		w.stop(ticketing.ClockResolve, e)
		w.stopOf(ticketing.ClockLevel, w.department, e)
	case ticketing.EventReviewRejected:
		w.resume(ticketing.ClockResolve, "")
		w.resume(ticketing.ClockLevel, w.department)
	case ticketing.EventReviewApproved:
		w.restart(ticketing.ClockFollowUp, e)
	case ticketing.EventReturnRequested:
		w.stop(ticketing.ClockReturn, e)
	case ticketing.EventReturned:
		w.leave(e)
		w.department = ""
	case ticketing.EventReturnedUp:
		w.pass(e)
		w.department, w.level = d.Department, d.DepartmentLevel
	default:
		return false
	}
	return true
}

func (w *walker) seeRequests(e ticketing.Event, d ticketing.EventData) bool {
	switch e.Type {
	case ticketing.EventExtended:
		if r := w.find(ticketing.ClockResolve, ""); r != nil {
			r.extensions = append(r.extensions, extension{days: d.Days, version: e.Version})
		}
	case ticketing.EventSuspended:
		if r := w.find(ticketing.ClockResolve, ""); r != nil {
			r.pauses = append(r.pauses, pause{Pause: Pause{From: e.At, To: d.Until}, version: e.Version, open: true})
		}
		w.restart(ticketing.ClockSuspension, e).fixed = d.Until
	case ticketing.EventResumed:
		if r := w.find(ticketing.ClockResolve, ""); r != nil && len(r.pauses) > 0 {
			last := &r.pauses[len(r.pauses)-1]
			last.To, last.open = earlier(last.To, e.At), false
		}
		w.stop(ticketing.ClockSuspension, e)
	case ticketing.EventCoHandled:
		w.restartOf(ticketing.ClockShareSign, d.Department, e).level = d.DepartmentLevel
		w.restartOf(ticketing.ClockShare, d.Department, e).level = d.DepartmentLevel
	case ticketing.EventShareSigned:
		w.stopOf(ticketing.ClockShareSign, d.Department, e)
	case ticketing.EventShareAnswered, ticketing.EventShareEnded:
		w.stopOf(ticketing.ClockShareSign, d.Department, e)
		w.stopOf(ticketing.ClockShare, d.Department, e)
	case ticketing.EventSupervised:
		w.restart(ticketing.ClockSupervise, e).fixed = d.Until
	case ticketing.EventSupervisionEnded:
		w.stop(ticketing.ClockSupervise, e)
	default:
		return false
	}
	return true
}

func (w *walker) seeAfter(e ticketing.Event, d ticketing.EventData) {
	switch e.Type {
	case ticketing.EventMergedAnswered:
		if r := w.find(ticketing.ClockResolve, ""); r != nil {
			at := d.Since
			if at.IsZero() {
				at = e.At
			}
			r.stop(later(at, r.startedAt), e.Type)
			r.quiet = false
		}
		w.department = d.Department
		w.restart(ticketing.ClockFollowUp, e)
	case ticketing.EventReopened:
		w.stop(ticketing.ClockFollowUp, e)
		w.restart(ticketing.ClockResolve, e)
	case ticketing.EventRectified:
		w.stop(ticketing.ClockRectify, e)
	case ticketing.EventFollowedUp, ticketing.EventAnswered, ticketing.EventReferred, ticketing.EventCancelled:
		for i := range w.runs {
			if w.runs[i].name != ticketing.ClockRectify || e.Type != ticketing.EventFollowedUp {
				w.stopOf(w.runs[i].name, w.runs[i].department, e)
			}
		}
	}
	if d.Rectify {
		w.restart(ticketing.ClockRectify, e)
	}
}

func (w *walker) find(name ticketing.ClockName, department string) *run {
	for i := range w.runs {
		if w.runs[i].name == name && w.runs[i].department == department {
			return &w.runs[i]
		}
	}
	return nil
}

// start begins a clock that never ran; a clock that did keeps its first start.
func (w *walker) start(name ticketing.ClockName, e ticketing.Event) {
	if w.find(name, "") == nil {
		w.restart(name, e)
	}
}

// restart begins a clock anew, whatever it did before.
func (w *walker) restart(name ticketing.ClockName, e ticketing.Event) *run {
	return w.restartOf(name, "", e)
}

func (w *walker) restartOf(name ticketing.ClockName, department string, e ticketing.Event) *run {
	r := w.find(name, department)
	if r == nil {
		w.runs = append(w.runs, run{})
		r = &w.runs[len(w.runs)-1]
	}
	*r = run{name: name, department: department, startedAt: e.At, startedBy: e.Type, startedV: e.Version, facts: w.facts, level: w.level}
	return r
}

func (w *walker) stop(name ticketing.ClockName, e ticketing.Event) { w.stopOf(name, "", e) }

func (w *walker) stopOf(name ticketing.ClockName, department string, e ticketing.Event) {
	r := w.find(name, department)
	if r == nil || !r.stoppedAt.IsZero() {
		return
	}
	if whole := w.find(ticketing.ClockResolve, ""); name == ticketing.ClockLevel && whole != nil {
		as := *whole
		as.pauses, as.extensions = slices.Clone(whole.pauses), slices.Clone(whole.extensions)
		r.whole = &as
	}
	r.stop(e.At, e.Type)
}

func (r *run) stop(at time.Time, by string) {
	if r.stoppedAt.IsZero() {
		r.stoppedAt, r.stoppedBy = at, by
		for i := range r.pauses {
			r.pauses[i].open = false
		}
	}
}

// resume lets a stopped clock run on as if it had never stopped.
func (w *walker) resume(name ticketing.ClockName, department string) {
	if r := w.find(name, department); r != nil {
		r.stoppedAt, r.stoppedBy, r.facts, r.whole = time.Time{}, "", w.facts, nil
	}
}

func (w *walker) drop(name ticketing.ClockName) {
	for i := range w.runs {
		if w.runs[i].name == name && w.runs[i].department == "" {
			w.runs = append(w.runs[:i], w.runs[i+1:]...)
			return
		}
	}
}
