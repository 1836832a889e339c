package interop

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/config"
	"hotline/cmd/hotline/testbed"
	"hotline/telephony"
	"hotline/telephony/invite"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
	"hotline/telephony/tlstest"
)

// The tones by which it is known who is heard where.
const (
	toneWelcome = 600.0
	toneMusic   = 700.0
	toneForeign = 1000.0
	toneOurs    = 1500.0
	toneThird   = 1900.0
)

const (
	realm  = "hotline"
	secret = "a-secret-of-the-test"
)

// bed is a node with a line, a queue and seats for each cell.
type bed struct {
	node *app.App
	ca   string // file of the authority that signed the node's certificate
}

func startBed(t *testing.T, all []cell) *bed {
	dir := t.TempDir()
	cert, key, ca := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	authority, err := tlstest.NewAuthority()
	require.NoError(t, err)
	require.NoError(t, authority.WriteFiles(cert, key, "127.0.0.1"))
	require.NoError(t, os.WriteFile(ca, authority.PEM(), 0o600))
	node := testbed.StartNode(t, app.Options{Telephony: func(c *telephony.Config) {
		c.Lines, c.Queues, c.Gateway = nil, nil, ""
		for n := range all {
			c.Queues = append(c.Queues, telephony.QueueConfig{Name: queueOf(n), Seats: []string{seatOf(n, 0)}, WrapUp: -1})
			c.Lines = append(c.Lines, telephony.Line{Number: lineOf(n), Name: lineOf(n), Queue: queueOf(n)})
		}
		c.Prompts = tones(t)
		c.Session = invite.SessionTimer{Min: shortSession}
	}}, func(c *config.Config) {
		c.SIP = []string{"127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0", "wss://127.0.0.1:0"}
		c.TLSCert, c.TLSKey, c.SRTP = cert, key, true
	})
	return &bed{node: node, ca: ca}
}

// shortSession is the shortest session interval that the node takes here.
const shortSession = 2 * time.Second

func lineOf(n int) string        { return strconv.Itoa(96000 + n) }
func queueOf(n int) string       { return "q" + strconv.Itoa(n) }
func seatOf(n, which int) string { return strconv.Itoa(7000 + 10*n + which) }

// tones replaces the sentences by tones: short ones, so that calls are quick.
func tones(t *testing.T) fstest.MapFS {
	set := fstest.MapFS{}
	for _, name := range prompts.Names() {
		frequency, d := 500.0, 100*time.Millisecond
		switch name {
		case prompts.Music:
			frequency, d = toneMusic, time.Second
		case prompts.Welcome:
			frequency, d = toneWelcome, 20*time.Second // must be cut off by a digit
		}
		var wav bytes.Buffer
		require.NoError(t, media.WriteWAV(&wav, testbed.Tone(frequency, d)))
		set[name+".wav"] = &fstest.MapFile{Data: wav.Bytes()}
	}
	return set
}

// stage is where one cell plays.
type stage struct {
	*testing.T
	*bed
	n    int // its number
	line string
}

// seat is the number of one of the cell's seats; 0 serves the line.
func (s *stage) seat(which int) string { return seatOf(s.n, which) }

func (s *stage) addr(network string) netip.AddrPort { return s.node.Center.Addr(network) }

// provide makes a seat's account.
func (s *stage) provide(which int) string {
	s.Helper()
	id := s.seat(which)
	require.NoError(s, s.node.Center.SaveSeat(s.Context(), telephony.Seat{
		ID: id, User: "user" + id, Algorithm: telephony.MD5, HA1: telephony.HA1(telephony.MD5, id, realm, secret),
	}))
	return id
}

// ready waits until a seat's phone has registered, and lets it take calls.
func (s *stage) ready(which int) {
	s.Helper()
	id := s.seat(which)
	testbed.Await(s, "the registration of seat "+id, func() bool {
		return slices.ContainsFunc(s.node.Center.Agents(), func(a telephony.AgentState) bool { return a.Seat == id && a.Registered })
	})
	require.NoError(s, s.node.Center.SetStatus(s.Context(), "user"+id, id, telephony.Status{Presence: telephony.Ready}))
}

