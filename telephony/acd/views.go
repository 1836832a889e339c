package acd

// Seats lists all seats, by id.
func (m *Machine) Seats() []SeatView {
	views := make([]SeatView, 0, len(m.seats))
	for _, id := range m.ids {
		v, _ := m.Seat(id)
		views = append(views, v)
	}
	return views
}

// Seat returns one seat; false when the machine has never heard of it.
func (m *Machine) Seat(id string) (SeatView, bool) {
	s := m.seats[id]
	if s == nil {
		return SeatView{}, false
	}
	return SeatView{
		Seat: s.id, User: s.user, Presence: s.presence, Reason: s.reason, Registered: s.registered,
		State: s.state, Since: s.since, Until: s.until, Call: s.call,
	}, true
}

// Caller returns one caller; false when it is not in a queue nor talking.
func (m *Machine) Caller(call string) (CallerView, bool) {
	c := m.callers[call]
	if c == nil {
		return CallerView{}, false
	}
	v := c.view()
	for i, o := range c.queue.callers {
		if o == c {
			v.Position = i + 1
		}
	}
	return v, true
}

func (c *caller) view() CallerView {
	v := CallerView{Call: c.id, Queue: c.queue.cfg.Name, Since: c.since, Talking: c.phase == talking}
	if c.seat != nil {
		v.Seat = c.seat.id
	}
	return v
}

// Queues lists all queues in configured order.
func (m *Machine) Queues() []QueueView {
	views := make([]QueueView, 0, len(m.names))
	for _, name := range m.names {
		q := m.queues[name]
		v := QueueView{Name: name, Callers: make([]CallerView, 0, len(q.callers))}
		for i, c := range q.callers {
			cv := c.view()
			cv.Position = i + 1
			v.Callers = append(v.Callers, cv)
		}
		for _, s := range m.seats {
			if !q.serves(s.id) {
				continue
			}
			switch s.state {
			case StateReady:
				v.Ready++
			case StateRinging, StateTalking, StateWrapUp:
				v.Busy++
			case StateBreak, StateSetAside:
				v.Away++
			case StateOffline:
			}
		}
		views = append(views, v)
	}
	return views
}
