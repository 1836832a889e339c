package ticketing

import "strconv"

// How tickets are joined, parted and linked.

// The two ends of a merge.
const (
	relationInto = "into" // on the main ticket: the other was merged into it
	relationMain = "main" // on the repeat: the other is the main ticket
	relationPart = "part" // on the whole: the other came out of it
	relationOf   = "part_of"
)

// merge joins a repeat to the main ticket of its matter. The citizen keeps the
// own reply, follow-up and clock; the department is warned by the main ticket alone.
func (w *work) merge() error {
	main := *w.other
	switch {
	case main.ID == w.was.ID:
		return invalid("ticket", "is the ticket itself", "不能并入自身")
	case main.State == Draft || main.State.Final() || main.State == FollowUp:
		return invalid("ticket", "is not being handled; merge into one that is", "目标工单不在办理中")
	case main.Confidential != w.was.Confidential:
		return invalid("ticket", "differs in confidentiality", "保密工单不能与普通工单并单")
	case w.earlierThan(main):
		return invalid("ticket", "is due later than this one; merge the other into this", "目标工单的办结期限更晚，请将其并入本单")
	}
	w.next.MergedInto = main.ID
	w.record(Record{Kind: RecordMerge, State: RecordOpen, Relation: relationMain, Other: main.ID, OtherNumber: main.Number})
	w.data.Other = main.Number
	w.data.Facts = w.facts(w.next)
	w.touch(main, EventJoined, EventData{Other: w.was.Number, Reason: w.f.Reason}, func(t *Ticket) {
		t.add(Record{
			Kind: RecordMerge, State: RecordOpen, Relation: relationInto, Other: w.was.ID, OtherNumber: w.was.Number, By: w.actor.UserID, At: w.at,
			Reason: w.f.Reason,
		})
	})
	return nil
}

// earlierThan tells whether this ticket has to be resolved before another.
func (w *work) earlierThan(main Ticket) bool {
	own, hers := w.was.clock(ClockResolve), main.clock(ClockResolve)
	return own != nil && own.Running() && hers != nil && own.DueAt.Before(hers.DueAt)
}

func (t *Ticket) clock(name ClockName) *Clock {
	for i := range t.Clocks {
		if t.Clocks[i].Name == name && t.Clocks[i].Department == "" {
			return &t.Clocks[i]
		}
	}
	return nil
}

func (w *work) unmerge() error {
	w.data.Other = w.numberOf(w.next.MergedInto)
	w.next.MergedInto = ""
	w.next.AtDesk = true
	w.next.Department, w.next.Handler = "", ""
	w.endMerges(w.next, "")
	if w.other == nil {
		return nil
	}
	w.touch(*w.other, EventParted, EventData{Other: w.was.Number, Reason: w.f.Reason}, func(t *Ticket) { w.endMerges(t, w.was.ID) })
	return nil
}

// endMerges ends the merges of a ticket with another, or with any.
func (w *work) endMerges(t *Ticket, other string) {
	t.decide(func(r Record) bool {
		return r.Kind == RecordMerge && r.State == RecordOpen && (other == "" || r.Other == other)
	}, RecordEnded, w.actor.UserID, w.at, w.f.Reason)
}

func (w *work) numberOf(id string) string {
	if r := w.was.record(func(r Record) bool { return r.Other == id }); r != nil {
		return r.OtherNumber
	}
	return ""
}

// answerJoined marks that the reply goes to those whose tickets were merged in:
// the platform gives it to each, one by one.
func (w *work) answerJoined() {
	w.next.decide(joined, RecordDone, w.actor.UserID, w.at, "")
}

// partJoined lets the repeats go when the main ticket ends without a reply.
func (w *work) partJoined() {
	w.next.decide(joined, RecordEnded, w.actor.UserID, w.at, "主单已撤")
}

// joined tells whether another ticket is merged into the record's own.
func joined(r Record) bool {
	return r.Kind == RecordMerge && r.Relation == relationInto && r.State == RecordOpen
}

