package ticketing

import (
	"fmt"
	"slices"
	"time"
)

// What departments ask for and what the centre decides.

func (w *work) request(r Record) *Record {
	r.State, r.Department = RecordRequested, w.actor.Department
	added := w.record(r)
	w.data.Department = w.actor.Department
	return added
}

func (w *work) requestReturn() error {
	if w.f.Proposed == w.actor.Department {
		return invalid("proposed", "is your own department", "建议单位不能是本单位")
	}
	decider := w.givenBy(w.next.Department)
	w.request(Record{Kind: RecordReturn, Basis: w.f.Basis, Proposed: w.f.Proposed, Decider: decider})
	w.data.Proposed, w.data.Departments = w.f.Proposed, nil
	return nil
}

// approveReturn sends the ticket back to whom it came from: the centre, or the
// department that gave it on.
func (w *work) approveReturn() error {
	r, err := w.open(of(RecordReturn, RecordRequested))
	if err != nil {
		return err
	}
	w.approve(r)
	w.data.Department = r.Department
	w.endAssignment()
	w.endRequests("已退单")
	if r.Decider == "" {
		w.next.Department, w.next.Handler = "", ""
		w.next.AtDesk = true
		return nil
	}
	for i := len(w.next.Assignments) - 1; i >= 0; i-- {
		if a := w.next.Assignments[i]; a.Department == r.Decider {
			a.EndedAt = time.Time{}
			w.next.Assignments = append(w.next.Assignments, a)
			w.next.Department, w.next.Handler = a.Department, a.Handler
			w.data.Department, w.data.DepartmentLevel = a.Department, a.Level
			break
		}
	}
	w.next.State = InProgress
	return nil
}

// endRequests ends what else waits: it was asked for by whom it does not concern any more.
func (w *work) endRequests(why string) {
	w.next.decide(func(r Record) bool { return r.State == RecordRequested && r.Kind != RecordWithdrawal }, RecordEnded, SystemActor().UserID, w.at, why)
}

func (w *work) approve(r *Record) {
	why := w.f.Note
	if why == "" {
		why = w.f.Reason
	}
	r.decide(RecordApproved, w.actor.UserID, w.at, why)
}

// refuse decides against the request that the action is about.
func (w *work) refuse() error {
	kind := map[Action]RecordKind{
		ActRefuseReturn: RecordReturn, ActRefuseExtension: RecordExtension, ActRefuseSuspension: RecordSuspension,
		ActRefuseCoHandling: RecordCoHandling, ActRefuseWithdrawal: RecordWithdrawal,
	}[w.row.Action]
	r, err := w.open(of(kind, RecordRequested))
	if err != nil {
		return err
	}
	r.decide(RecordRefused, w.actor.UserID, w.at, w.f.Reason)
	w.data.Department = r.Department
	return nil
}

func (w *work) withdrawRequest() error {
	r, err := w.open(func(r Record) bool { return r.State == RecordRequested && r.Department == w.actor.Department })
	if err != nil {
		return err
	}
	r.decide(RecordWithdrawn, w.actor.UserID, w.at, w.f.Note)
	return nil
}

func (w *work) requestExtension() error {
	if left := w.next.extensionLeft(w.process); w.f.Days > left {
		return &Error{
			Code: CodeInvalid, Field: "days", Limit: left, Message: fmt.Sprintf("is more than the %d working days that are left", left),
			Zh: fmt.Sprintf("最多还可延期 %d 个工作日", left),
		}
	}
	w.request(Record{Kind: RecordExtension, Days: w.f.Days})
	w.data.Days = w.f.Days
	return nil
}

func (w *work) approveExtension() error {
	r, err := w.open(of(RecordExtension, RecordRequested))
	if err != nil {
		return err
	}
	w.approve(r)
	w.data.Days, w.data.Department = r.Days, r.Department
	return nil
}

func (w *work) checkUntil(until time.Time) error {
	most := time.Duration(w.process.SuspensionDays) * 24 * time.Hour
	switch {
	case !until.After(w.at):
		return invalid("until", "is not in the future", "须晚于现在")
	case until.Sub(w.at) > most:
		return &Error{
			Code: CodeInvalid, Field: "until", Limit: w.process.SuspensionDays,
			Message: fmt.Sprintf("is more than %d days away", w.process.SuspensionDays), Zh: fmt.Sprintf("挂起不得超过 %d 天", w.process.SuspensionDays),
		}
	}
	return nil
}

func (w *work) requestSuspension() error {
	until := w.f.Until.UTC().Truncate(time.Millisecond)
	if err := w.checkUntil(until); err != nil {
		return err
	}
	w.request(Record{Kind: RecordSuspension, Until: until})
	w.data.Until = until
	return nil
}

func (w *work) approveSuspension() error {
	r, err := w.open(of(RecordSuspension, RecordRequested))
	if err != nil {
		return err
	}
	if !w.f.Until.IsZero() {
		r.Until = w.f.Until.UTC().Truncate(time.Millisecond)
	}
	if err := w.checkUntil(r.Until); err != nil {
		return err
	}
	w.approve(r)
	w.data.Until, w.data.Department = r.Until, r.Department
	return nil
}

func (w *work) resume() error {
	r := w.next.record(of(RecordSuspension, RecordApproved))
	if r == nil {
		return nil
	}
	if w.actor.Has(RoleSystem) && w.at.Before(r.Until) {
		return invalid("until", "has not come yet", "挂起期限未到")
	}
	r.State = RecordDone
	w.data.Record = r.ID
	return nil
}

