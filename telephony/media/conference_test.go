package media

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// caller is a phone made of a leg of other ports, and the server's leg towards it.
type caller struct {
	leg   *Leg // the server's
	phone *Leg

	mu    sync.Mutex
	heard []int16 // newest last
	count int
	peak  int
}

func call(t *testing.T, server, phones *Ports, codec Codec) *caller {
	t.Helper()
	c := &caller{}
	var err error
	c.leg, err = server.Open(LegOptions{})
	require.NoError(t, err)
	c.phone, err = phones.Open(LegOptions{Codecs: []Codec{codec}})
	require.NoError(t, err)
	c.negotiate(t)
	c.phone.Receive(func(pcm []int16) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heard = append(c.heard, pcm...)
		c.heard = c.heard[max(0, len(c.heard)-SampleRate/2):]
		c.count++
		for _, s := range pcm {
			c.peak = max(c.peak, int(s), -int(s))
		}
	})
	return c
}

// negotiate lets the phone offer, as it does again to hold.
func (c *caller) negotiate(t *testing.T) {
	t.Helper()
	answer, err := c.leg.Answer(c.phone.Offer())
	require.NoError(t, err)
	require.NoError(t, c.phone.Accept(answer))
}

// last is what was heard in the last 200 ms, nil when nothing new has come since the last but n packets.
func (c *caller) last() []int16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heard[max(0, len(c.heard)-SampleRate/5):])
}

func (c *caller) hears(frequency float64) float64 { return Goertzel(c.last(), SampleRate, frequency) }

// fresh waits until 300 ms more have been heard.
func (c *caller) fresh(t *testing.T) {
	t.Helper()
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.count
	}
	from := count()
	eventually(t, "audio", func() bool { return count() >= from+15 })
}

// present and absent are amplitudes that tell a tone that is heard from one that is not.
const present, absent = 0.015, 0.003

func requireHears(t *testing.T, c *caller, tones ...float64) {
	t.Helper()
	eventually(t, fmt.Sprint("hears ", tones), func() bool {
		for _, f := range tones {
			if c.hears(f) < present {
				return false
			}
		}
		return true
	})
}

func requireDeaf(t *testing.T, c *caller, tones ...float64) {
	t.Helper()
	c.fresh(t)
	for _, f := range tones {
		require.Less(t, c.hears(f), absent, "%v Hz", f)
	}
}

func join(t *testing.T, conference *Conference, c *caller, opts MemberOptions) *Member {
	t.Helper()
	m, err := conference.Join(c.leg, opts)
	require.NoError(t, err)
	return m
}

func TestConferenceOfFour(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	conference := NewConference(server, ConferenceOptions{})
	tones := []float64{500, 830, 1170, 1790}
	var callers []*caller
	for i, f := range tones {
		c := call(t, server, phones, []Codec{PCMA, PCMU}[i%2])
		join(t, conference, c, MemberOptions{Name: fmt.Sprint(i)})
		c.phone.Play(Tone(f, -10, 0), true)
		callers = append(callers, c)
	}
	for i, c := range callers {
		others := slices.Delete(slices.Clone(tones), i, i+1)
		requireHears(t, c, others...)
		requireDeaf(t, c, tones[i])
	}
	eventually(t, "all speak", func() bool {
		levels := conference.Levels()
		return len(levels) == 4 && !slices.ContainsFunc(levels, func(l Level) bool { return !l.Speaking || math.Abs(l.DBFS+13) > 1 })
	})
	members := conference.Members()
	members[0].Leave()
	requireDeaf(t, callers[1], tones[0])
	members[1].SetMode(Muted)
	requireDeaf(t, callers[2], tones[1])
	requireHears(t, callers[1], tones[2], tones[3])
	members[1].SetMode(Talks)
	requireHears(t, callers[2], tones[1])
	conference.Close()
	soon(t, conference.Done())
	_, err := conference.Join(callers[0].leg, MemberOptions{})
	require.ErrorIs(t, err, ErrClosed)
}

