package interop

import (
	"fmt"
	"strings"
	"time"

	"hotline/cmd/hotline/testbed"
)

// baresip is a phone on baresip.
type baresip struct {
	*testbed.Baresip
	s    *stage
	keys string // pressed at the other side so far
}

// baresip starts a phone; a seat registers by itself.
func (s *stage) baresip(user string, a access) *baresip {
	s.Helper()
	account := fmt.Sprintf("<sip:%s@%s;transport=%s>;audio_codecs=PCMU/8000/1;answermode=manual;ptime=20", user, s.addr(a.network), a.network)
	settings := ""
	if a.seat {
		account += ";regint=300;auth_pass=" + secret
	} else {
		account += ";regint=0"
	}
	if a.proxy != "" {
		account += fmt.Sprintf(";outbound=\"sip:%s;transport=%s\"", a.proxy, a.network)
	}
	switch a.media {
	case "srtp":
		account += ";mediaenc=srtp-mand"
		settings += "module srtp.so\n"
	case "dtls":
		account += ";mediaenc=dtls_srtp"
		settings += "module dtls_srtp.so\n"
	}
	if a.network == "tls" {
		settings += "sip_cafile " + s.ca + "\n"
	}
	return &baresip{s: s, Baresip: testbed.StartBaresip(s, testbed.BaresipOptions{Account: account, Tone: toneForeign, Settings: settings})}
}

// event takes events until one of a type comes.
func (p *baresip) event(kind string) {
	p.s.Helper()
	for {
		e := p.Next(kind)
		if e.Type == "CALL_DTMF_START" {
			p.keys += e.Param
		}
		if e.Type == kind {
			return
		}
	}
}

func (p *baresip) dial(to string)     { p.Command("dial", to); p.event("CALL_ESTABLISHED") }
func (p *baresip) rings()             { p.event("CALL_INCOMING") }
func (p *baresip) answer()            { p.Command("accept", ""); p.event("CALL_ESTABLISHED") }
func (p *baresip) press(d string)     { p.Command("sndcode", d) }
func (p *baresip) hold()              { p.Command("hold", "") }
func (p *baresip) resume()            { p.Command("resume", "") }
func (p *baresip) hangup()            { p.Command("hangup", "") }
func (p *baresip) over()              { p.event("CALL_CLOSED") }
func (p *baresip) transfer(to string) { p.Command("transfer", to) }

func (p *baresip) pressed(digits string) {
	for !strings.Contains(p.keys, digits) {
		p.event("CALL_DTMF_START")
	}
}

func (p *baresip) hears(tone float64) {
	p.s.Helper()
	testbed.Await(p.s, fmt.Sprintf("baresip hearing %.0f Hz", tone), func() bool { return p.Hears(tone, 200*time.Millisecond) })
}

func baresipCells() []cell {
	return phoneCells("baresip 1.0", func(s *stage, user string, a access) station { return s.baresip(user, a) },
		access{network: "udp"}, access{network: "tcp"}, access{network: "udp", media: "srtp"},
		access{network: "tls", media: "srtp"})
}
