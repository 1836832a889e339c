package telephony_test

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/invite"
)

// cable is a UDP path to a far end that can be cut.
func cable(t *testing.T, to string) (string, func()) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	far := netip.MustParseAddrPort(to)
	var cut atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		var near netip.AddrPort
		b := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			dest := near
			if from != far {
				near, dest = from, far
			}
			if !cut.Load() && dest.IsValid() {
				_, _ = conn.WriteToUDPAddrPort(b[:n], dest)
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String(), func() { cut.Store(true) }
}

// A trunk that dies in the middle of a call ends it as failed, not as hung up
// by anybody, and nothing of it is left.
func TestTrunkDiesDuringACall(t *testing.T) {
	there, calls := citizen(t)
	gateway, cut := cable(t, there)
	r := newRig(t, func(c *telephony.Config) {
		c.Session = invite.SessionTimer{Interval: 2 * time.Second, Min: time.Second}
		c.TrunkList = []telephony.Trunk{{Name: "telecom", MaxOut: 1, Gateways: []telephony.Gateway{{Host: gateway}}}}
	})
	seat, _ := r.seat("8001")
	c, err := seat.Dial(t.Context(), number)
	require.NoError(t, err)
	require.NoError(t, c.WaitAnswered(r.ctx()))
	r.next(calls)
	cut()
	r.done(c)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseFailed, cdr.Cause)
	require.Equal(t, telephony.PartySystem, cdr.EndedBy)
	require.Equal(t, 408, cdr.Code)
	require.Equal(t, "telecom", cdr.Trunk)
	r.awaitClean()
	require.Zero(t, r.center.Trunks()[0].Out, "its channel is free")
}