func TestWhisperBargeMonitor(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	const citizenTone, agentTone, leadTone = 500, 830, 1170
	citizen, agent, lead := call(t, server, phones, PCMA), call(t, server, phones, PCMU), call(t, server, phones, PCMA)
	conference := NewConference(server, ConferenceOptions{})
	citizen.phone.Play(Tone(citizenTone, -10, 0), true)
	agent.phone.Play(Tone(agentTone, -10, 0), true)
	lead.phone.Play(Tone(leadTone, -10, 0), true)
	join(t, conference, citizen, MemberOptions{})
	agentMember := join(t, conference, agent, MemberOptions{})
	leadMember := join(t, conference, lead, MemberOptions{Mode: Listens})
	requireHears(t, lead, citizenTone, agentTone)
	requireDeaf(t, citizen, leadTone)
	requireDeaf(t, agent, leadTone)
	var mu sync.Mutex
	var left, right []int16
	conference.Tap(conference.Members()[0], func(l, r []int16, _ time.Time) {
		mu.Lock()
		defer mu.Unlock()
		left, right = append(left, l...), append(right, r...)
	})

	leadMember.SetMode(Coaches, agentMember)
	requireHears(t, agent, leadTone, citizenTone)
	requireDeaf(t, citizen, leadTone)
	requireHears(t, citizen, agentTone)
	requireHears(t, lead, citizenTone, agentTone)
	requireDeaf(t, lead, leadTone)
	mu.Lock()
	require.Less(t, Goertzel(right, SampleRate, leadTone), absent, "a whisper is not recorded")
	require.Greater(t, Goertzel(right, SampleRate, agentTone), present)
	require.Greater(t, Goertzel(left, SampleRate, citizenTone), present)
	require.Less(t, Goertzel(left, SampleRate, agentTone), absent)
	mu.Unlock()

	leadMember.SetMode(Talks)
	requireHears(t, citizen, leadTone, agentTone)
	agentMember.SetMode(Held)
	requireDeaf(t, citizen, agentTone)
	requireDeaf(t, agent, citizenTone, leadTone)
	agentMember.SetMode(Talks)
	requireHears(t, citizen, agentTone)
}

func TestConferenceHoldByThePhone(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	a, b := call(t, server, phones, PCMA), call(t, server, phones, PCMA)
	conference := NewConference(server, ConferenceOptions{})
	a.phone.Play(Tone(500, -10, 0), true)
	b.phone.Play(Tone(830, -10, 0), true)
	join(t, conference, a, MemberOptions{})
	join(t, conference, b, MemberOptions{})
	requireHears(t, b, 500)
	requireHears(t, a, 830)
	a.phone.Hold(true) // a PBX plays its music to the conference
	a.negotiate(t)
	requireDeaf(t, b, 500)
	a.phone.Hold(false)
	a.negotiate(t)
	requireHears(t, b, 500)
	requireHears(t, a, 830)
	music := a.leg.Play(Tone(1500, -10, 0), true)
	requireHears(t, a, 1500)
	requireDeaf(t, a, 830)
	music.Stop()
	requireHears(t, a, 830)
}

func TestConferenceLevelsAreComparable(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	loud, faint, listener := call(t, server, phones, PCMA), call(t, server, phones, PCMU), call(t, server, phones, PCMA)
	conference := NewConference(server, ConferenceOptions{})
	loud.phone.Play(Tone(500, 0, 0), true)
	faint.phone.Play(Tone(830, -35, 0), true)
	join(t, conference, loud, MemberOptions{})
	join(t, conference, faint, MemberOptions{})
	join(t, conference, listener, MemberOptions{})
	eventually(t, "comparable", func() bool {
		a, b := listener.hears(500), listener.hears(830)
		return a > present && b > present && math.Abs(20*math.Log10(a/b)) < 3
	})
}

// TestConferenceConcealsLoss makes the frames by hand, so that what is lost and late does not depend on the machine.
func TestConferenceConcealsLoss(t *testing.T) {
	c := newClock()
	server := testPorts(t, PortOptions{Now: c.now})
	server.player.still = true
	lossy, listener := newPeer(t), newPeer(t)
	leg := answered(t, server, lossy, "8")
	conference := NewConference(server, ConferenceOptions{NoNoise: true})
	defer conference.Close()
	_, err := conference.Join(leg, MemberOptions{})
	require.NoError(t, err)
	_, err = conference.Join(answered(t, server, listener, "8"), MemberOptions{})
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(3, 4))
	pcm, law := make([]int16, FrameSamples), make([]byte, FrameSamples)
	sent := uint64(0)
	for i := range 500 {
		Tone(425, -20, 0).Fill(pcm, i*FrameSamples)
		PCMA.Encode(law, pcm)
		if i < 50 || random.IntN(10) != 0 {
			lossy.send(leg, rtp.Header{PayloadType: 8, SSRC: 1, SequenceNumber: uint16(i), Timestamp: uint32(i * FrameSamples)}, law)
			sent++
			eventually(t, "received", func() bool { return leg.Stats().Received == sent })
		}
		conference.step(c.now(), 0)
		c.advance(FrameTime)
		heard := listener.read()
		PCMA.Decode(pcm, heard.Payload)
		if i > 10 {
			require.Greater(t, Goertzel(pcm, SampleRate, 425), 0.03, "frame %d", i)
		}
	}
	require.Less(t, sent, uint64(470))
	require.GreaterOrEqual(t, conference.members[0].buffer.stats.concealed, (500-sent)*FrameSamples*9/10)
}

