package ticketing

import "slices"

// Patch changes a ticket; nil fields stay as they are.
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
	Elderly      *bool       `json:"elderly"`
	Disabled     *bool       `json:"disabled"`
	Proxy        *Proxy      `json:"proxy"` // the zero Proxy takes it off
	Confidential *bool       `json:"confidential"`
	Urgency      *Urgency    `json:"urgency"`
	Reason       string      `json:"reason"` // needed when the type becomes one with a longer limit or none
}

func (w *work) edit() error {
	var p Patch
	if err := decode(w.fields, &p); err != nil {
		return err
	}
	next := w.next
	w.data.Fields = p.set(next)
	if len(w.data.Fields) == 0 {
		return invalid("fields", "changes nothing; name at least one field", "没有任何修改")
	}
	var err error
	if next.Appeal, err = w.limits.checkAppeal(next.Appeal, w.city); err != nil {
		return err
	}
	if next.Citizen, err = w.limits.checkCitizen(next.Citizen); err != nil {
		return err
	}
	if next.Urgency, err = checkUrgency(next.Urgency); err != nil {
		return err
	}
	if w.data.Reason, err = text("reason", p.Reason, w.limits.Reason); err != nil {
		return err
	}
	if next.State == Draft { // a draft's clock does not depend on what is written yet
		return nil
	}
	if why := guardComplete().Check(Case{Actor: w.actor, Ticket: *next}); why != nil {
		return invalid("appeal", why.En, why.Zh)
	}
	w.data.Facts = w.facts(next)
	return w.relabel()
}

// relabel records a change of type. What a citizen complains about, reports or
// needs help with must not become a mere inquiry without a reason that others see.
func (w *work) relabel() error {
	from, to := w.was.Appeal.Type, w.next.Appeal.Type
	if from == to {
		return nil
	}
	w.data.FromType, w.data.ToType = from, to
	if weight(to) >= weight(from) {
		return nil
	}
	if w.data.Reason == "" {
		return invalid("reason", "is required when a complaint, report or call for help becomes a lighter type", "投诉、举报、求助改为其他类型须填写理由")
	}
	r := w.record(Record{Kind: RecordRelabelling, State: RecordDone, From: from, To: to, Reason: w.data.Reason})
	r.DecidedAt, r.DecidedBy = w.at, w.actor.UserID
	return nil
}

// weight orders the types by what they oblige to.
func weight(t AppealType) int {
	switch t {
	case Complaint, Report:
		return 3
	case Help:
		return 2
	case Suggestion:
		return 1
	}
	return 0
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
	put("elderly", p.Elderly != nil, func() { t.Citizen.Elderly = *p.Elderly })
	put("disabled", p.Disabled != nil, func() { t.Citizen.Disabled = *p.Disabled })
	put("proxy", p.Proxy != nil && !p.Proxy.masked(t.Citizen.Proxy), func() { t.Citizen.Proxy = p.Proxy.orNone() })
	if slices.ContainsFunc(names, func(n string) bool { return n == "name" || n == "phone" || n == "proxy" }) {
		t.Citizen.Erased = false // told anew
	}
	put("confidential", p.Confidential != nil, func() { t.Confidential = *p.Confidential })
	put("urgency", p.Urgency != nil, func() { t.Urgency = *p.Urgency })
	return names
}

// masked tells whether the proxy came back as it was shown.
func (p Proxy) masked(known *Proxy) bool {
	return known != nil && p == Proxy{Name: MaskName(known.Name), Phone: MaskPhone(known.Phone), Relation: known.Relation}
}

func (p Proxy) orNone() *Proxy {
	if p == (Proxy{}) {
		return nil
	}
	return &p
}

func (w *work) accept() error {
	w.take()
	return nil
}

// take gives a ticket its number and its operator.
func (w *work) take() {
	if w.next.Number == "" && len(w.numbers) > 0 {
		w.next.Number = w.numbers[0]
	}
	w.next.Operator = w.actor.UserID
	w.next.AcceptedAt = w.at
	w.data.Number = w.next.Number
	w.data.Facts = w.facts(w.next)
}

func (w *work) answer() error {
	w.reply()
	w.take()
	w.next.ResolvedAt = w.at
	return nil
}

func (w *work) reply() {
	w.next.Answer, w.data.Answer = w.f.Answer, w.f.Answer
	w.next.PublicAnswer = w.f.Public
}

// refer records that the citizen was told the right way with what is not for
// the hotline: an emergency, or a matter of a court or another authority.
func (w *work) refer() error {
	if w.next.Appeal.Title == "" {
		w.next.Appeal.Title = headline(w.next.Appeal.Description)
	}
	w.take()
	w.data.Referred = w.f.To
	w.next.ResolvedAt = w.at
	return nil
}

// note adds to a ticket; a department adds to its own.
func (w *work) note() error {
	if d := w.actor.Department; d != "" && d != w.next.Department && !slices.Contains(w.next.Units(), d) {
		why := notYours()
		return &Error{Code: CodeNotOpen, Message: why.En, Zh: why.Zh}
	}
	return w.checkCall()
}

// checkCall lets a call be named only when it is one of the ticket.
func (w *work) checkCall() error {
	if w.f.CallID != "" && !slices.Contains(w.next.Calls, w.f.CallID) {
		return invalid("call_id", "is not a call of this ticket; dial from the ticket, or leave it out", "该通话与本工单无关，请从工单拨号或不填")
	}
	return nil
}
