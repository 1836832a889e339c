package acd_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

// model is the reference: plain maps, looked through from end to end. It does
// not decide. It checks each decision, carries it out, and then checks that
// nothing was left undone.
type model struct {
	now    time.Time
	queues map[string]acd.Queue
	calls  map[string]*mcall
	seats  map[string]*mseat
	skills map[string]map[string]int
	lasts  map[string]string // seat that was offered a caller last, by queue
	stamp  int
	order  int

	offers, overtaken int // seen, so that a test can tell that it saw any
}

type mcall struct {
	id, queue      string
	since, entered time.Time
	key            time.Time
	order          int
	needs          acd.Needs
	prefer         string
	callback       bool
	notUntil       time.Time
	offers         []string
	seat           string
	been           []string
	own            bool
}

type mseat struct {
	id, user, call  string
	presence        acd.Presence
	device          bool
	aside, wrapping bool
	talking         bool
	freeSince       int
	calls           int
	talked          time.Duration
	talkingAt       time.Time
}

func newModel(queues []acd.Queue) *model {
	md := &model{
		queues: map[string]acd.Queue{}, calls: map[string]*mcall{}, seats: map[string]*mseat{},
		skills: map[string]map[string]int{}, lasts: map[string]string{},
	}
	for _, q := range queues {
		md.queues[q.Name] = q
	}
	return md
}

func (s *mseat) state() acd.State {
	switch {
	case s.talking:
		return acd.StateTalking
	case s.call != "":
		return acd.StateRinging
	case s.presence == acd.Offline || !s.device:
		return acd.StateOffline
	case s.presence == acd.Break:
		return acd.StateBreak
	case s.aside:
		return acd.StateSetAside
	case s.wrapping:
		return acd.StateWrapUp
	default:
		return acd.StateReady
	}
}

func (md *model) seat(id string) *mseat {
	if md.seats[id] == nil {
		md.seats[id] = &mseat{id: id, presence: acd.Offline}
	}
	return md.seats[id]
}

func (md *model) serves(q, seat string) bool {
	return len(md.queues[q].Seats) == 0 || slices.Contains(md.queues[q].Seats, seat)
}

func (md *model) ready(q string) []*mseat {
	var ready []*mseat
	for id, s := range md.seats {
		if md.serves(q, id) && s.state() == acd.StateReady {
			ready = append(ready, s)
		}
	}
	return ready
}

func (md *model) staffed(q string) bool {
	for id, s := range md.seats {
		if st := s.state(); md.serves(q, id) && st != acd.StateOffline && st != acd.StateBreak {
			return true
		}
	}
	return false
}