func TestBetweenBridgeAndConference(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	pa, b := newPeer(t), call(t, server, phones, PCMU)
	a := answered(t, server, pa, "8")
	b.phone.Play(Tone(500, -10, 0), true)
	Connect(a, b.leg)
	first := pa.read()
	last := first
	follow := func(n int) {
		for range n {
			got := pa.read()
			require.Equal(t, last.SSRC, got.SSRC)
			require.Equal(t, last.SequenceNumber+1, got.SequenceNumber)
			require.Greater(t, int32(got.Timestamp-last.Timestamp), int32(0))
			require.Less(t, int32(got.Timestamp-last.Timestamp), int32(SampleRate))
			last = got
		}
	}
	follow(20)
	conference := NewConference(server, ConferenceOptions{})
	_, err := conference.Join(a, MemberOptions{})
	require.NoError(t, err)
	join(t, conference, b, MemberOptions{})
	follow(30)
	third := call(t, server, phones, PCMA)
	join(t, conference, third, MemberOptions{})
	requireHears(t, third, 500)
	Connect(a, b.leg)
	follow(30)
	require.Len(t, conference.Members(), 1)
	third.leg.Close()
	soon(t, conference.Done())
	follow(5)
}

func TestConferencePassesDigits(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	a, b, c := call(t, server, phones, PCMA), call(t, server, phones, PCMU), call(t, server, phones, PCMA)
	conference := NewConference(server, ConferenceOptions{PassDigits: true})
	join(t, conference, a, MemberOptions{})
	join(t, conference, b, MemberOptions{})
	join(t, conference, c, MemberOptions{Mode: Listens})
	a.phone.Play(Silence(0), false)
	for _, d := range "12#" {
		require.NoError(t, a.phone.SendDigit(t.Context(), d))
	}
	for _, d := range "12#" {
		require.Equal(t, d, soon(t, a.leg.Digits()).Rune)
		require.Equal(t, d, soon(t, b.phone.Digits()).Rune)
		require.Equal(t, d, soon(t, c.phone.Digits()).Rune)
	}
	require.Empty(t, a.phone.Digits(), "not to itself")
	require.NoError(t, c.phone.SendDigit(t.Context(), '9'))
	require.Equal(t, '9', soon(t, c.leg.Digits()).Rune)
	require.NoError(t, a.phone.SendDigit(t.Context(), '3'))
	require.Equal(t, '3', soon(t, b.phone.Digits()).Rune, "a listener's digits do not pass")
}

func TestConferenceIsRecorded(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	callers := []*caller{call(t, server, phones, PCMA), call(t, server, phones, PCMU), call(t, server, phones, PCMA)}
	conference := NewConference(server, ConferenceOptions{})
	for i, c := range callers {
		join(t, conference, c, MemberOptions{})
		c.phone.Play(Tone(500+float64(300*i), -15, 0), true)
	}
	recorder, err := NewRecorder(filepath.Join(t.TempDir(), "c.wav"), RecorderOptions{})
	require.NoError(t, err)
	conference.Record(recorder, conference.Members()[0])
	for _, c := range callers {
		requireHears(t, c, 500+300*float64((slices.Index(callers, c)+1)%3))
	}
	for range 4 {
		callers[0].fresh(t)
	}
	conference.Record(nil, nil)
	rec, err := recorder.Close()
	require.NoError(t, err)
	wav := readRecording(t, rec.Path)
	middle := func(channel int) []int16 {
		pcm := wav.Channels[channel]
		return pcm[len(pcm)-SampleRate : len(pcm)-SampleRate/4]
	}
	require.Greater(t, Goertzel(middle(0), SampleRate, 500), present)
	require.Less(t, Goertzel(middle(0), SampleRate, 800), absent)
	require.Greater(t, Goertzel(middle(1), SampleRate, 800), present)
	require.Greater(t, Goertzel(middle(1), SampleRate, 1100), present)
	require.Less(t, Goertzel(middle(1), SampleRate, 500), absent)
}

func TestConferenceIsBounded(t *testing.T) {
	server, phones := testPorts(t, PortOptions{}), testPorts(t, PortOptions{})
	conference := NewConference(server, ConferenceOptions{})
	var callers []*caller
	for i := range MaxMembers {
		c := call(t, server, phones, PCMA)
		join(t, conference, c, MemberOptions{})
		c.phone.Play(Tone(300+150*float64(i), 0, 0), true)
		callers = append(callers, c)
	}
	extra := call(t, server, phones, PCMA)
	_, err := conference.Join(extra.leg, MemberOptions{})
	require.ErrorIs(t, err, ErrFull)
	requireHears(t, callers[0], 450, 300+150*(MaxMembers-1))
	requireHears(t, callers[MaxMembers-1], 300, 450)
	for _, c := range callers {
		c.mu.Lock()
		require.LessOrEqual(t, c.peak, ceiling+1024, "no clipping; A-law rounds by 2 %")
		c.mu.Unlock()
	}
	for _, c := range callers {
		c.leg.Close()
	}
	soon(t, conference.Done())
}

