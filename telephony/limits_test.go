package telephony

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/acd"
)

// Guessing on and on brings no more than the ten tries a second that the cost
// of a wrong password allows, even from an empty bucket.
func TestThrottleBoundsGuesses(t *testing.T) {
	at := time.Unix(1e9, 0)
	th := newThrottle(registerRate, registerBurst, 10, func() time.Time { return at })
	src := netip.MustParseAddr("192.0.2.1")
	guess := func() int {
		n := 0
		for range 1000 {
			if th.take(src, costRequest) {
				th.charge(src, costWrong)
				n++
			}
		}
		return n
	}
	require.LessOrEqual(t, guess(), registerBurst/(costRequest+costWrong)+1)
	total := 0
	for range 1000 { // 10 s
		at = at.Add(10 * time.Millisecond)
		total += guess()
	}
	require.LessOrEqual(t, total, 100)
	require.NotZero(t, total)
	require.True(t, th.take(netip.MustParseAddr("192.0.2.2"), costRequest), "another source is not harmed")
}

// newBare is a centre that is never started.
func newBare(t *testing.T, change func(*Config)) *Center {
	cfg := Config{SpoolDir: filepath.Join(t.TempDir(), "spool"), Listen: []string{"127.0.0.1:0"}}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg, nil, nil, nil, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Stop(context.Background())) })
	return c
}

// A phone that registers again while its old binding runs out: the two
// changes may be told in either order, and the seat has its phone.
func TestDeviceChangesOutOfOrder(t *testing.T) {
	c := newBare(t, nil)
	c.registrar.setAccount(Seat{ID: "8001", User: "agent1"})
	c.board.know(Seat{ID: "8001", User: "agent1"})
	c.registrar.has["8001"] = true
	c.deviceChanged("8001") // the new REGISTER
	require.NoError(t, c.SetStatus(t.Context(), "agent1", "8001", Status{Presence: Ready}))
	c.deviceChanged("8001") // the old binding's end, told late
	v, _ := c.floor.seat("8001")
	require.Equal(t, acd.StateReady, v.State)
	delete(c.registrar.has, "8001")
	c.deviceChanged("8001")
	v, _ = c.floor.seat("8001")
	require.Equal(t, acd.StateOffline, v.State)
}

func TestHandlerPanicIsAnError(t *testing.T) {
	c := newBare(t, nil)
	c.tell("offered", "id", func(context.Context) error { panic("fault") })
	c.tell("offered", "id", func(context.Context) error { return errors.New("fault") })
}

// Outbound calls name the gateway by the host that it was given with, and
// phones see an address that can be called back.
func TestAddressesInCalls(t *testing.T) {
	c := newBare(t, func(cfg *Config) {
		cfg.Gateway, cfg.Listen, cfg.T1 = "sbc.example:5060", []string{"0.0.0.0:0"}, 50*time.Millisecond
	})
	r, err := c.target("8001", "13800138000")
	require.NoError(t, err)
	require.Equal(t, Outbound, r.direction)
	out := c.toGateway(c.trunks.hops(r.line, c.now())[0], netip.MustParseAddrPort("192.0.2.1:5060"), r)
	require.Equal(t, "sbc.example", out.To.Host)
	_, err = New(Config{SpoolDir: t.TempDir(), Gateway: "sbc.example:"}, nil, nil, nil, Options{})
	require.ErrorIs(t, err, ErrInvalid)

	require.NoError(t, c.endpoint.Start(t.Context()))
	defer func() { require.NoError(t, c.endpoint.Stop(context.Background())) }()
	require.Empty(t, c.fromURI("13800138000").Host, "the endpoint fills in the address that faces the phone")
}

// One address cannot fill the table of transactions; trunks are not bounded,
// and another address is not harmed.
func TestAdmitBoundsOneSource(t *testing.T) {
	at := time.Unix(1e9, 0)
	c, err := New(Config{
		SpoolDir: t.TempDir(), Listen: []string{"127.0.0.1:0"}, Trunks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}, nil, nil, nil, Options{Now: func() time.Time { return at }})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Stop(context.Background())) }()
	admitted := func(src string, n int) int {
		yes := 0
		for i := range n {
			if c.admit(netip.AddrPortFrom(netip.MustParseAddr(src), uint16(1024+i%60000)), "udp") {
				yes++
			}
		}
		return yes
	}
	total := 0
	for range 32 { // 64*T1
		total += admitted("198.51.100.1", 5000)
		at = at.Add(time.Second)
	}
	require.Less(t, total, 30000)
	require.Equal(t, 100, admitted("198.51.100.2", 100))
	require.Equal(t, 10000, admitted("192.0.2.7", 10000))
}
