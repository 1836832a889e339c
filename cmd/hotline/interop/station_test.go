package interop

import (
	"strings"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
	"hotline/telephony/phone"
)

// station is a foreign phone. What it waits for must come.
type station interface {
	dial(to string)
	rings()
	answer()
	hears(tone float64)
	press(digits string)
	pressed(digits string)
	hold()
	resume()
	transfer(to string)
	hangup()
	over()
}

// access is how a foreign phone reaches the node.
type access struct {
	network string // udp, tcp, tls
	media   string // "" is RTP, srtp, dtls
	proxy   string // host:port of an outbound proxy
	seat    bool   // registers, with the secret
}

// soundOf names an access' media in the table.
func soundOf(a access) string {
	return map[string]string{"": "RTP", "srtp": "SRTP (SDES)", "dtls": "DTLS-SRTP"}[a.media]
}

// uri is the address of a user at the node.
func (s *stage) uri(user string, a access) string {
	u := "sip:" + user + "@" + s.addr(a.network).String()
	if a.network != "udp" {
		u += ";transport=" + a.network
	}
	return u
}

// atSeat plays what an operator does on a foreign phone, with a citizen of
// ours: sound both ways, keys both ways, hold, resume, transfer.
func (s *stage) atSeat(st station, a access) {
	third := s.ourSeat(1, toneThird)
	s.ready(0)
	c := s.ourCitizen(phone.Options{})
	st.rings()
	st.answer()
	s.hears(c, toneForeign, "from the foreign seat")
	st.hears(toneOurs)

	require.NoError(s, c.SendDigits(testbed.Within(s), "5"))
	st.pressed("5")
	st.press("8")
	require.Equal(s, '8', testbed.Next(s, "a key of the foreign seat", c.Digits()).Rune)

	st.hold()
	s.hears(c, toneMusic, "held by the foreign seat")
	st.resume()
	s.hears(c, toneForeign, "resumed by the foreign seat")
	st.hears(toneOurs)

	st.transfer(s.uri(s.seat(1), a))
	s.hears(c, toneThird, "transferred by the foreign seat")
	next := testbed.Next(s, "the call at the other seat", third)
	s.hears(next, toneOurs, "transferred by the foreign seat")
	st.over()
	c.Hangup()
	<-next.Done()
	s.over()
}

// asCitizen plays a citizen on a foreign phone, with a seat of ours.
func (s *stage) asCitizen(st station, a access) {
	seat := s.ourSeat(0, toneOurs)
	st.dial(s.uri(s.line, a))
	st.hears(toneWelcome)
	st.press("2")
	c := testbed.Next(s, "the call at the seat", seat)
	s.hears(c, toneForeign, "from the foreign citizen")
	st.hears(toneOurs)
	require.NoError(s, c.SendDigits(testbed.Within(s), "5"))
	st.pressed("5")
	require.NoError(s, c.Hold(testbed.Within(s), true))
	st.hears(toneMusic)
	require.NoError(s, c.Resume(testbed.Within(s)))
	st.hears(toneOurs)
	st.hangup()
	<-c.Done()
	s.over()
	require.Equal(s, "2", s.record().Digit, "pressed on the foreign phone")
}

const (
	seatShows    = "registration with digest; sound both ways; DTMF both ways (RFC 4733); hold and resume with music; blind transfer to another seat"
	citizenShows = "call to the line; sound both ways; DTMF both ways (RFC 4733); put on hold and taken back by the seat"
)

// phoneCells are the cells of a foreign phone, at a seat and as a citizen's.
func phoneCells(peer string, start func(s *stage, user string, a access) station, ways ...access) []cell {
	var all []cell
	for _, a := range ways {
		c := cell{peer: peer, over: strings.ToUpper(a.network), media: soundOf(a)}
		name := map[string]string{"srtp": " srtp", "dtls": " dtls"}[a.media]
		if a.media == "" || a.network == "tls" { // a node offers seats no keys that anybody could read
			seat, a := c, a
			a.seat = true
			seat.as, seat.name, seat.shows = "seat", "seat"+name, seatShows
			seat.play = func(s *stage) { s.atSeat(start(s, s.provide(0), a), a) }
			all = append(all, seat)
		}
		c.as, c.name, c.shows = "citizen", "citizen"+name, citizenShows
		c.play = func(s *stage) { s.asCitizen(start(s, "13611112222", a), a) }
		all = append(all, c)
	}
	return all
}
