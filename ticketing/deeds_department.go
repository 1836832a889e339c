package ticketing

// The moves between the centre, the department in charge and those below it.

func (w *work) dispatch() error {
	if w.returnedBy(w.f.Department) {
		return invalid("department", "returned this ticket, and the return was approved; choose another, or designate it", "该单位已退单并获同意，请另选单位或终裁指定")
	}
	return w.give(w.f.Department, "")
}

// returnedBy tells whether a department gave the ticket back to the centre.
func (w *work) returnedBy(department string) bool {
	return w.next.record(func(r Record) bool {
		return r.Kind == RecordReturn && r.State == RecordApproved && r.Decider == "" && r.Department == department
	}) != nil
}

func (w *work) designate() error {
	w.next.Designated, w.data.Designated = true, true
	return w.give(w.f.Department, "")
}

// give puts a department in charge; from is the department that gives it on.
func (w *work) give(department, from string) error {
	w.endAssignment()
	level := w.city.level(department)
	w.next.Department, w.next.Handler = department, w.handler
	w.next.Assignments = append(w.next.Assignments, Assignment{
		Department: department, Lead: true, DispatchedAt: w.at, DispatchedBy: w.actor.UserID, Reason: w.f.Reason,
		From: from, Handler: w.handler, Level: level,
	})
	w.data.Department, w.data.DepartmentLevel, w.data.Handler = department, level, w.handler
	w.data.Facts = w.facts(w.next)
	return nil
}

// endAssignment marks that the present department is not in charge any more.
func (w *work) endAssignment() {
	if n := len(w.next.Assignments); n > 0 && w.next.Assignments[n-1].EndedAt.IsZero() {
		w.next.Assignments[n-1].EndedAt = w.at
	}
}

func (w *work) assignment() *Assignment {
	n := len(w.next.Assignments)
	if n == 0 { // tickets of an older schema have one for each department too
		w.next.Assignments, n = []Assignment{{Department: w.next.Department, Lead: true}}, 1
	}
	return &w.next.Assignments[n-1]
}

func (w *work) undoDispatch() error {
	w.data.Department = w.next.Department
	w.endAssignment()
	w.next.Department, w.next.Handler = "", ""
	w.next.AtDesk = true
	return nil
}

func (w *work) dispatchDown() error {
	if !w.city.under(w.f.Department, w.next.Department) {
		return invalid("department", "is not below your department; a ticket is given on to one's own units only", "只能下派给本单位的下级单位")
	}
	return w.give(w.f.Department, w.next.Department)
}

func (w *work) sign() error {
	a := w.assignment()
	a.SignedAt, a.SignedBy = w.at, w.actor.UserID
	if w.next.Handler == "" {
		w.next.Handler, a.Handler = w.actor.UserID, w.actor.UserID
	}
	w.data.Handler = w.next.Handler
	return nil
}

func (w *work) assign() error {
	a := w.assignment()
	w.next.Handler, a.Handler, w.data.Handler = w.f.User, w.f.User, w.f.User
	return nil
}

// contact records that the department reached the citizen. Without a call of
// the ticket behind it, that is said, and a follow-up may ask.
func (w *work) contact() error {
	if err := w.checkCall(); err != nil {
		return err
	}
	proven := w.f.CallID != ""
	w.data.ByCall = &proven
	return nil
}

func (w *work) resolve() error {
	w.reply()
	w.data.Factual, w.data.Contacted, w.data.Solved = w.f.Factual, w.f.Contacted, w.f.Solved
	w.next.ReviewBy = ""
	if w.process.reviewed(ReviewHead) {
		w.next.ReviewBy = w.next.Department
	}
	w.next.decide(func(r Record) bool {
		return r.State == RecordRequested && (r.Kind == RecordExtension || r.Kind == RecordCoHandling)
	}, RecordEnded, SystemActor().UserID, w.at, "已办结答复")
	return nil
}

// approveReview passes the reply on to who approves it next: the departments
// that gave the ticket on, one after the other, then the centre.
func (w *work) approveReview() error {
	upper := ""
	if w.next.ReviewBy != "" {
		upper = w.givenBy(w.next.ReviewBy)
	}
	if w.next.ReviewBy != "" && (upper != "" || w.process.reviewed(ReviewCentre)) {
		w.next.ReviewBy, w.data.Department = upper, upper
		w.next.State = InReview
		return nil
	}
	w.next.ReviewBy = ""
	w.next.ResolvedAt = w.at
	w.data.Answer = w.next.Answer
	w.answerJoined()
	return nil
}

// givenBy finds the department from which another got the ticket; empty for the centre.
func (w *work) givenBy(department string) string {
	for i := len(w.next.Assignments) - 1; i >= 0; i-- {
		if a := w.next.Assignments[i]; a.Department == department {
			return a.From
		}
	}
	return ""
}

func (w *work) rejectReview() error {
	w.next.Answer, w.next.PublicAnswer = "", "" // the reply stays in the history; it is not an answer to the citizen
	w.next.ReviewBy = ""
	w.next.Reopened++
	return nil
}
