package drill

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// citizen makes one exchange after another.
type citizen struct {
	*monkey
	seat bool // it calls as a seat, and is challenged
}

// pump handles what comes until done says so or the time is over.
func (c *citizen) pump(t *talk, d time.Duration, done func(wire) bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case w, ok := <-c.in:
			if !ok {
				return false
			}
			if w.status() == 0 {
				c.obey(w)
			} else if done != nil && w.h["call-id"] == t.id && done(w) {
				return true
			}
		case <-timer.C:
			return false
		}
	}
}

// obey answers a request of the centre, mostly as it should.
func (m *monkey) obey(w wire) {
	if w.method() == "ACK" || m.roll(30) == 0 {
		return
	}
	code, body := 200, ""
	if w.method() == "INVITE" || w.method() == "UPDATE" {
		body = monkeySDP
		switch m.roll(10) {
		case 0:
			code, body = 491, ""
		case 1:
			code, body = 488, ""
		}
	}
	if m.roll(60) == 0 {
		code, body = 481, ""
	}
	m.reply(w, code, "", body)
}

// exchange is one INVITE and what may come of it.
func (c *citizen) exchange() {
	number := "138" + strconv.Itoa(10000000+c.roll(80000000))
	called := "12345"
	if c.seat {
		number, called = c.user, fmt.Sprintf("80%02d", 1+c.roll(20))
	}
	t := c.newTalk(called, number)
	t.extra = []string{"X-None: 1", "Supported: 100rel, timer", "Require: 100rel", "Session-Expires: 120\r\nSupported: timer",
		"Supported: timer\r\nSession-Expires: 30", "Require: teleport"}[min(c.roll(12), 5)]
	if c.roll(8) > 0 && strings.HasPrefix(t.extra, "Require: t") {
		t.extra = "X-None: 1"
	}
	body := monkeySDP
	if c.roll(10) == 0 {
		body = "" // late offer
	}
	invite := func() string {
		extra := []string{t.extra}
		if t.auth != "" {
			extra = append(extra, t.auth)
		}
		return t.request("INVITE", t.seq, t.branch, "application/sdp", body, extra...)
	}
	cancel := func() string { return t.request("CANCEL", t.seq, t.branch, "", "") }
	c.send(invite())
	switch c.roll(20) {
	case 0: // CANCEL at once, or before the INVITE arrives
		c.send(cancel())
	case 1: // merged
		c.send(t.request("INVITE", t.seq, c.name("z9hG4bK"), "application/sdp", body))
	case 2: // truncated
		text := invite()
		c.send(text[:c.roll(len(text))])
	}
	cancels := c.roll(4) == 0
	if cancels {
		c.pump(t, time.Duration(c.roll(20000))*time.Microsecond, nil)
		c.send(cancel())
	}
	if !c.answered(t, invite, cancel, cancels) {
		return
	}
	c.inCall(t)
}

// answered leads the INVITE to its final response, repeating what is lost; true when that is a 2xx that was acknowledged.
func (c *citizen) answered(t *talk, invite, cancel func() string, cancels bool) bool {
	status := 0
	final := func(w wire) bool {
		if w.method() != "INVITE" {
			return false
		}
		code := w.status()
		switch {
		case code < 200:
			if w.h["rseq"] != "" && c.roll(10) > 0 {
				t.remote = w.h["to"]
				c.send(t.within("PRACK", "", "", "RAck: "+w.h["rseq"]+" "+w.h["cseq"]))
			}
			return false
		case code >= 300:
			was := t.remote
			t.remote = w.h["to"]
			c.send(t.request("ACK", number(w.h["cseq"]), t.branch, "", ""))
			t.remote = was
			if code == 401 && t.auth == "" {
				t.auth = c.digest(w.h["www-authenticate"], "INVITE", t.uri)
				t.seq++
				t.branch = c.name("z9hG4bK")
				c.send(invite())
				return false
			}
		}
		status = code
		t.remote = w.h["to"]
		return true
	}
	for try := range 4 {
		if c.pump(t, time.Duration(60<<try)*time.Millisecond, final) {
			break
		}
		if cancels {
			c.send(cancel())
		} else if try < 2 {
			c.send(invite())
		}
	}
	if status < 200 || status > 299 {
		return false
	}
	if c.roll(12) == 0 { // the ACK never comes: the centre has to end it
		return false
	}
	t.acked(number2xx(t))
	return true
}

func number(cseq string) int {
	n, _, _ := strings.Cut(cseq, " ")
	v, _ := strconv.Atoi(n)
	return v
}

func number2xx(t *talk) int {
	if t.auth != "" {
		return 2
	}
	return 1
}

// acked sends the ACK to a 2xx.
func (t *talk) acked(seq int) {
	t.m.send(t.request("ACK", seq, t.m.name("z9hG4bK"), "", ""))
}

