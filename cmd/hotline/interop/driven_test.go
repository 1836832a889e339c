package interop

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
)

// driven is a foreign phone that takes commands and says events as JSON lines.
type driven struct {
	s       *stage
	what    string
	in      io.Writer
	number  int
	answers chan drivenAnswer
	events  chan drivenAnswer
	keys    string // pressed at the other side so far
}

// drivenAnswer is a line that the phone says.
type drivenAnswer struct {
	ID    int     `json:"id"`
	Error string  `json:"error"`
	Event string  `json:"event"`
	State string  `json:"state"`
	Code  int     `json:"code"`
	Digit string  `json:"digit"`
	Tone  float64 `json:"tone"`
	RMS   float64 `json:"rms"`
	Dump  string  `json:"dump"`
	Took  float64 `json:"took"` // ms
}

// drive starts a phone's program; more tells what else is to be seen where the cell failed.
func (s *stage) drive(what, hint string, cmd *exec.Cmd, more func() string) *driven {
	s.Helper()
	cmd.WaitDelay = 5 * time.Second
	in, err := cmd.StdinPipe()
	require.NoError(s, err)
	out, err := cmd.StdoutPipe()
	require.NoError(s, err)
	var said testbed.Output
	cmd.Stderr = &said
	require.NoError(s, cmd.Start(), hint)
	d := &driven{s: s, what: what, in: in, answers: make(chan drivenAnswer, 10), events: make(chan drivenAnswer, 1000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		d.read(out)
	}()
	s.Cleanup(func() {
		_ = in.Close()
		<-read
		_ = cmd.Wait()
		if s.Failed() {
			s.Logf("%s said:\n%s\n%s", what, said.String(), more())
		}
	})
	return d
}

func (d *driven) read(out io.Reader) {
	defer close(d.answers)
	defer close(d.events)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var a drivenAnswer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue
		}
		to := d.answers
		if a.Event != "" {
			to = d.events
		}
		select {
		case to <- a:
		default:
		}
	}
}

func (d *driven) do(what string, words map[string]any) drivenAnswer {
	d.s.Helper()
	d.number++
	line := map[string]any{"id": d.number, "do": what}
	for k, v := range words {
		line[k] = v
	}
	raw, err := json.Marshal(line)
	require.NoError(d.s, err)
	_, err = d.in.Write(append(raw, '\n'))
	require.NoError(d.s, err)
	a := testbed.Next(d.s, d.what+"'s answer to "+what, d.answers)
	require.Equal(d.s, d.number, a.ID)
	require.Empty(d.s, a.Error, what)
	return a
}

// event takes events until one of a kind comes.
func (d *driven) event(kind string) drivenAnswer {
	d.s.Helper()
	for {
		e := testbed.Next(d.s, d.what+"'s event "+kind, d.events)
		if e.Event == "digit" {
			d.keys += e.Digit
		}
		if e.Event == kind {
			return e
		}
	}
}

func (d *driven) state(name string) {
	d.s.Helper()
	for d.event("state").State != name {
	}
}

func (d *driven) rings()             { d.event("incoming") }
func (d *driven) press(keys string)  { d.do("digits", map[string]any{"digits": keys}) }
func (d *driven) hold()              { d.do("hold", nil) }
func (d *driven) resume()            { d.do("resume", nil) }
func (d *driven) transfer(to string) { d.do("transfer", map[string]any{"to": to}) }
func (d *driven) hangup()            { d.do("hangup", nil) }
func (d *driven) over()              { d.state("DISCONNECTED") }

func (d *driven) pressed(digits string) {
	for !strings.Contains(d.keys, digits) {
		d.event("digit")
	}
}

func (d *driven) hears(tone float64) {
	d.s.Helper()
	testbed.Await(d.s, d.what+" hearing a tone", func() bool {
		a := d.do("hears", map[string]any{"frequency": tone})
		return a.Tone > 0.05 && a.Tone > 1.2*a.RMS
	})
}