// TestConferenceStorm joins, leaves, changes and closes at once; nothing is left.
func TestConferenceStorm(t *testing.T) {
	before := runtime.NumGoroutine()
	server, err := NewPorts(PortOptions{})
	require.NoError(t, err)
	phones, err := NewPorts(PortOptions{})
	require.NoError(t, err)
	var callers []*caller
	for range 12 {
		c := call(t, server, phones, PCMA)
		c.phone.Play(Tone(500, -10, 0), true)
		callers = append(callers, c)
	}
	var wg sync.WaitGroup
	for round := range 4 {
		conferences := []*Conference{NewConference(server, ConferenceOptions{PassDigits: round%2 == 0}), NewConference(server, ConferenceOptions{Max: 3})}
		for i, c := range callers {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				for range 30 {
					m, err := conferences[random.IntN(2)].Join(c.leg, MemberOptions{Mode: Mode(random.IntN(5))})
					if err != nil {
						continue
					}
					m.SetMode(Mode(random.IntN(5)), m)
					switch random.IntN(4) {
					case 0:
						m.Leave()
					case 1:
						Connect(c.leg, callers[random.IntN(len(callers))].leg)
					case 2:
						conferences[0].Record(nil, nil)
						conferences[0].Levels()
					}
				}
			})
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			for range 3 {
				_ = callers[0].phone.SendDigit(ctx, '5')
			}
			conferences[0].Close()
		})
		wg.Wait()
		conferences[1].Close()
		for _, c := range conferences {
			soon(t, c.Done())
			require.Empty(t, c.Members())
		}
	}
	for _, c := range callers {
		require.Nil(t, c.leg.mix.Load())
	}
	eventually(t, "the ticker rests", func() bool { return !server.player.running() })
	server.Close()
	phones.Close()
	// Not by require.Eventually, which has a goroutine of its own.
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before, "goroutines")
}

func TestLimiterNeverClips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l limiter
		for range rapid.IntRange(1, 20).Draw(t, "frames") {
			var sum [FrameSamples]int32
			scale := rapid.Int32Range(0, 16*32768).Draw(t, "scale")
			n := noise{state: rapid.Uint32Range(1, math.MaxUint32).Draw(t, "seed")}
			from := rapid.IntRange(0, FrameSamples-1).Draw(t, "from")
			for i := from; i < FrameSamples; i++ {
				sum[i] = int32(float32(scale) * n.next())
			}
			var out [FrameSamples]int16
			l.limit(&out, &sum)
			for i, s := range out {
				if i >= 8 {
					require.LessOrEqual(t, max(s, -s), int16(ceiling+1))
				}
			}
		}
	})
	// What is turned down keeps its shape.
	var l limiter
	var worst float64
	for i := range 50 {
		var sum [FrameSamples]int32
		for k := range sum {
			sum[k] = int32(90000 * math.Sin(2*math.Pi*500*float64(i*FrameSamples+k)/SampleRate))
		}
		var out [FrameSamples]int16
		l.limit(&out, &sum)
		if i > 0 {
			worst = max(worst, Goertzel(out[:], SampleRate, 1500))
		}
	}
	require.Less(t, worst, 0.005, "no third harmonic")
}

func TestLeveller(t *testing.T) {
	for _, level := range []float64{-45, -30, -20, -6} {
		var l leveller
		pcm := voice(10 * SampleRate)
		scale := math.Pow(10, level/20) / RMS(pcm)
		var out []int16
		for at := 0; at+FrameSamples <= len(pcm); at += FrameSamples {
			var frame [FrameSamples]int16
			for i := range frame {
				frame[i] = int16(max(-32768, min(32767, scale*float64(pcm[at+i]))))
			}
			l.apply(&frame, true, true)
			out = append(out, frame[:]...)
		}
		got := 20 * math.Log10(RMS(out[5*SampleRate:]))
		require.InDelta(t, levelGoal, got, 5, "from %v dBFS", level)
	}
	// Noise alone is not lifted to speech.
	var l leveller
	n := noise{state: 5}
	var frame [FrameSamples]int16
	for range 500 {
		n.fill(frame[:], 58)
		require.False(t, l.apply(&frame, true, true))
	}
	require.Less(t, 20*math.Log10(RMS(frame[:])), -50.0)
}
