package city

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hotline/ticketing"
)

// Bounds of the generated texts, in characters.
const (
	MaxTitle       = 48
	MinDescription = 8
	MaxDescription = 320
)

// writer composes the texts of one case. It is reused from case to case.
type writer struct {
	r     *rand.Rand
	b     []byte
	leaf  *leaf
	who   person
	noun  string // of the title
	place string // as the caller words it
	unit  string // name of the department
	ask   template
	reply template
	hour  int
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (w *writer) text(s string) { w.b = append(w.b, s...) }

// fill writes a sentence of words.go, in which every slot may stand.
func (w *writer) fill(s string) {
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			w.text(s)
			return
		}
		w.text(s[:i])
		w.slot(s[i+1])
		s = s[i+3:]
	}
}

func (w *writer) template(t template) {
	for _, s := range t {
		w.text(s.text)
		if s.slot != 0 {
			w.slot(s.slot)
		}
	}
}

func (w *writer) slot(slot byte) {
	switch slot {
	case 'p':
		w.text(w.place)
	case 't':
		w.text(w.timeOfDay())
	case 'd':
		if w.leaf.urgent {
			w.text(pick(w.r, shortDurations))
		} else {
			w.text(pick(w.r, durations))
		}
	case 'n':
		w.b = append(w.b, byte('2'+w.r.IntN(8)))
	case 'm':
		w.b = strconv.AppendInt(w.b, int64(11+w.r.IntN(79)), 10)
	case 'y':
		w.text(pick(w.r, amounts))
	case 'w':
		w.b = strconv.AppendInt(w.b, int64(11+w.r.IntN(6)), 10)
	case 'c':
		w.text(w.who.salutation())
	case 'h':
		w.text(w.noun)
	case 'u':
		w.text(w.unit)
	case 'a':
		w.template(w.ask)
	case 'b':
		w.hurry()
	case 'r':
		w.template(w.reply)
	}
}

// hurry writes what is asked for after a 尽快 of its own.
func (w *writer) hurry() {
	from := len(w.b)
	w.template(w.ask)
	if rest, ok := strings.CutPrefix(string(w.b[from:]), "尽快"); ok {
		w.b = append(w.b[:from], rest...)
	}
}

func (w *writer) timeOfDay() string {
	if w.leaf.urgent {
		return pick(w.r, startTimes)
	}
	for _, tag := range w.leaf.tags {
		switch tag {
		case "night":
			return pick(w.r, nightTimes)
		case "eve":
			return pick(w.r, eveningTimes)
		}
	}
	switch {
	case w.hour < 6:
		return pick(w.r, nightTimes)
	case w.hour >= 19:
		return pick(w.r, eveningTimes)
	}
	return pick(w.r, dayTimes)
}

// choose prefers a sentence that suits the wording of the place.
func (w *writer) choose(list []template) template {
	t := pick(w.r, list)
	for range 3 {
		if !strings.HasSuffix(w.place, "口") || len(t) < 2 || !strings.HasPrefix(t[1].text, "门口") {
			break
		}
		t = pick(w.r, list)
	}
	return t
}

func (w *writer) title(kind ticketing.AppealType) string {
	w.b = w.b[:0]
	switch kind {
	case ticketing.Inquiry:
		w.fill(pick(w.r, inquiryTitles))
	case ticketing.Praise:
		w.fill("表扬{p}{h}办理")
	case ticketing.Suggestion:
		w.fill("建议改进{p}{h}")
	default:
		w.fill(pick(w.r, titleForms))
	}
	return bounded(w.b, MaxTitle)
}

// description writes what the operator or the citizen put down. It also tells
// where the matter and the request stand in it.
func (w *writer) description(c *Case, again bool) string {
	w.b = w.b[:0]
	phone := c.Channel == ticketing.ByPhone
	switch c.Appeal.Type {
	case ticketing.Inquiry:
		w.inquiry(c, phone)
	case ticketing.Praise:
		c.core[0] = len(w.b)
		w.fill(pick(w.r, praises))
		c.core[1] = len(w.b)
	default:
		w.matter(c, phone, again)
	}
	return bounded(w.b, MaxDescription)
}