// phone is one of ours.
func (s *stage) phone(opts phone.Options) *phone.Phone {
	s.Helper()
	network := "udp"
	if opts.Network != "" {
		network = opts.Network
	}
	if opts.Registrar == "" {
		opts.Registrar = s.addr(network).String()
	}
	p, err := phone.New(opts)
	require.NoError(s, err)
	require.NoError(s, p.Start(s.Context()))
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = p.Stop(ctx)
	})
	return p
}

// rings is for how long a phone of ours rings: the foreign side is to notice.
const rings = 300 * time.Millisecond

// ourSeat is a phone of ours at a seat; it answers each call after a moment and says a tone.
func (s *stage) ourSeat(which int, tone float64) <-chan *phone.Call {
	s.Helper()
	calls := make(chan *phone.Call, 4)
	p := s.phone(phone.Options{User: s.provide(which), Secret: secret, OnCall: func(c *phone.Call) {
		select {
		case <-time.After(rings):
		case <-c.Done():
		}
		if c.Answer() != nil {
			return
		}
		c.Play(media.Tone(tone, -12, time.Second), true)
		calls <- c
		<-c.Done()
	}})
	require.NoError(s, p.Register(testbed.Within(s), time.Hour))
	s.ready(which)
	return calls
}

// ourCitizen calls the cell's line with a phone of ours, chooses and says a tone.
func (s *stage) ourCitizen(opts phone.Options) *phone.Call {
	s.Helper()
	if opts.User == "" {
		opts.User = "13800138000"
	}
	c, err := s.phone(opts).Dial(s.Context(), s.line)
	require.NoError(s, err)
	require.NoError(s, c.WaitAnswered(testbed.Within(s)))
	c.Play(media.Tone(toneOurs, -12, time.Second), true)
	require.NoError(s, c.SendDigits(testbed.Within(s), "2"))
	return c
}

// hears waits until a call of ours hears a tone.
func (s *stage) hears(c *phone.Call, tone float64, what string) {
	s.Helper()
	require.NoError(s, c.WaitTone(testbed.Within(s), tone), "%s; it hears %.0f Hz", what, c.Tone())
}

// silent waits until no more sound comes to a call of ours.
func (s *stage) silent(c *phone.Call, what string) {
	s.Helper()
	last, since := c.Stats().Packets, time.Now()
	testbed.Await(s, "silence: "+what, func() bool {
		if n := c.Stats().Packets; n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 300*time.Millisecond
	})
}

// sounds waits until packets come again.
func (s *stage) sounds(c *phone.Call, what string) {
	s.Helper()
	was := c.Stats().Packets
	testbed.Await(s, "sound: "+what, func() bool { return c.Stats().Packets > was+20 })
}

// over waits until nothing of the cell's calls is left in the node.
func (s *stage) over() {
	s.Helper()
	testbed.Await(s, "the end of the cell's calls", func() bool {
		return !slices.ContainsFunc(s.node.Center.Live(), func(c telephony.LiveCall) bool {
			return c.Line == s.line || c.Seat != "" && c.Seat[:len(c.Seat)-1] == s.seat(0)[:len(c.Seat)-1]
		})
	})
}

// record is the record of the line's newest call, once it is written.
func (s *stage) record() telephony.CDR {
	s.Helper()
	var found telephony.CDR
	testbed.Await(s, "the call's record", func() bool {
		page, err := s.node.Center.Calls(s.Context(), telephony.CallFilter{Line: s.line, Limit: 1})
		require.NoError(s, err)
		if len(page.Items) == 0 || page.Items[0].EndedAt.IsZero() {
			return false
		}
		found = page.Items[0]
		return true
	})
	return found
}