// in lists the callers of a queue who do not talk yet, the best ranked first.
func (md *model) in(q string) []*mcall {
	var list []*mcall
	for _, c := range md.calls {
		if c.queue == q && c.seat == "" && !c.own {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, before)
	return list
}

func before(a, b *mcall) int {
	return cmp.Or(a.key.Compare(b.key), cmp.Compare(a.order, b.order))
}

func (md *model) waits(c *mcall) bool {
	return !c.own && c.seat == "" && (len(c.offers) == 0 || md.queues[c.queue].Strategy == acd.RingAll)
}

// able is the whole rule of who may be offered whom.
func (md *model) able(c *mcall, s *mseat) bool {
	if !md.serves(c.queue, s.id) || s.state() != acd.StateReady || md.now.Before(c.notUntil) || !md.capable(c, s) {
		return false
	}
	if c.prefer != "" && c.prefer == s.user {
		return true
	}
	for name, q := range md.queues {
		if name != c.queue && q.Reserve > 0 && md.serves(name, s.id) && len(md.ready(name)) <= q.Reserve {
			return false
		}
	}
	p := md.sits(c.prefer)
	if p == nil || !md.serves(c.queue, p.id) || p.presence != acd.Ready {
		return true
	}
	switch p.state() {
	case acd.StateReady:
		return !md.capable(c, p)
	case acd.StateRinging, acd.StateTalking, acd.StateWrapUp:
		return md.now.Sub(c.since) >= md.queues[c.queue].PreferFor
	}
	return true
}

func (md *model) capable(c *mcall, s *mseat) bool {
	all := []acd.Needs{c.needs}
	for _, r := range md.queues[c.queue].Rules {
		if r.Until == 0 || md.now.Sub(c.since) < r.Until {
			all = append(all, r.Needs)
			break
		}
	}
	for _, needs := range all {
		for skill, level := range needs {
			if md.skills[s.user][skill] < level {
				return false
			}
		}
	}
	return true
}

// sits is the seat of a user who is there, or nil.
func (md *model) sits(user string) *mseat {
	for _, s := range md.seats {
		if user != "" && s.user == user && s.presence != acd.Offline {
			return s
		}
	}
	return nil
}

// better tells whether a queue's strategy takes seat a before seat b.
func (md *model) better(q string, a, b *mseat) bool {
	switch md.queues[q].Strategy {
	case acd.FewestCalls:
		return cmp.Or(cmp.Compare(a.calls, b.calls), cmp.Compare(a.freeSince, b.freeSince)) < 0
	case acd.LeastTalk:
		return cmp.Or(cmp.Compare(a.talked, b.talked), cmp.Compare(a.freeSince, b.freeSince)) < 0
	case acd.RoundRobin:
		past := func(s *mseat) int {
			if s.id > md.lasts[q] {
				return 0
			}
			return 1
		}
		return cmp.Or(past(a)-past(b), cmp.Compare(a.id, b.id)) < 0
	}
	return a.freeSince < b.freeSince
}

func (md *model) free(s *mseat) {
	if s.talking {
		s.talked += md.now.Sub(s.talkingAt)
	}
	s.call, s.talking = "", false
}

func (md *model) drop(c *mcall) {
	for _, id := range append(slices.Clone(c.offers), c.seat) {
		if s := md.seats[id]; s != nil && s.call == c.id {
			md.free(s)
		}
	}
	delete(md.calls, c.id)
}

// world changes the model by what an event itself says.
func (md *model) world(ev acd.Event) {
	switch e := ev.(type) {
	case acd.SetPresence:
		if o := md.sits(e.User); e.Presence != acd.Offline && o != nil && o.id != e.Seat {
			o.presence = acd.Offline
		}
		s := md.seat(e.Seat)
		if s.user != e.User || s.presence == acd.Offline && e.Presence != acd.Offline {
			s.calls, s.talked = 0, 0
		}
		s.user, s.presence = e.User, e.Presence
	case acd.SetDevice:
		md.seat(e.Seat).device = e.Registered
	case acd.SetSkills:
		md.skills[e.User] = e.Skills
	case acd.Arrive:
		md.arrive(e)
	case acd.Park:
		if c := md.calls[e.Call]; c != nil && md.waits(c) && len(c.offers) == 0 {
			c.callback = true
		}
	case acd.Leave:
		if c := md.calls[e.Call]; c != nil {
			md.drop(c)
		}
	case acd.Failed:
		if c := md.calls[e.Call]; c != nil && slices.Contains(c.offers, e.Seat) {
			md.free(md.seats[e.Seat])
			c.offers = slices.DeleteFunc(c.offers, func(id string) bool { return id == e.Seat })
		}
	case acd.Seize:
		if s := md.seats[e.Seat]; s != nil && s.call == "" && md.calls[e.Call] == nil {
			md.calls[e.Call] = &mcall{id: e.Call, seat: e.Seat, own: true}
			s.call, s.talking, s.talkingAt = e.Call, true, md.now
		}
	}
}

func (md *model) arrive(e acd.Arrive) {
	if md.calls[e.Call] != nil {
		return
	}
	q := md.queues[e.Queue]
	md.order++
	since := md.now
	if !e.Since.IsZero() && e.Since.Before(since) {
		since = e.Since
	}
	step := cmp.Or(q.Step, acd.DefaultHeadstart)
	md.calls[e.Call] = &mcall{
		id: e.Call, queue: e.Queue, since: since, entered: md.now, order: md.order, needs: e.Needs, prefer: e.Prefer,
		callback: e.Callback, notUntil: e.NotUntil, been: []string{e.Queue},
		key: since.Add(-step * time.Duration(q.Priority+e.Priority)),
	}
}

func (md *model) full(q string, without *mcall) bool {
	n := 0
	for _, c := range md.in(q) {
		if c != without {
			n++
		}
	}
	return md.queues[q].MaxLength > 0 && n >= md.queues[q].MaxLength
}

// mayGo checks that a caller is sent on, or away, for a reason that holds.
func (md *model) mayGo(t require.TestingT, c *mcall, reason string) {
	q := md.queues[c.queue]
	require.Empty(t, c.offers)
	if reason == acd.ReasonQueueFull {
		require.Equal(t, md.now, c.entered)
		require.True(t, md.full(c.queue, c))
		return
	}
	require.False(t, c.callback, "a callback waits for ever")
	switch reason {
	case acd.ReasonMaxWait:
		require.GreaterOrEqual(t, md.now.Sub(c.entered), q.MaxWait)
	case acd.ReasonOverflow:
		require.GreaterOrEqual(t, md.now.Sub(c.entered), q.Overflow.After)
	case acd.ReasonNoAgent:
		require.False(t, md.staffed(c.queue))
	default:
		require.Fail(t, "no reason to go: "+reason)
	}
}

// decision checks one decision against the model and carries it out there.
func (md *model) decision(t require.TestingT, d acd.Decision) {
	c := md.calls[acd.CallOf(d)]
	if _, late := d.(acd.Withdraw); c == nil && acd.CallOf(d) != "" && !late {
		require.Fail(t, "decision for a call that is not there", "%#v", d)
	}
	switch d := d.(type) {
	case acd.Offer:
		md.offer(t, c, d)
	case acd.Withdraw:
		if c != nil && d.Reason != acd.ReasonLate {
			require.Contains(t, c.offers, d.Seat)
			md.free(md.seats[d.Seat])
			c.offers = slices.DeleteFunc(c.offers, func(id string) bool { return id == d.Seat })
		}
	case acd.Connect:
		require.Equal(t, []string{d.Seat}, c.offers, "all others are withdrawn before")
		s := md.seats[d.Seat]
		require.Equal(t, d.User, s.user)
		c.seat, c.offers = d.Seat, nil
		s.talking, s.talkingAt = true, md.now
		s.calls++
	case acd.Refuse:
		md.mayGo(t, c, d.Reason)
		md.drop(c)
	case acd.Divert:
		md.mayGo(t, c, d.Reason)
		require.Equal(t, md.queues[c.queue].Overflow.Number, d.Number)
		md.drop(c)
	case acd.Moved:
		md.mayGo(t, c, d.Reason)
		require.Equal(t, c.queue, d.From)
		require.Equal(t, md.queues[c.queue].Overflow.To, d.To)
		require.NotContains(t, c.been, d.To)
		require.False(t, md.full(d.To, nil))
		c.queue, c.entered, c.been = d.To, md.now, append(c.been, d.To)
	case acd.Announce:
		require.Same(t, c, md.in(c.queue)[d.Ahead])
		require.Empty(t, c.offers)
		require.False(t, c.callback)
		require.Equal(t, md.staffed(c.queue), d.Staffed)
	case acd.SeatChanged:
		s := md.seats[d.Seat]
		s.aside, s.wrapping = d.State == acd.StateSetAside, d.State == acd.StateWrapUp
		if d.State == acd.StateReady {
			md.stamp++
			s.freeSince = md.stamp
		}
	}
}

func (md *model) offer(t require.TestingT, c *mcall, d acd.Offer) {
	s := md.seats[d.Seat]
	require.True(t, md.waits(c), "second offer of one call")
	require.True(t, md.able(c, s), "%s is not able to take %s", d.Seat, d.Call)
	require.Equal(t, s.user, d.User)
	require.Equal(t, c.callback, d.Callback)
	for _, o := range md.calls {
		if o != c && md.waits(o) && md.able(o, s) && before(o, c) < 0 {
			require.Fail(t, "passed over", "%s for %s", o.id, c.id)
		}
		if o != c && md.waits(o) && o.order < c.order {
			md.overtaken++
		}
	}
	if d.Reason == acd.ReasonPreferred {
		require.Equal(t, c.prefer, s.user)
	} else {
		for _, o := range md.ready(c.queue) {
			must(t, o == s || !md.able(c, o) || !md.better(c.queue, o, s), "%s comes before %s", o.id, d.Seat)
		}
	}
	c.offers = append(c.offers, d.Seat)
	s.call = d.Call
	md.lasts[c.queue] = d.Seat
	md.offers++
}

// settled checks that nothing is lost, late, or left waiting beside a seat that is able.
func (md *model) settled(t require.TestingT, m *acd.Machine) {
	for id, s := range md.seats {
		v, ok := m.Seat(id)
		must(t, ok && s.state() == v.State && s.call == v.Call && s.calls == v.Calls && (s.talking || s.talked == v.Talked), "seat %s: want %+v, got %+v", id, *s, v)
	}
	waiting := 0
	for _, q := range m.Queues() {
		var ids []string
		for _, c := range q.Callers {
			ids = append(ids, c.Call)
		}
		var want []string
		for _, c := range md.in(q.Name) {
			want = append(want, c.id)
			md.punctual(t, c)
		}
		must(t, slices.Equal(want, ids), "order of %s: want %v, got %v", q.Name, want, ids)
		must(t, len(md.ready(q.Name)) == q.Ready, "ready seats of %s: %d", q.Name, q.Ready)
		waiting += len(ids)
	}
	must(t, waiting == m.Waiting(), "%d waiting", m.Waiting())
	for id, c := range md.calls {
		if c.own {
			continue
		}
		v, ok := m.Caller(id)
		must(t, ok, "call %s is lost", id)
		must(t, v.Talking == (c.seat != "") && v.Offers == len(c.offers), "call %s: want %+v, got %+v", id, *c, v)
		for _, s := range md.seats {
			must(t, !md.waits(c) || !md.able(c, s), "%s waits beside %s", id, s.id)
		}
	}
}

// must fails the test unless ok. It costs nothing when all is well, as what is checked after each event has to.
func must(t require.TestingT, ok bool, format string, args ...any) {
	if !ok {
		require.Fail(t, fmt.Sprintf(format, args...))
	}
}

// punctual checks that whoever waits has not waited too long.
func (md *model) punctual(t require.TestingT, c *mcall) {
	q := md.queues[c.queue]
	if c.callback || len(c.offers) > 0 {
		return
	}
	must(t, q.MaxWait == 0 || md.now.Sub(c.entered) < q.MaxWait, "%s should have gone", c.id)
	must(t, q.NoAgent != acd.NoAgentLeave || q.NoAgentAfter > 0 || md.staffed(c.queue), "nobody serves %s", c.id)
}

func (md *model) check(t require.TestingT, m *acd.Machine, ds []acd.Decision) {
	for _, d := range ds {
		md.decision(t, d)
	}
	md.settled(t, m)
}
