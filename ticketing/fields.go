package ticketing

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Patch changes a ticket that the centre still holds; nil fields stay as they are.
type Patch struct {
	Type         *AppealType `json:"type"`
	Title        *string     `json:"title"`
	Description  *string     `json:"description"`
	Category     *string     `json:"category"`
	District     *string     `json:"district"`
	Address      *string     `json:"address"`
	Location     *Point      `json:"location"`
	Name         *string     `json:"name"`
	Phone        *string     `json:"phone"`
	Anonymous    *bool       `json:"anonymous"`
	Confidential *bool       `json:"confidential"`
	Urgency      *Urgency    `json:"urgency"`
}

// The own fields of the actions. An action without fields takes none.
type (
	// AnswerFields are of answer_directly and resolve.
	AnswerFields struct {
		Answer string `json:"answer"`
	}
	// DispatchFields are of dispatch.
	DispatchFields struct {
		Department string `json:"department"`
		Reason     string `json:"reason"`
	}
	// ContactFields are of contact.
	ContactFields struct {
		Note   string `json:"note"`
		CallID string `json:"call_id"`
	}
	// NoteFields are of approve_review.
	NoteFields struct {
		Note string `json:"note"`
	}
	// ReasonFields are of reject_review and cancel.
	ReasonFields struct {
		Reason string `json:"reason"`
	}
	// FollowUpFields are of follow_up. Rating is 1 (非常不满意) … 5 (非常满意), 0 when not given.
	FollowUpFields struct {
		Contacted bool   `json:"contacted"`
		Solved    bool   `json:"solved"`
		Rating    int    `json:"rating"`
		Note      string `json:"note"`
	}
)

// decode reads the fields of an action strictly: a field that the action does
// not have is a mistake worth telling.
func decode(raw json.RawMessage, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return invalid("fields", "is not one JSON object", "须为一个 JSON 对象")
		}
		return nil
	}
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && typ.Field != "" {
		return invalid(typ.Field, "has the wrong type", "类型不正确")
	}
	if name, ok := strings.CutPrefix(err.Error(), `json: unknown field "`); ok {
		return invalid(clip(strings.TrimSuffix(name, `"`), maxCode), "is not a field of this action", "此操作没有这个字段")
	}
	return invalid("fields", "is not a JSON object of the action's fields", "须为该操作字段的 JSON 对象")
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// fill applies the action's own fields to the next state of the ticket.
func (m move) fill(next *Ticket, data *EventData) error {
	switch m.row.Action {
	case ActEdit:
		return m.edit(next, data)
	case ActAccept:
		return m.accept(next, data)
	case ActAnswer:
		return m.answer(next, data)
	case ActDispatch:
		return m.dispatch(next, data)
	case ActSign:
		return m.sign(next)
	case ActContact:
		return m.contact(data)
	case ActResolve:
		return m.resolve(next, data)
	case ActApproveReview:
		return m.approve(next, data)
	case ActRejectReview:
		return m.reject(next, data)
	case ActFollowUp:
		return m.followUp(data)
	case ActCancel:
		var f ReasonFields
		return m.reason(&f, data)
	}
	return invalid("action", "is not an action of a ticket", "没有这种操作")
}

func (m move) facts(t *Ticket) *Facts {
	return &Facts{Type: t.Appeal.Type, Category: m.city.path(t.Appeal.Category), Urgency: t.Urgency, Line: t.Line, City: m.city.version}
}

func (m move) edit(next *Ticket, data *EventData) error {
	var p Patch
	if err := decode(m.fields, &p); err != nil {
		return err
	}
	data.Fields = p.set(next)
	if len(data.Fields) == 0 {
		return invalid("fields", "changes nothing; name at least one field", "没有任何修改")
	}
	var err error
	if next.Appeal, err = m.limits.checkAppeal(next.Appeal, m.city); err != nil {
		return err
	}
	if next.Citizen, err = m.limits.checkCitizen(next.Citizen); err != nil {
		return err
	}
	if next.Urgency, err = checkUrgency(next.Urgency); err != nil {
		return err
	}
	if next.State != Draft { // a draft has no clocks yet
		if why := guardComplete().Check(m.actor, *next); why != nil {
			return invalid("appeal", why.En, why.Zh)
		}
		data.Facts = m.facts(next)
	}
	return nil
}