// answerMerged gives a repeat the reply of its main ticket.
func (w *work) answerMerged() error {
	w.reply()
	w.data.Since = w.f.Until
	w.next.ResolvedAt = w.at
	if w.other != nil {
		w.next.PublicAnswer = w.other.PublicAnswer
		w.next.Department, w.next.Handler = w.other.Department, w.other.Handler
		w.data.Department, w.data.Other = w.other.Department, w.other.Number
	}
	w.next.decide(of(RecordMerge, RecordOpen), RecordDone, w.actor.UserID, w.at, "")
	return nil
}

// split parts tickets of their own off: each is accepted at once, with the same
// citizen, and goes its own way.
func (w *work) split() error {
	for i, p := range w.f.Parts {
		if err := w.part(p, i); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) part(p Part, i int) error {
	at := "parts[" + strconv.Itoa(i) + "]."
	if p.Type == "" {
		p.Type = w.was.Appeal.Type
	}
	switch {
	case !p.Type.Valid():
		return invalid(at+"type", "is not one of inquiry, help, complaint, report, suggestion, praise", "诉求类型无效")
	case p.Title == "":
		return required(at + "title")
	case p.Category == "":
		return required(at + "category")
	}
	if err := w.city.checkCategory(p.Category); err != nil {
		return err
	}
	part := Ticket{
		ID: w.ids[i], Number: w.numbers[i], State: Accepted, Channel: w.was.Channel, Urgency: w.was.Urgency, Confidential: w.was.Confidential,
		Line: w.was.Line, Partition: w.was.Partition, Digit: w.was.Digit, Appeal: w.was.Appeal, Citizen: w.was.Citizen, Operator: w.was.Operator,
		CreatedAt: w.at, AcceptedAt: w.at, UpdatedAt: w.at,
	}
	part = part.clone()
	part.Appeal.Type, part.Appeal.Title, part.Appeal.Description, part.Appeal.Category = p.Type, p.Title, p.Description, p.Category
	part.Version = 1
	part.add(Record{
		Kind: RecordSplit, State: RecordDone, Relation: relationOf, Other: w.was.ID, OtherNumber: w.was.Number, By: w.actor.UserID, At: w.at,
		Reason: w.f.Reason,
	})
	w.also = append(w.also, turn{next: part, event: newEvent(part, EventSplitOff, w.actor.UserID, w.at, EventData{
		To: Accepted, Number: part.Number, Other: w.was.Number, Reason: w.f.Reason, Facts: w.facts(&part),
	})})
	w.record(Record{Kind: RecordSplit, State: RecordDone, Relation: relationPart, Other: part.ID, OtherNumber: part.Number})
	return nil
}

func (w *work) link() error {
	other := *w.other
	if other.ID == w.was.ID {
		return invalid("ticket", "is the ticket itself", "不能关联自身")
	}
	same := w.next.record(func(r Record) bool { return r.Kind == RecordLink && r.State == RecordOpen && r.Other == other.ID })
	if same != nil {
		return invalid("ticket", "is linked already", "已关联")
	}
	w.record(Record{Kind: RecordLink, State: RecordOpen, Relation: w.f.Relation, Other: other.ID, OtherNumber: other.Number, Reason: w.f.Note})
	w.data.Other, w.data.Relation = other.Number, w.f.Relation
	w.touch(other, EventLinked, EventData{Other: w.was.Number, Relation: w.f.Relation, Note: w.f.Note}, func(t *Ticket) {
		t.add(Record{
			Kind: RecordLink, State: RecordOpen, Relation: w.f.Relation, Other: w.was.ID, OtherNumber: w.was.Number, By: w.actor.UserID, At: w.at,
			Reason: w.f.Note,
		})
	})
	return nil
}

func (w *work) unlink() error {
	r, err := w.open(of(RecordLink, RecordOpen))
	if err != nil {
		return err
	}
	r.decide(RecordEnded, w.actor.UserID, w.at, w.f.Note)
	w.data.Other = r.OtherNumber
	if w.other != nil {
		w.touch(*w.other, EventUnlinked, EventData{Other: w.was.Number}, func(t *Ticket) {
			t.decide(func(r Record) bool {
				return r.Kind == RecordLink && r.State == RecordOpen && r.Other == w.was.ID
			}, RecordEnded, w.actor.UserID, w.at, w.f.Note)
		})
	}
	return nil
}