func (w *writer) inquiry(c *Case, phone bool) {
	if phone {
		w.fill(pick(w.r, inquiryPhone))
	} else {
		w.fill(pick(w.r, inquiryOnline))
	}
	c.core[0] = len(w.b)
	w.template(pick(w.r, w.leaf.questions))
	c.core[1] = len(w.b)
	w.text("？")
	if w.r.IntN(4) == 0 {
		w.text("目前的情况是")
		w.template(w.choose(w.leaf.problems))
		w.text("。")
	}
	w.fill(pick(w.r, inquiryTails))
}

func (w *writer) matter(c *Case, phone, again bool) {
	openings, asks := onlineOpenings, onlineAsks
	if phone {
		openings, asks = phoneOpenings, phoneAsks
	}
	w.fill(pick(w.r, openings))
	if again && w.r.IntN(3) == 0 {
		w.fill(pick(w.r, repeats))
	} else {
		w.text(pick(w.r, whens))
	}
	c.core[0] = len(w.b)
	w.template(w.choose(w.leaf.problems))
	c.core[1] = len(w.b)
	detail := w.r.IntN(len(w.leaf.details))
	if w.r.IntN(6) > 0 {
		w.text("，")
		w.template(w.leaf.details[detail])
	}
	if len(w.leaf.details) > 1 && w.r.IntN(3) == 0 {
		w.text("，")
		w.template(w.leaf.details[(detail+1)%len(w.leaf.details)])
	}
	w.text("。")
	w.text(pick(w.r, histories))
	w.ask = pick(w.r, w.leaf.asks)
	c.ask[0] = len(w.b)
	if c.Appeal.Type == ticketing.Suggestion {
		w.fill(pick(w.r, suggestions))
	} else {
		w.fill(pick(w.r, asks))
	}
	c.ask[1] = len(w.b)
	w.text(pick(w.r, closings))
}

func (w *writer) answer(direct bool) string {
	w.b = w.b[:0]
	if direct {
		w.fill(pick(w.r, directForms))
	} else {
		w.reply = pick(w.r, w.leaf.replies)
		w.fill(pick(w.r, replyForms))
	}
	return string(w.b)
}

// bounded cuts b at limit characters.
func bounded(b []byte, limit int) string {
	if len(b) <= limit {
		return string(b)
	}
	n := 0
	for i := 0; i < len(b); n++ {
		if n == limit {
			return string(b[:i])
		}
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return string(b)
}

// wording is how the caller names the place in a sentence.
func (w *writer) wording(p *Place, district string) string {
	name := p.Name
	if len(p.Aliases) > 0 && w.r.IntN(3) == 0 {
		name = pick(w.r, p.Aliases)
	}
	w.b = w.b[:0]
	if w.r.IntN(4) == 0 && !strings.HasPrefix(name, district) {
		w.text(district)
	}
	w.text(name)
	if w.r.IntN(5) == 0 && strings.Contains("rsmhpf", p.Kind) {
		w.text(pick(w.r, sides))
	}
	return string(w.b)
}

// address is what stands in the address field.
func (w *writer) address(p *Place, district, street string) string {
	w.b = w.b[:0]
	if w.r.IntN(3) > 0 && !strings.HasPrefix(p.Name, district) {
		w.text(district)
	}
	if w.r.IntN(2) == 0 {
		w.text(street)
	}
	w.text(p.Name)
	number := func(n int, unit string) {
		w.b = strconv.AppendInt(w.b, int64(1+w.r.IntN(n)), 10)
		w.text(unit)
	}
	switch p.Kind {
	case "r":
		number(28, "号楼")
		if w.r.IntN(2) == 0 {
			number(4, "单元")
			number(18, "0")
			number(4, "室")
		}
	case "d":
		if !strings.HasSuffix(p.Name, "口") {
			number(320, "号")
		}
	case "v":
		number(9, "组")
	default:
		if w.r.IntN(3) == 0 {
			w.text(pick(w.r, sides))
		}
	}
	return string(w.b)
}

// uuid7 is an RFC 9562 version 7 UUID of a moment.
func uuid7(at time.Time, r *rand.Rand) string {
	const hex = "0123456789abcdef"
	ms := uint64(at.UnixMilli())
	hi := ms<<16 | 7<<12 | r.Uint64()&0xfff
	lo := 2<<62 | r.Uint64()>>2
	var b [36]byte
	j := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			b[j] = '-'
			j++
		}
		v := hi
		if i >= 16 {
			v = lo
		}
		b[j] = hex[v>>(60-4*(i%16))&15]
		j++
	}
	return string(b[:])
}
