package sqlstore_test

import (
	"slices"
	"time"

	"hotline/ticketing"
	"hotline/ticketing/sla/slatest"
)

// limit is what the model knows of a clock's length.
type limit struct {
	minutes int // any hour
	days    int // working days
}

// watch is one clock of the model.
type watch struct {
	start, stop time.Time
	limit       limit
	fixed       time.Time
	pauses      []slatest.Pause
	extended    []int
	cap         time.Time // of a level's clock that stopped: what it could be at most
}

// model is a ticket as the rules of the field say it, written anew: no table,
// no events, only what must be.
type model struct {
	c       *slatest.Calculator
	now     time.Time
	version int64
	state   ticketing.State
	urgent  bool

	department, upper string // upper gave it on
	designated        bool
	reachable         bool // the contact clock began since the centre's dispatch
	firstDispatch     bool // the resolve clock began with the dispatch that stands
	stage             string

	asked       map[ticketing.RecordKind]bool
	days        int // of the extension that is asked for
	extended    int // in this round
	until       time.Time
	suspensions int
	hops        int
	returnDue   *watch
	share       string // "", "open", "signed"
	supervised  bool
	rounds      int
	rectifying  bool
	rated       string // "", "written", "own"
	closedAt    time.Time
	clocks      map[string]*watch
}

func newModel(c *slatest.Calculator, now time.Time) *model {
	return &model{c: c, now: now, version: 1, state: ticketing.Draft, asked: map[ticketing.RecordKind]bool{}, clocks: map[string]*watch{}}
}

func (m *model) due(w *watch) time.Time {
	if !w.fixed.IsZero() {
		return w.fixed
	}
	var due time.Time
	if w.limit.minutes > 0 {
		due = m.c.Run(w.start, w.limit.minutes, true, w.pauses)
	} else {
		due = m.c.Days(w.start, w.limit.days, w.pauses)
	}
	for _, days := range w.extended {
		due = m.c.Days(due, days, w.pauses)
	}
	return due
}

// limitOf are the default limits, urgency looked at.
func (m *model) limitOf(name string) limit {
	normal := map[string]limit{
		"dispatch": {minutes: 30}, "sign": {days: 1}, "contact": {days: 1}, "return": {days: 1}, "resolve": {days: 5}, "level": {days: 3},
		"share_sign": {days: 1}, "share": {days: 3}, "follow_up": {days: 2}, "rectify": {days: 10},
	}[name]
	if m.urgent {
		switch name {
		case "dispatch":
			return limit{minutes: 10}
		case "resolve":
			return limit{minutes: 24 * 60}
		case "level", "share":
			return limit{minutes: 12 * 60}
		}
	}
	return normal
}

func (m *model) begin(key string) *watch {
	name := key
	if i := slices.Index([]byte(key), '@'); i >= 0 {
		name = key[:i]
	}
	w := &watch{start: m.now, limit: m.limitOf(name)}
	m.clocks[key] = w
	return w
}

func (m *model) end(keys ...string) {
	for _, key := range keys {
		if w := m.clocks[key]; w != nil && w.stop.IsZero() {
			w.stop = m.now
			if key == "level@A1" {
				w.cap = m.due(m.clocks["resolve"])
			}
		}
	}
}

func (m *model) endAll(but ...string) {
	for key := range m.clocks {
		if !slices.Contains(but, key) {
			m.end(key)
		}
	}
}

func (m *model) anyAsked() bool {
	for kind, yes := range m.asked {
		if yes && kind != ticketing.RecordWithdrawal {
			return true
		}
	}
	return false
}

func (m *model) forget() {
	for kind := range m.asked {
		if kind != ticketing.RecordWithdrawal {
			m.asked[kind] = false
		}
	}
}

func (m *model) working() bool {
	return m.state == ticketing.Dispatched || m.state == ticketing.InProgress
}

func (m *model) atDepartment() bool {
	return m.working() || m.state == ticketing.Suspended || m.state == ticketing.InReview
}

func (m *model) open() bool { return m.atDepartment() || m.state == ticketing.Accepted }

// give puts a department in charge.
func (m *model) give(to string, down bool) {
	m.end("sign", "return", "level@"+m.department)
	if !down {
		m.end("contact")
		m.reachable = false
	}
	m.end("dispatch")
	m.department, m.state = to, ticketing.Dispatched
	m.begin("sign")
	m.returnDue = m.begin("return")
	m.firstDispatch = false
	if !down && m.clocks["resolve"] == nil {
		m.begin("resolve")
		m.firstDispatch = true
	}
}

// close ends everything but what is rectified.
func (m *model) close(state ticketing.State) {
	m.state = state
	m.endAll("rectify")
	m.forget()
	m.asked[ticketing.RecordWithdrawal] = false
	m.share, m.supervised = "", false
}

func (m *model) again() {
	m.state = ticketing.InProgress
	m.end("follow_up")
	m.begin("resolve")
	m.rounds++
	m.extended = 0
	m.rated = ""
	m.stage = ""
}

func (m *model) rectify() {
	if !m.rectifying {
		m.rectifying = true
		m.begin("rectify")
	}
}

// rate tells whether the rating counts.
func (m *model) rate(own bool) bool {
	if m.rated == "own" || m.rated == "written" && !own {
		return false
	}
	m.rated = "written"
	if own {
		m.rated = "own"
	}
	return true
}
