package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
)

// pjsua is a phone on pjsip, driven by JSON lines; see pjsua/phone.py.
type pjsua struct {
	s       *stage
	a       access
	in      io.Writer
	number  int
	answers chan pjsuaAnswer
	events  chan pjsuaAnswer
	keys    string // pressed at the other side so far
}

// pjsuaAnswer is a line that the phone says.
type pjsuaAnswer struct {
	ID      int     `json:"id"`
	Error   string  `json:"error"`
	Event   string  `json:"event"`
	State   string  `json:"state"`
	Code    int     `json:"code"`
	Digit   string  `json:"digit"`
	Tone    float64 `json:"tone"`
	RMS     float64 `json:"rms"`
	Dump    string  `json:"dump"`
	Address string  `json:"address"`
}

// python finds pjsip's Python environment, which .ci/setup makes.
func (s *stage) python() string {
	s.Helper()
	out, err := exec.CommandContext(s.Context(), filepath.Join("..", "..", "..", ".ci", "setup"), "pjsua").Output()
	require.NoError(s, err)
	return filepath.Join(strings.TrimSpace(string(out)), "bin", "python")
}

// pjsua starts a phone; a seat is registered when it returns.
func (s *stage) pjsua(user string, a access) *pjsua {
	s.Helper()
	dir := s.TempDir()
	log := filepath.Join(dir, "pjsip.log")
	script, err := filepath.Abs(filepath.Join("pjsua", "phone.py"))
	require.NoError(s, err)
	cmd := exec.CommandContext(s.Context(), s.python(), script)
	cmd.WaitDelay = 5 * time.Second
	in, err := cmd.StdinPipe()
	require.NoError(s, err)
	out, err := cmd.StdoutPipe()
	require.NoError(s, err)
	var said testbed.Output
	cmd.Stderr = &said
	require.NoError(s, cmd.Start(), "pjsip is PyPI's pjsua2-python: run .ci/setup")
	p := &pjsua{s: s, a: a, in: in, answers: make(chan pjsuaAnswer, 10), events: make(chan pjsuaAnswer, 1000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out)
	}()
	s.Cleanup(func() {
		_ = in.Close()
		<-read
		_ = cmd.Wait()
		if s.Failed() {
			raw, _ := os.ReadFile(log)
			s.Logf("pjsip said:\n%s\n%s", said.String(), bytes.ToValidUTF8(raw, nil))
		}
	})
	words := map[string]any{"transport": a.network, "user": user, "log": log, "proxy": a.proxy, "registrar": s.addr(a.network).String()}
	if a.seat {
		words["secret"] = secret
	}
	if a.media != "" {
		words["srtp"], words["keying"] = "mandatory", map[string]string{"srtp": "sdes", "dtls": "dtls"}[a.media]
	}
	if a.network == "tls" {
		words["ca"] = s.ca
	}
	p.do("start", words)
	p.do("tone", map[string]any{"frequency": toneForeign})
	if a.seat {
		require.Equal(s, 200, p.event("registered").Code)
	}
	return p
}

func (p *pjsua) read(out io.Reader) {
	defer close(p.answers)
	defer close(p.events)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var a pjsuaAnswer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue
		}
		to := p.answers
		if a.Event != "" {
			to = p.events
		}
		select {
		case to <- a:
		default:
		}
	}
}

func (p *pjsua) do(what string, words map[string]any) pjsuaAnswer {
	p.s.Helper()
	p.number++
	line := map[string]any{"id": p.number, "do": what}
	for k, v := range words {
		line[k] = v
	}
	raw, err := json.Marshal(line)
	require.NoError(p.s, err)
	_, err = p.in.Write(append(raw, '\n'))
	require.NoError(p.s, err)
	a := testbed.Next(p.s, "pjsip's answer to "+what, p.answers)
	require.Equal(p.s, p.number, a.ID)
	require.Empty(p.s, a.Error, what)
	return a
}

// event takes events until one of a kind comes.
func (p *pjsua) event(kind string) pjsuaAnswer {
	p.s.Helper()
	for {
		e := testbed.Next(p.s, "pjsip's event "+kind, p.events)
		if e.Event == "digit" {
			p.keys += e.Digit
		}
		if e.Event == kind {
			return e
		}
	}
}

func (p *pjsua) state(name string) {
	p.s.Helper()
	for p.event("state").State != name {
	}
}

func (p *pjsua) dial(to string) { p.do("dial", map[string]any{"to": to}); p.stands() }
func (p *pjsua) rings()         { p.event("incoming") }
func (p *pjsua) answer()        { p.do("answer", nil); p.stands() }
func (p *pjsua) press(d string) { p.do("digits", map[string]any{"digits": d}) }
func (p *pjsua) hold()          { p.do("hold", nil) }
func (p *pjsua) resume()        { p.do("resume", nil) }
func (p *pjsua) hangup()        { p.do("hangup", nil) }
func (p *pjsua) over()          { p.state("DISCONNECTED") }

// stands waits for the call, whose sound is encrypted if that was asked for, by pjsip's own word.
func (p *pjsua) stands() {
	p.s.Helper()
	p.state("CONFIRMED")
	require.Equal(p.s, p.a.media != "", strings.Contains(p.do("secure", nil).Dump, "SRTP status: Active"))
}

func (p *pjsua) pressed(digits string) {
	for !strings.Contains(p.keys, digits) {
		p.event("digit")
	}
}

func (p *pjsua) transfer(to string) { p.do("transfer", map[string]any{"to": to}) }

func (p *pjsua) hears(tone float64) {
	p.s.Helper()
	testbed.Await(p.s, "pjsip hearing a tone", func() bool {
		a := p.do("hears", map[string]any{"frequency": tone})
		return a.Tone > 0.05 && a.Tone > 1.2*a.RMS
	})
}

func pjsuaCells() []cell {
	return phoneCells("pjsip 2.15", func(s *stage, user string, a access) station { return s.pjsua(user, a) },
		access{network: "udp"}, access{network: "tcp"}, access{network: "udp", media: "srtp"},
		access{network: "tls", media: "srtp"})
}