// inCall asks for a person, does this and that, and hangs up.
func (c *citizen) inCall(t *talk) {
	again := func(w wire) bool { // a 200 that comes again wants its ACK again
		if w.method() == "INVITE" && w.status() >= 200 && w.status() < 300 && c.roll(8) > 0 {
			t.acked(number(w.h["cseq"]))
		}
		return false
	}
	key := t.within("INFO", "application/dtmf-relay", "Signal=0\r\n")
	c.send(key)
	if c.roll(3) == 0 {
		c.send(key)
	}
	for range c.roll(6) {
		c.pump(t, time.Duration(c.roll(60000))*time.Microsecond, again)
		if c.roll(2) == 0 {
			c.send(t.mischief())
		}
	}
	c.pump(t, time.Duration(c.roll(120))*time.Millisecond, again)
	if c.roll(25) == 0 {
		return // gone without a word
	}
	bye := t.within("BYE", "", "")
	for range 4 {
		c.send(bye)
		if c.pump(t, 50*time.Millisecond, func(w wire) bool { return w.method() == "BYE" }) {
			return
		}
	}
}

// operator is the phone of a seat: it answers for ever.
type operator struct {
	*monkey
	mu    sync.Mutex
	seen  map[string]bool // INVITEs by branch
	calls map[string]wire // the INVITE of each Call-ID, for CANCEL
	acks  map[string]bool
}

func (o *operator) run() {
	for w := range o.in {
		if w.status() > 0 {
			continue
		}
		switch {
		case w.method() == "INVITE" && tagIn(w.h["to"]) == "":
			o.invited(w)
		case w.method() == "ACK":
			o.note(o.acks, w.h["call-id"])
		case w.method() == "CANCEL":
			o.reply(w, 200, "t0", "")
			o.mu.Lock()
			inv, ok := o.calls[w.h["call-id"]]
			o.mu.Unlock()
			if ok && o.roll(5) > 0 {
				o.reply(inv, 487, "t0", "")
			} else if ok {
				o.answer(inv, 1)
			}
		default:
			o.obey(w)
		}
	}
}

func (o *operator) note(set map[string]bool, key string) (fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh = !set[key]
	if len(set) > 5000 {
		clear(set)
	}
	set[key] = true
	return fresh
}

func (o *operator) after(most time.Duration, f func()) {
	time.AfterFunc(time.Duration(o.roll(int(most/time.Microsecond)))*time.Microsecond, f)
}

func (o *operator) invited(w wire) {
	if !o.note(o.seen, w.vias[0]) {
		return
	}
	o.mu.Lock()
	if len(o.calls) > 5000 {
		clear(o.calls)
	}
	o.calls[w.h["call-id"]] = w
	o.mu.Unlock()
	for range o.roll(4) {
		o.reply(w, 180, "t"+strconv.Itoa(o.roll(2)), "")
	}
	if o.roll(4) == 0 && strings.Contains(w.h["supported"], "100rel") {
		o.reply(w, 183, "t0", monkeySDP, "Require: 100rel", "RSeq: "+strconv.Itoa(1+o.roll(100)))
	}
	o.after(40*time.Millisecond, func() {
		switch o.roll(20) {
		case 0, 1:
			o.reply(w, 486, "t0", "")
		case 2:
			o.reply(w, 302, "t0", "", "Contact: <sip:8009@"+o.addr()+">")
		case 3:
			o.reply(w, 422, "t0", "", "Min-SE: 3600")
		case 4: // lets it ring
		default:
			o.answer(w, 1+max(0, o.roll(6)-3))
		}
	})
}

// answer sends the 200s of some forks, again until an ACK comes, and leads the call.
func (o *operator) answer(w wire, forks int) {
	extra := []string{"Allow: INVITE, ACK, BYE, UPDATE", "Session-Expires: 120;refresher=uac", "Allow: INVITE, BYE"}[o.roll(3)]
	for i := range forks {
		tag := "t" + strconv.Itoa(i)
		for try := range 4 {
			time.AfterFunc(time.Duration(try*try*50)*time.Millisecond, func() {
				o.mu.Lock()
				acked := o.acks[w.h["call-id"]] && forks == 1
				o.mu.Unlock()
				if !acked {
					o.reply(w, 200, tag, monkeySDP, extra)
				}
			})
		}
	}
	// The dialog of each fork goes its own way; the centre keeps one of them.
	for i := range forks {
		t := o.answering(w, "t"+strconv.Itoa(i))
		o.after(150*time.Millisecond, func() {
			for range o.roll(4) {
				o.send(t.mischief())
			}
			o.after(300*time.Millisecond, func() {
				bye := t.within("BYE", "", "")
				for try := range 5 {
					time.AfterFunc(time.Duration(try*try*30)*time.Millisecond, func() { o.send(bye) })
				}
			})
		})
	}
}
