package ticketing

import "slices"

// SystemActor is the platform itself: workers and the bridge of the call centre.
func SystemActor() Actor { return Actor{UserID: "system", Roles: []Role{RoleSystem}} }

// Has tells whether the actor has a role.
func (a Actor) Has(r Role) bool { return slices.Contains(a.Roles, r) }

func (a Actor) hasAny(roles []Role) bool {
	return slices.ContainsFunc(roles, a.Has)
}

// Staff tells whether the actor works for the centre and may see every ticket of
// the partition within the own [Bounds].
func (a Actor) Staff() bool {
	return a.Department == "" && a.Reaches(RightTicketRead, ReachCentre)
}

// Sees tells whether the actor may see a ticket: staff of the centre see all within their [Bounds],
// users of a department those with their department and below, and those in which one of them assists or is a party of a dispute.
// All this within the actor's partition: of a sealed one its own people alone know.
func (a Actor) Sees(t Ticket) bool {
	if a.Partition != t.Partition && !a.Has(RoleSystem) {
		return false
	}
	if a.Staff() {
		return a.bounds().holds(t)
	}
	scope := a.scope()
	return slices.Contains(scope, t.Department) ||
		slices.ContainsFunc(t.Units(), func(unit string) bool { return slices.Contains(scope, unit) })
}

// scope is the departments whose tickets the actor sees; meaningless for staff.
func (a Actor) scope() []string {
	if a.Department == "" || !a.Reaches(RightTicketRead, ReachDepartment) {
		return nil
	}
	if len(a.Departments) == 0 {
		return []string{a.Department}
	}
	return a.Departments
}

// Audiences are those of live events that the actor follows: what audiences
// lists, and what those below the own department have.
func (a Actor) Audiences() []string {
	list := a.audiences()
	for _, d := range a.Departments {
		list = append(list, sealedAudience(a.Partition, unit(d)))
	}
	return list
}

// audiences lists what the actor is addressed by.
func (a Actor) audiences() []string {
	list := []string{"user:" + a.UserID}
	for _, r := range a.Roles {
		list = append(list, "role:"+string(r))
	}
	if a.Department != "" {
		list = append(list, "department:"+a.Department)
	}
	if a.Staff() {
		list = append(list, AudienceStaff)
	}
	for i := range list {
		list[i] = sealedAudience(a.Partition, list[i])
	}
	return list
}

// view is the ticket as the actor may see it: the person masked, and hidden
// altogether from departments when the ticket is confidential.
func (a Actor) view(t Ticket) Ticket {
	t = t.clone()
	if t.Confidential && !a.Staff() {
		t.hidePerson()
		t.Calls = nil // a recording has the citizen's voice and number
		t.Citizen = Citizen{Anonymous: t.Citizen.Anonymous}
		t.Attachments = nil // a photo may show the person or the door
		return t
	}
	if p := t.Citizen.Proxy; p != nil {
		p.Name, p.Phone = MaskName(p.Name), MaskPhone(p.Phone)
	}
	t.Citizen.Name = MaskName(t.Citizen.Name)
	t.Citizen.Phone = MaskPhone(t.Citizen.Phone)
	return t
}

// hidePerson takes the citizen's own name and number out of the ticket's texts.
func (t *Ticket) hidePerson() {
	texts := []*string{&t.Appeal.Title, &t.Appeal.Description, &t.Appeal.Address, &t.Answer}
	texts = append(texts, &t.PublicAnswer)
	for i := range t.Assignments {
		texts = append(texts, &t.Assignments[i].Reason)
	}
	for i := range t.Records {
		r := &t.Records[i]
		texts = append(texts, &r.Reason, &r.Decision, &r.Answer, &r.Basis)
		for j := range r.Statements {
			texts = append(texts, &r.Statements[j].Text)
		}
	}
	people := t.Citizen.people()
	for _, text := range texts {
		for _, person := range people {
			*text = hidePerson(*text, person)
		}
	}
}

// people are the citizen and who files for the citizen.
func (c Citizen) people() []Citizen {
	list := []Citizen{c}
	if p := c.Proxy; p != nil {
		list = append(list, Citizen{Name: p.Name, Phone: p.Phone})
	}
	return list
}

// history is a ticket's events as the actor may see them: of a confidential
// ticket departments get no call, and texts without the citizen's name and number.
func (a Actor) history(t Ticket, events []Event) []Event {
	if !t.Confidential || a.Staff() {
		return events
	}
	shown := make([]Event, len(events))
	for i, e := range events {
		d := e.Decode()
		d.CallID = ""
		for _, text := range []*string{&d.Reason, &d.Answer, &d.Note, &d.Basis} {
			for _, person := range t.Citizen.people() {
				*text = hidePerson(*text, person)
			}
		}
		shown[i] = newEvent(Ticket{}, e.Type, e.Actor, e.At, d)
		shown[i].ID, shown[i].TicketID, shown[i].Version = e.ID, e.TicketID, e.Version
	}
	return shown
}
