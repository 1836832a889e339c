package city

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"hotline/ticketing"
	"hotline/ticketing/sla"
)

// seatCount is how many seats the made-up centre has: 8001 and up, with the
// users agent1 and up.
const seatCount = 20

// maker makes up one case after the other for one iteration.
type maker struct {
	g    *Generator
	w    writer
	zipf *rand.Zipf
	seat [seatCount][2]string // number and user
}

func newMaker(g *Generator) *maker {
	m := &maker{g: g, w: writer{b: make([]byte, 0, 2048)}}
	for i := range m.seat {
		m.seat[i] = [2]string{strconv.Itoa(8001 + i), "agent" + strconv.Itoa(i+1)}
	}
	return m
}

func (m *maker) make(r *rand.Rand, seq int, a arrival) Case {
	g, w := m.g, &m.w
	if m.zipf == nil {
		// The generator's own source behind r is seeded anew for each case, and
		// Zipf keeps no state but its parameters.
		m.zipf = rand.NewZipf(r, 1.15, 60, uint64(g.opts.Callers-1))
	}
	at := time.UnixMilli(a.ms).In(sla.Zone)
	workday := g.clock.calendar.Workday(at)
	w.r, w.hour = r, at.Hour()
	c := Case{Seq: seq, ArrivedAt: at, Channel: pickChannel(r), Urgency: ticketing.Normal}

	c.Caller = int(m.zipf.Uint64())
	w.who = makePerson(g.seed, c.Caller)
	var burst *Outbreak
	if a.burst >= 0 {
		burst = &g.outbreaks[a.burst]
		c.Outbreak = burst.ID
		w.leaf = g.leaves[g.index[burst.Category]]
	} else {
		w.leaf = g.leaves[g.clock.table(at, workday).pick(r.Float64())]
	}
	c.Appeal.Category = w.leaf.code
	c.Appeal.Type = pickType(r, w.leaf.mix)
	if burst != nil && c.Appeal.Type == ticketing.Praise {
		c.Appeal.Type = ticketing.Complaint
	}
	place := m.where(r, burst)
	m.locate(r, &c, place)
	m.department(&c)

	w.noun = strings.TrimSuffix(pick(r, w.leaf.titles), "咨询")
	again := c.Caller < g.opts.Callers/20
	c.Appeal.Title = w.title(c.Appeal.Type)
	c.Appeal.Description = w.description(&c, again)
	m.person(r, &c)
	m.urgency(r, &c)
	c.ID = uuid7(at, r)
	m.live(r, &c)
	return c
}

// where chooses the place: the caller's own estate half of the time.
func (m *maker) where(r *rand.Rand, burst *Outbreak) *Place {
	g := m.g
	if burst != nil {
		return g.placed[burst.Place]
	}
	if len(g.all) == 0 {
		return nil
	}
	if homes := g.places['r']; m.w.leaf.bothers() && len(homes) > 0 && r.IntN(2) == 0 {
		return homes[m.w.who.home%uint64(len(homes))]
	}
	list := g.kindOf(r, m.w.leaf)
	return list[int(math.Pow(r.Float64(), 1.6)*float64(len(list)))]
}

func (m *maker) locate(r *rand.Rand, c *Case, p *Place) {
	g, w := m.g, &m.w
	if p == nil {
		if len(g.districts) > 0 {
			c.Appeal.District = pick(r, g.districts)
		}
		w.place = g.names["d:"+c.Appeal.District]
		c.Appeal.Address = w.place
		return
	}
	c.Place, c.Street, c.Appeal.District = p.Name, p.Street, p.District
	district := g.names["d:"+p.District]
	w.place = w.wording(p, district)
	c.Appeal.Address = w.address(p, district, g.names["d:"+p.Street])
	if r.IntN(10) < 8 {
		const spread = 0.0006 // degrees; about 60 m
		c.Appeal.Location = &ticketing.Point{Lon: round5(p.Lon + spread*r.NormFloat64()), Lat: round5(p.Lat + spread*r.NormFloat64()), Datum: "gcj02"}
	}
}

func round5(x float64) float64 { return math.Round(x*1e5) / 1e5 }

func (m *maker) department(c *Case) {
	g := m.g
	where := c.Street
	if where == "" {
		where = c.Appeal.District
	}
	c.Department = g.lookup.department(c.Appeal.Category, where)
	if c.Department == "" {
		c.Desk = true
		if c.Department = g.fallback[c.Appeal.District]; c.Department == "" {
			c.Department = g.fallback[""]
		}
	}
	m.w.unit = g.names["u:"+c.Department]
}

func (m *maker) person(r *rand.Rand, c *Case) {
	who := m.w.who
	c.Citizen = ticketing.Citizen{Name: who.name, Phone: who.phone}
	switch u := r.Float64(); {
	case u < .03:
		c.Citizen.Anonymous, c.Citizen.Name = true, ""
	case u < .30:
		c.Citizen.Name = who.salutation() // as operators often put it
	}
	c.Confidential = r.Float64() < .02 || c.Appeal.Type == ticketing.Report && r.Float64() < .12
}

func (m *maker) urgency(r *rand.Rand, c *Case) {
	if c.Appeal.Type == ticketing.Inquiry || c.Appeal.Type == ticketing.Suggestion || c.Appeal.Type == ticketing.Praise {
		return
	}
	switch {
	case m.w.leaf.deadly:
		c.Urgency = ticketing.Critical
	case m.w.leaf.urgent && r.Float64() < .6, r.Float64() < .01:
		c.Urgency = ticketing.Urgent
	}
}

// line is the number called and the key pressed.
func (m *maker) line(r *rand.Rand, c *Case) {
	c.Line = "12345"
	if strings.HasPrefix(c.Appeal.Category, "market-") && r.Float64() < .3 {
		c.Line = "12315"
	}
	switch u := r.Float64(); {
	case u < .15:
	case u < .30:
		c.Digit = "0"
	case c.Appeal.Type == ticketing.Inquiry:
		c.Digit = "1"
	default:
		c.Digit = "2"
	}
}
