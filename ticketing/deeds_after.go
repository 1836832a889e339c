package ticketing

import (
	"fmt"
	"slices"
	"time"
)

// What happens after the answer: follow-up, ratings, rectification, appeals.

func (w *work) missFollowUp() error {
	if err := w.checkCall(); err != nil {
		return err
	}
	w.next.Tries++
	w.next.NextTryAt = w.f.NextAt.UTC().Truncate(time.Millisecond)
	if w.f.NextAt.IsZero() {
		w.next.NextTryAt = time.Time{}
	}
	return nil
}

// followUp records what the citizen says. What was not solved goes back to the
// department, as often as the city's process allows; what is solved but badly
// rated is rectified.
func (w *work) followUp() error {
	if err := w.checkCall(); err != nil {
		return err
	}
	w.data.Contacted, w.data.Solved, w.data.Rating = w.f.Contacted, w.f.Solved, w.f.Rating
	if w.f.Rating != 0 {
		w.rated(w.f.Rating, ByPhone, false)
	}
	again := !*w.f.Solved && w.next.Department != "" && w.rounds() < w.process.Reopenings
	switch w.f.Outcome {
	case "":
	case "reopen", "close":
		if w.f.Note == "" {
			return required("note")
		}
		again = w.f.Outcome == "reopen"
	}
	if again && w.next.Department == "" {
		return invalid("outcome", "cannot be reopen: no department handled the ticket", "未经单位办理，不能重办")
	}
	if again {
		w.startAgain(w.f.Note)
		w.next.State = InProgress
		return nil
	}
	if !*w.f.Solved || w.f.Rating == 1 || w.f.Rating == 2 {
		w.rectification()
	}
	return nil
}

func (w *work) rounds() int { return w.next.Count(RecordReopening) }

// startAgain begins a new round with the department.
func (w *work) startAgain(why string) {
	w.record(Record{Kind: RecordReopening, State: RecordDone, Department: w.next.Department, Reason: why})
	w.next.Reopened++
	w.next.Answer, w.next.PublicAnswer, w.next.ReviewBy = "", "", ""
	w.next.ResolvedAt, w.next.ClosedAt = time.Time{}, time.Time{}
	w.next.Tries, w.next.NextTryAt = 0, time.Time{}
	w.data.Facts = w.facts(w.next)
}

func (w *work) reopen() error {
	w.startAgain(w.f.Reason)
	return nil
}

func (w *work) rate() error {
	channel := w.f.Channel
	if channel == "" {
		channel = ByWeb
	}
	own := w.actor.hasAny([]Role{RoleCitizen, RoleSystem})
	w.data.Rating, w.data.Channel = w.f.Rating, channel
	if w.rated(w.f.Rating, channel, own) && w.f.Rating <= 2 && w.next.Department != "" {
		w.rectification()
	}
	return nil
}

// rated keeps a rating and tells whether it is the one that counts. One counts
// for each round: what citizens give with their own hand goes before what an
// operator writes down, and of two alike the first.
func (w *work) rated(rating int, channel Channel, own bool) bool {
	var counting *Record
	round := w.next.round()
	for i := range round {
		if r := &round[i]; r.Kind == RecordRating && r.State == RecordDone {
			counting = r
		}
	}
	r := Record{Kind: RecordRating, State: RecordDone, Rating: rating, Channel: channel, Reason: w.f.Note, Item: "written"}
	if own {
		r.Item = "own"
	}
	if counting != nil && (counting.Item == "own" || !own) {
		r.State = RecordEnded // kept, and does not count
		w.record(r)
		return false
	}
	if counting != nil {
		counting.State = RecordEnded
	}
	w.record(r)
	w.next.Rating = rating
	return true
}

// rectification opens one, unless one is open.
func (w *work) rectification() {
	if w.next.Department == "" || w.next.Count(RecordRectification, RecordOpen) > 0 {
		return
	}
	named := w.data.Record
	w.record(Record{Kind: RecordRectification, State: RecordOpen, Department: w.next.Department, Reason: w.f.Note})
	if named != "" {
		w.data.Record = named
	}
	w.data.Rectify = true
	w.data.Facts = w.facts(w.next)
}

func (w *work) rectify() error {
	r, err := w.open(of(RecordRectification, RecordOpen))
	if err != nil {
		return err
	}
	r.Answer, w.data.Answer = w.f.Answer, w.f.Answer
	r.decide(RecordDone, w.actor.UserID, w.at, "")
	return nil
}

// appeal asks that an item of this ticket be left out of the assessment.
func (w *work) appeal() error {
	twice := w.next.record(func(r Record) bool {
		return r.Kind == RecordAppeal && r.Item == w.f.Item && r.State != RecordRefused
	})
	if twice != nil {
		return invalid("item", fmt.Sprintf("has an appeal already (%s)", twice.State), "该事项已申诉")
	}
	w.request(Record{Kind: RecordAppeal, Item: w.f.Item})
	w.data.Item = w.f.Item
	return nil
}

func (w *work) upholdAppeal() error {
	r, err := w.open(of(RecordAppeal, RecordRequested))
	if err != nil {
		return err
	}
	r.decide(RecordApproved, w.actor.UserID, w.at, w.f.Reason)
	w.data.Item = r.Item
	if !slices.Contains(w.next.Struck, r.Item) {
		w.next.Struck = append(w.next.Struck, r.Item)
	}
	return nil
}

func (w *work) dismissAppeal() error {
	r, err := w.open(of(RecordAppeal, RecordRequested))
	if err != nil {
		return err
	}
	r.decide(RecordRefused, w.actor.UserID, w.at, w.f.Reason)
	w.data.Item = r.Item
	return nil
}