func (w *work) requestCoHandling() error {
	if err := w.checkAssisting(w.f.Department); err != nil {
		return err
	}
	w.request(Record{Kind: RecordCoHandling, Proposed: w.f.Department})
	w.data.Proposed = w.f.Department
	return nil
}

func (w *work) checkAssisting(department string) error {
	switch {
	case department == w.next.Department:
		return invalid("department", "is in charge of the ticket already", "该单位已是主办单位")
	case w.next.Share(department) != nil:
		return invalid("department", "assists already", "该单位已在协办")
	}
	return nil
}

// approveCoHandling turns the request into a share that is open.
func (w *work) approveCoHandling() error {
	r, err := w.open(of(RecordCoHandling, RecordRequested))
	if err != nil {
		return err
	}
	if err := w.checkAssisting(r.Proposed); err != nil {
		return err
	}
	w.approve(r)
	r.State, r.Department, r.Proposed = RecordOpen, r.Proposed, ""
	w.shareOpened(r)
	return nil
}

func (w *work) coHandle() error {
	if err := w.checkAssisting(w.f.Department); err != nil {
		return err
	}
	w.shareOpened(w.record(Record{Kind: RecordCoHandling, State: RecordOpen, Department: w.f.Department}))
	return nil
}

func (w *work) shareOpened(r *Record) {
	w.data.Department, w.data.DepartmentLevel = r.Department, w.city.level(r.Department)
	w.data.Facts = w.facts(w.next)
}

func (w *work) signShare() error {
	r := w.next.Share(w.actor.Department)
	r.SignedAt, r.SignedBy = w.at, w.actor.UserID
	w.data.Record, w.data.Department = r.ID, r.Department
	return nil
}

func (w *work) answerShare() error {
	r := w.next.Share(w.actor.Department)
	r.Answer = w.f.Answer
	r.decide(RecordDone, w.actor.UserID, w.at, "")
	w.data.Record, w.data.Department, w.data.Answer = r.ID, r.Department, w.f.Answer
	return nil
}

func (w *work) endShare() error {
	r, err := w.open(of(RecordCoHandling, RecordOpen))
	if err != nil {
		return err
	}
	r.decide(RecordEnded, w.actor.UserID, w.at, w.f.Reason)
	w.data.Department = r.Department
	return nil
}

func (w *work) urge() error {
	if err := w.checkCall(); err != nil {
		return err
	}
	w.record(Record{Kind: RecordUrge, State: RecordOpen, Department: w.next.Department})
	w.data.Department = w.next.Department
	return nil
}

// answerUrge answers all urges that are open.
func (w *work) answerUrge() error {
	for i := range w.next.Records {
		if r := &w.next.Records[i]; r.Kind == RecordUrge && r.State == RecordOpen {
			r.Answer = w.f.Answer
			r.decide(RecordDone, w.actor.UserID, w.at, "")
			w.data.Record = r.ID
		}
	}
	w.data.Answer = w.f.Answer
	return nil
}

func (w *work) supervise() error {
	until := w.f.Until.UTC().Truncate(time.Millisecond)
	if !until.After(w.at) {
		return invalid("until", "is not in the future", "须晚于现在")
	}
	w.record(Record{Kind: RecordSupervision, State: RecordOpen, Department: w.next.Department, Until: until, Escalation: w.f.Escalation})
	w.data.Until = until
	return nil
}

func (w *work) endSupervision() error {
	r, err := w.open(of(RecordSupervision, RecordOpen))
	if err != nil {
		return err
	}
	r.decide(RecordDone, w.actor.UserID, w.at, w.f.Note)
	return nil
}

func (w *work) openDispute() error {
	parties := slices.Clone(w.f.Departments)
	slices.Sort(parties)
	if len(slices.Compact(parties)) < 2 {
		return invalid("departments", "names fewer than two departments", "争议至少涉及两个单位")
	}
	w.record(Record{Kind: RecordDispute, State: RecordOpen, Departments: slices.Compact(parties)})
	w.data.Departments = slices.Compact(parties)
	return nil
}

func (w *work) stateCase() error {
	r, err := w.open(of(RecordDispute, RecordOpen))
	if err != nil {
		return err
	}
	said := w.f.Answer
	if w.f.Basis != "" {
		said += "（依据：" + w.f.Basis + "）"
	}
	r.Statements = append(r.Statements, Statement{Department: w.actor.Department, Text: said, By: w.actor.UserID, At: w.at})
	w.data.Department, w.data.Answer = w.actor.Department, w.f.Answer
	return nil
}

// rule ends a dispute for good: the department that it names is in charge and
// cannot return the ticket.
func (w *work) rule() error {
	r, err := w.open(of(RecordDispute, RecordOpen))
	if err != nil {
		return err
	}
	r.decide(RecordDone, w.actor.UserID, w.at, w.f.Reason)
	r.Department, r.Basis = w.f.Department, w.f.Basis
	w.endRequests("已裁定")
	w.next.Designated, w.data.Designated = true, true
	w.data.Amend = w.f.Amend
	return w.give(w.f.Department, "")
}

func (w *work) requestWithdrawal() error {
	w.record(Record{Kind: RecordWithdrawal, State: RecordRequested})
	return nil
}

func (w *work) approveWithdrawal() error {
	r, err := w.open(of(RecordWithdrawal, RecordRequested))
	if err != nil {
		return err
	}
	w.approve(r)
	if w.data.Reason == "" {
		w.data.Reason = r.Reason
	}
	w.partJoined()
	return nil
}
