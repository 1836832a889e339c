package telephony_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
	"hotline/telephony/tlstest"
)

// everyTransport makes a rig listen on all five.
func everyTransport(t *testing.T, opts ...rigOption) *rig {
	ca, err := tlstest.NewAuthority()
	require.NoError(t, err)
	conf, err := ca.Server("127.0.0.1")
	require.NoError(t, err)
	r := prepareRig(t, append([]rigOption{func(c *telephony.Config) {
		c.TLS = conf
		c.Listen = []string{"127.0.0.1:0", "tls://127.0.0.1:0", "ws://127.0.0.1:0", "wss://127.0.0.1:0"}
	}}, opts...)...)
	r.ca = ca
	r.start()
	return r
}

// Over each transport a phone registers, a citizen calls, they talk, and each
// side hangs up once.
func TestEveryTransport(t *testing.T) {
	r := everyTransport(t)
	for n, network := range []string{"udp", "tcp", "tls", "ws", "wss"} {
		t.Run(network, func(t *testing.T) {
			over := func(o *phone.Options) { o.Network = network }
			p, calls := r.seat("8001", over)
			citizen := phone.Options{}
			over(&citizen)
			c := r.dial(r.phone(citizen))
			require.NoError(t, c.SendDigits(r.ctx(), "0"))
			at := r.next(calls)
			require.Equal(t, network, at.Session().Transport())
			require.NoError(t, at.Answer())
			c.Play(media.Tone(toneCaller, -10, 0), false)
			at.Play(media.Tone(toneSeat, -10, 0), false)
			require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
			require.NoError(t, at.WaitTone(r.ctx(), toneCaller))
			if n%2 == 0 {
				c.Hangup()
			} else {
				at.Hangup()
			}
			r.done(at)
			r.done(c)
			require.Equal(t, telephony.CauseHangup, r.endedCall().Cause)
			require.NoError(t, p.Unregister(r.ctx()))
			r.awaitClean()
		})
	}
}

func TestCertificateIsAskedFor(t *testing.T) {
	for _, l := range []string{"tls://127.0.0.1:0", "wss://127.0.0.1:0"} {
		_, err := telephony.New(telephony.Config{SpoolDir: t.TempDir(), Listen: []string{l}}, nil, nil, nil, telephony.Options{})
		require.ErrorIs(t, err, telephony.ErrInvalid)
		require.ErrorContains(t, err, "certificate")
	}
	_, err := telephony.New(telephony.Config{SpoolDir: t.TempDir(), Listen: []string{"sctp://127.0.0.1:0"}}, nil, nil, nil, telephony.Options{})
	require.ErrorContains(t, err, "wss")
}
