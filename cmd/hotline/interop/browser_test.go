package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// browser is JsSIP in headless Chromium; see web/ui/tests/phone.
type browser struct{ *driven }

// browser starts a phone in a browser; a seat is registered when it returns.
func (s *stage) browser(user string, a access) *browser {
	s.Helper()
	voice := filepath.Join(s.TempDir(), "voice.wav")
	file, err := os.Create(voice)
	require.NoError(s, err)
	require.NoError(s, media.WriteWAV(file, testbed.Tone(toneForeign, 10*time.Second)))
	require.NoError(s, file.Close())
	cmd := exec.CommandContext(s.Context(), "node", filepath.Join("tests", "phone", "phone.mjs"))
	cmd.Dir = filepath.Join("..", "..", "..", "web", "ui")
	b := &browser{s.drive("the browser", "it takes Node and web/ui/node_modules: run .ci/setup", cmd, func() string { return "" })}
	words := map[string]any{"server": a.network + "://" + s.addr(a.network).String(), "user": user, "voice": voice}
	if a.seat {
		words["secret"] = secret
	}
	b.do("start", words)
	if a.seat {
		require.Equal(s, 200, b.event("registered").Code)
	}
	return b
}

func (b *browser) dial(to string) { b.do("dial", map[string]any{"to": to}); b.stands() }
func (b *browser) answer()        { b.do("answer", nil); b.stands() }

// pressed: pages are not told of telephone events.
func (b *browser) pressed(string) {}

// stands waits for the call, whose sound is encrypted by the browser's own word.
func (b *browser) stands() {
	b.s.Helper()
	b.state("CONFIRMED")
	testbed.Await(b.s, "DTLS", func() bool { return b.do("secure", nil).Dump[:9] == "connected" })
}

func browserCells() []cell {
	const peer, sound = "Chromium with JsSIP 3.13", "WebRTC (ICE, DTLS-SRTP)"
	start := func(s *stage, user string, seat bool) *browser {
		return s.browser(user, access{network: "wss", media: "dtls", seat: seat})
	}
	return []cell{{
		peer: peer, over: "WSS", media: sound, as: "seat", name: "seat",
		shows: "registration with digest; sound both ways; DTMF from the browser (RFC 4733); hold and resume with music; blind transfer to another seat",
		play:  func(s *stage) { s.atSeat(start(s, s.provide(0), true), access{network: "wss"}) },
	}, {
		peer: peer, over: "WSS", media: sound, as: "citizen", name: "citizen",
		shows: "call to the line; sound both ways; DTMF from the browser (RFC 4733); put on hold and taken back by the seat",
		play:  func(s *stage) { s.asCitizen(start(s, "13611112222", false), access{network: "wss"}) },
	}}
}

// TestAnswerToSound tells how long an operator who has answered in a browser hears nothing. To wait for ICE's candidates, which an
// ICE-lite server makes needless, would take more than a second.
func TestAnswerToSound(t *testing.T) {
	const calls = 7
	s := &stage{T: t, bed: startBed(t, make([]cell, 1)), line: lineOf(0)}
	b := s.browser(s.provide(0), access{network: "wss", seat: true})
	s.ready(0)
	var took []float64
	for range calls {
		c := s.ourCitizen(phone.Options{})
		b.rings()
		took = append(took, b.do("time", nil).Took)
		c.Hangup()
		b.over()
		s.over()
		s.ready(0)
	}
	slices.Sort(took)
	t.Logf("from answer to sound: %.0f ms (median of %d; all: %.0f)", took[calls/2], calls, took)
	require.Less(t, took[calls/2], 1000.0)
}