// set copies what the patch has and names it. A masked name or phone that comes
// back as it was shown is no change: it must not replace what it hides.
func (p Patch) set(t *Ticket) []string {
	var names []string
	put := func(name string, has bool, set func()) {
		if has {
			set()
			names = append(names, name)
		}
	}
	put("type", p.Type != nil, func() { t.Appeal.Type = *p.Type })
	put("title", p.Title != nil, func() { t.Appeal.Title = *p.Title })
	put("description", p.Description != nil, func() { t.Appeal.Description = *p.Description })
	put("category", p.Category != nil, func() { t.Appeal.Category = *p.Category })
	put("district", p.District != nil, func() { t.Appeal.District = *p.District })
	put("address", p.Address != nil, func() { t.Appeal.Address = *p.Address })
	put("location", p.Location != nil, func() { l := *p.Location; t.Appeal.Location = &l })
	put("name", p.Name != nil && *p.Name != MaskName(t.Citizen.Name), func() { t.Citizen.Name = *p.Name })
	put("phone", p.Phone != nil && *p.Phone != MaskPhone(t.Citizen.Phone), func() { t.Citizen.Phone = *p.Phone })
	put("anonymous", p.Anonymous != nil, func() { t.Citizen.Anonymous = *p.Anonymous })
	put("confidential", p.Confidential != nil, func() { t.Confidential = *p.Confidential })
	put("urgency", p.Urgency != nil, func() { t.Urgency = *p.Urgency })
	return names
}

func (m move) accept(next *Ticket, data *EventData) error {
	var none struct{}
	if err := decode(m.fields, &none); err != nil {
		return err
	}
	m.take(next, data)
	return nil
}

// take gives a ticket its number and its operator.
func (m move) take(next *Ticket, data *EventData) {
	if next.Number == "" {
		next.Number = m.number
	}
	next.Operator = m.actor.UserID
	next.AcceptedAt = m.at
	data.Number = next.Number
	data.Facts = m.facts(next)
}

func (m move) answer(next *Ticket, data *EventData) error {
	if err := m.reply(next, data); err != nil {
		return err
	}
	m.take(next, data)
	next.ResolvedAt = m.at
	return nil
}

func (m move) reply(next *Ticket, data *EventData) error {
	var f AnswerFields
	if err := decode(m.fields, &f); err != nil {
		return err
	}
	answer, err := text("answer", f.Answer, m.limits.Answer)
	if err != nil {
		return err
	}
	if answer == "" {
		return required("answer")
	}
	next.Answer, data.Answer = answer, answer
	return nil
}

func (m move) dispatch(next *Ticket, data *EventData) error {
	var f DispatchFields
	if err := decode(m.fields, &f); err != nil {
		return err
	}
	reason, err := text("reason", f.Reason, m.limits.Reason)
	if err != nil {
		return err
	}
	if f.Department == "" {
		return required("department")
	}
	if err := m.city.checkDepartment(f.Department); err != nil {
		return err
	}
	next.Department = f.Department
	next.Assignments = append(next.Assignments, Assignment{
		Department: f.Department, Lead: true, DispatchedAt: m.at, DispatchedBy: m.actor.UserID, Reason: reason,
	})
	data.Department, data.Reason = f.Department, reason
	data.Facts = m.facts(next)
	return nil
}

func (m move) sign(next *Ticket) error {
	var none struct{}
	if err := decode(m.fields, &none); err != nil {
		return err
	}
	if n := len(next.Assignments); n > 0 {
		next.Assignments[n-1].SignedAt, next.Assignments[n-1].SignedBy = m.at, m.actor.UserID
	}
	return nil
}

func (m move) contact(data *EventData) error {
	var f ContactFields
	if err := decode(m.fields, &f); err != nil {
		return err
	}
	note, err := text("note", f.Note, m.limits.Note)
	if err != nil {
		return err
	}
	if err := code("call_id", f.CallID, maxID); err != nil {
		return err
	}
	data.Note, data.CallID = note, f.CallID
	return nil
}

func (m move) resolve(next *Ticket, data *EventData) error { return m.reply(next, data) }

func (m move) approve(next *Ticket, data *EventData) error {
	var f NoteFields
	if err := decode(m.fields, &f); err != nil {
		return err
	}
	note, err := text("note", f.Note, m.limits.Note)
	data.Note = note
	next.ResolvedAt = m.at
	return err
}

func (m move) reject(next *Ticket, data *EventData) error {
	next.Answer = "" // the reply stays in the history; it is not an answer to the citizen
	next.Reopened++
	var f ReasonFields
	return m.reason(&f, data)
}

func (m move) reason(f *ReasonFields, data *EventData) error {
	if err := decode(m.fields, f); err != nil {
		return err
	}
	reason, err := text("reason", f.Reason, m.limits.Reason)
	if err != nil {
		return err
	}
	if reason == "" {
		return required("reason")
	}
	data.Reason = reason
	return nil
}

func (m move) followUp(data *EventData) error {
	var f FollowUpFields
	if err := decode(m.fields, &f); err != nil {
		return err
	}
	if f.Rating < 0 || f.Rating > 5 {
		return outOfRange("rating", 0, 5)
	}
	note, err := text("note", f.Note, m.limits.Note)
	if err != nil {
		return err
	}
	data.Contacted, data.Solved, data.Rating, data.Note = &f.Contacted, &f.Solved, f.Rating, note
	return nil
}
