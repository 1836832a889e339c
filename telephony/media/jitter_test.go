package media

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// journey is a packet on its way: sent at and arriving, both in samples.
type journey struct {
	seq          uint16
	ts, ssrc     uint32
	kind         packetKind
	sent, arrive int64
	data         []byte
}

// stretchOf is n packets of a source from sample 0 on, each delayed by delay(i); negative is lost.
func stretchOf(n int, src Source, delay func(i int) int64) []journey {
	var out []journey
	for i := range n {
		d := delay(i)
		if d < 0 {
			continue
		}
		pcm, data := make([]int16, FrameSamples), make([]byte, FrameSamples)
		src.Fill(pcm, i*FrameSamples)
		PCMA.Encode(data, pcm)
		sent := int64(i * FrameSamples)
		out = append(out, journey{seq: uint16(65000 + i), ts: uint32(math.MaxUint32 - 1000 + sent), ssrc: 1, kind: kindPCMA, sent: sent, arrive: sent + d, data: data})
	}
	return out
}

var jitterEpoch = time.Unix(1_700_000_000, 0)

func sampleAt(n int64) time.Time { return jitterEpoch.Add(sampleTime(int(n))) }

// playOut lets packets arrive in their order of arrival and frames be played each 20 ms from phase on, until the given time.
func playOut(j *jitterBuffer, packets []journey, phase, until int64, each func(t int64, kind frameKind, frame []int16)) {
	packets = slices.Clone(packets)
	slices.SortStableFunc(packets, func(a, b journey) int { return int(a.arrive - b.arrive) })
	for t := phase; t < until; t += FrameSamples {
		for len(packets) > 0 && packets[0].arrive <= t {
			p := packets[0]
			j.push(p.kind, p.ssrc, p.seq, p.ts, p.data, sampleAt(p.arrive))
			packets = packets[1:]
		}
		var frame [FrameSamples]int16
		kind := j.pull(&frame, sampleAt(t))
		if each != nil {
			each(t, kind, frame[:])
		}
	}
}

// TestJitterPlaysWhatArrivesInTime: whatever the delays, loss, reordering and duplicates, each packet that comes before its place was
// played is played, once and in order; the rest is counted; what is kept is bounded.
func TestJitterPlaysWhatArrivesInTime(t *testing.T) {
	source := Clip(voice(6 * SampleRate))
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.Int64Range(0, 2400).Draw(t, "spread")
		lossPercent := rapid.IntRange(0, 30).Draw(t, "loss")
		base := rapid.Int64Range(0, 10000).Draw(t, "base")
		n := rapid.IntRange(1, 250).Draw(t, "packets")
		packets := stretchOf(n, source, func(int) int64 {
			if rapid.IntRange(0, 99).Draw(t, "lost") < lossPercent {
				return -1
			}
			return base + rapid.Int64Range(0, spread).Draw(t, "delay")
		})
		for range rapid.IntRange(0, 5).Draw(t, "duplicates") {
			if len(packets) > 0 {
				again := packets[rapid.IntRange(0, len(packets)-1).Draw(t, "which")]
				again.arrive += rapid.Int64Range(0, 500).Draw(t, "later")
				packets = append(packets, again)
			}
		}
		slices.SortStableFunc(packets, func(a, b journey) int { return int(a.arrive - b.arrive) })
		j := newJitterBuffer(0, 0, jitterEpoch)
		var inTime, late, duplicate uint64
		place := map[uint32]bool{}
		next := int64(math.MinInt64)
		at := 0
		phase := rapid.Int64Range(0, FrameSamples-1).Draw(t, "phase")
		for now := phase; now < int64(n*FrameSamples)+base+spread+SampleRate; now += FrameSamples {
			for ; at < len(packets) && packets[at].arrive <= now; at++ {
				p := packets[at]
				before := j.stats
				j.push(p.kind, p.ssrc, p.seq, p.ts, p.data, sampleAt(p.arrive))
				switch {
				case j.stats.late > before.late:
					late++
					require.LessOrEqual(t, j.lastExt+FrameSamples, j.next, "late only when its place was played")
				case place[p.ts]:
					duplicate++
				default:
					place[p.ts] = true
					inTime++
				}
			}
			var frame [FrameSamples]int16
			j.pull(&frame, sampleAt(now))
			require.GreaterOrEqual(t, j.next, next, "never backwards")
			next = j.next
			require.LessOrEqual(t, len(j.store), maxStored)
			require.LessOrEqual(t, len(j.free), maxStored)
			for i := 1; i < len(j.store); i++ {
				require.Less(t, j.store[i-1].ts, j.store[i].ts)
			}
		}
		require.Empty(t, j.store)
		require.Equal(t, late, j.stats.late)
		require.Equal(t, duplicate, j.stats.duplicate)
		require.Equal(t, inTime, j.stats.played+j.stats.discarded)
		if covered := int64(timeSamples(160 * time.Millisecond)); spread <= covered {
			require.Zero(t, j.stats.discarded, "nothing is left out at delays that the buffer covers")
		}
	})
}

func TestJitterIsExactWithoutJitter(t *testing.T) {
	source := Clip(voice(4 * SampleRate))
	for _, reorder := range []bool{false, true} {
		j := newJitterBuffer(60*time.Millisecond, 0, jitterEpoch)
		var heard []int16
		playOut(j, stretchOf(190, source, func(i int) int64 {
			if reorder && i%3 == 1 {
				return 400 + FrameSamples + 1 // after the one behind it
			}
			return 400
		}), 77, 200*FrameSamples, func(_ int64, kind frameKind, frame []int16) {
			if kind == frameAudio {
				heard = append(heard, frame...)
			}
		})
		require.Zero(t, j.stats.late+j.stats.shortened+j.stats.lengthened)
		require.EqualValues(t, 190, j.stats.played)
		require.Len(t, heard, 190*FrameSamples)
		law, want := make([]byte, len(heard)), make([]int16, len(heard))
		PCMA.Encode(law, source[:len(heard)])
		PCMA.Decode(want, law)
		require.Equal(t, want[concealStep:], heard[concealStep:], "after the fade-in")
	}
}

// TestJitterDepthConverges: after some seconds the depth is what the jitter asks for, from both sides, and nothing is late any more.
func TestJitterDepthConverges(t *testing.T) {
	source := Clip(voice(40 * SampleRate))
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.Int64Range(0, 1000).Draw(t, "spread")
		before := rapid.Int64Range(0, 1200).Draw(t, "spread before")
		seed := noise{state: rapid.Uint32Range(1, math.MaxUint32).Draw(t, "seed")}
		const change, packets = 600, 1600
		j := newJitterBuffer(0, 0, jitterEpoch)
		late, all := uint64(0), 0
		sum, frames := 0.0, 0
		playOut(j, stretchOf(packets, source, func(i int) int64 {
			s := spread
			if i < change {
				s = before
			}
			return 400 + int64(float32(s)*(seed.next()+1)/2)
		}), 50, packets*FrameSamples, func(at int64, _ frameKind, _ []int16) {
			if at < 1200*FrameSamples {
				late = j.stats.late
				return
			}
			all++
			sum += float64(j.depth(at))
			frames++
		})
		depth := sum / float64(frames)
		require.GreaterOrEqual(t, depth, 0.8*float64(spread))
		require.LessOrEqual(t, depth, float64(spread)+2.6*FrameSamples)
		require.LessOrEqual(t, j.stats.late-late, uint64(all)/30)
	})
}

func TestJitterFollowsSkewedClocks(t *testing.T) {
	for _, ppm := range []int64{-400, 400} {
		const packets = 15000 // 5 minutes: 120 ms of drift, more than the depth
		j := newJitterBuffer(0, 0, jitterEpoch)
		tone := Tone(300, -10, 0)
		deepest := int64(0)
		playOut(j, stretchOf(packets, tone, func(i int) int64 { return 1200 + int64(i)*FrameSamples*ppm/1_000_000 }), 3,
			packets*FrameSamples, func(t int64, _ frameKind, _ []int16) {
				if j.playing {
					deepest = max(deepest, j.depth(t))
				}
			})
		require.LessOrEqual(t, deepest, int64(4*FrameSamples))
		require.Zero(t, j.stats.late)
		require.Less(t, j.stats.concealed, uint64(FrameSamples))
		require.Greater(t, j.stats.shortened+j.stats.lengthened, uint64(800))
	}
}

func TestJitterTakesNewStreamsAndJumps(t *testing.T) {
	tone := Tone(300, -10, 0)
	const part = 100
	for name, change := range map[string]func(p *journey){
		"other stream":       func(p *journey) { p.ssrc, p.ts, p.seq = 2, p.ts*7+5, p.seq+20000 },
		"timestamps ahead":   func(p *journey) { p.ts += 1 << 30 },
		"timestamps back":    func(p *journey) { p.ts -= 1 << 30 },
		"half the number up": func(p *journey) { p.ts += 1 << 31 },
	} {
		packets := stretchOf(2*part, tone, func(int) int64 { return 160 })
		from := packets[part].ts
		for i := range packets[part:] {
			p := &packets[part+i]
			change(p)
			if name == "other stream" {
				p.ts = from*7 + 5 + uint32(i*FrameSamples)
			}
		}
		j := newJitterBuffer(0, 0, jitterEpoch)
		audio := 0
		playOut(j, packets, 9, (2*part+10)*FrameSamples, func(_ int64, kind frameKind, frame []int16) {
			if kind == frameAudio {
				audio++
				if audio > 2 && audio < 2*part-2 {
					require.InDelta(t, 0.316, Goertzel(frame, SampleRate, 300), 0.12, name)
				}
			}
		})
		require.EqualValues(t, 2*part, j.stats.played, name)
		require.GreaterOrEqual(t, audio, 2*part-2, name)
	}
}

func TestJitterSurvivesAJumpOfTheClock(t *testing.T) {
	for _, jump := range []int64{-3600 * SampleRate, 3600 * SampleRate} {
		j := newJitterBuffer(0, 0, jitterEpoch)
		silent := 0
		for i, p := range stretchOf(300, Tone(300, -10, 0), func(int) int64 { return 160 }) {
			now := p.arrive
			if i >= 100 {
				now += jump
			}
			j.push(p.kind, p.ssrc, p.seq, p.ts, p.data, sampleAt(now))
			var frame [FrameSamples]int16
			if kind := j.pull(&frame, sampleAt(now+3)); i > 5 && kind != frameAudio {
				silent++
			}
			if i > 150 {
				require.LessOrEqual(t, j.depth(now+3), int64(4*FrameSamples))
			}
		}
		require.LessOrEqual(t, silent, 5)
	}
}

// A packet from nowhere in the middle of a stream must not harm it.
func TestJitterSurvivesAStrayPacket(t *testing.T) {
	packets := stretchOf(200, Tone(300, -10, 0), func(int) int64 { return 160 })
	packets[100].ts += 123456789
	j := newJitterBuffer(0, 0, jitterEpoch)
	idle := 0
	playOut(j, packets, 9, 190*FrameSamples, func(t int64, kind frameKind, _ []int16) {
		if t > 10*FrameSamples && kind != frameAudio {
			idle++
		}
	})
	require.LessOrEqual(t, idle, 2)
}

func TestJitterPauses(t *testing.T) {
	cn := func(p *journey, level byte) { p.kind, p.data = kindNoise, []byte{level} }
	for _, announced := range []bool{true, false} {
		packets := stretchOf(200, Tone(300, -10, 0), func(i int) int64 {
			if i > 50 && i < 150 {
				return -1
			}
			return 160
		})
		for i := range packets {
			if packets[i].ts > packets[50].ts {
				packets[i].seq = packets[50].seq + uint16(i-50)
			}
		}
		if announced {
			cn(&packets[50], 50)
		}
		j := newJitterBuffer(0, 0, jitterEpoch)
		kinds := map[frameKind]int{}
		playOut(j, packets, 9, 200*FrameSamples, func(at int64, kind frameKind, frame []int16) {
			if at > 70*FrameSamples && at < 140*FrameSamples {
				kinds[kind]++
				if announced {
					require.InDelta(t, -50, 20*math.Log10(RMS(frame)), 1.5)
				} else {
					require.Zero(t, RMS(frame))
				}
			}
			if at > 160*FrameSamples && at < 190*FrameSamples {
				require.Equal(t, frameAudio, kind)
				require.InDelta(t, 0.316, Goertzel(frame, SampleRate, 300), 0.03)
			}
		})
		require.Len(t, kinds, 1)
		require.LessOrEqual(t, j.stats.concealed, uint64(holdMost), "a pause is no loss")
	}
}

// A burst after an outage and a flood stay within bounds.
func TestJitterIsBounded(t *testing.T) {
	j := newJitterBuffer(0, 0, jitterEpoch)
	packets := stretchOf(600, Tone(300, -10, 0), func(i int) int64 {
		if i > 100 && i < 250 {
			return int64(250-i) * FrameSamples
		}
		return 160
	})
	playOut(j, packets, 9, 600*FrameSamples, nil)
	require.LessOrEqual(t, j.depth(599*FrameSamples+9), j.max)
	for i := range 5000 {
		j.push(kindPCMA, 1, uint16(i), uint32(i*7919), make([]byte, maxPayload), sampleAt(int64(600*FrameSamples+i)))
		require.LessOrEqual(t, len(j.store), maxStored)
		require.LessOrEqual(t, j.store[len(j.store)-1].end()-j.store[0].ts, int64(maxStoredSpan))
	}
}

// TestJitterTakesAnything: packets of any kind, size and number at any time, in a clock that may jump, neither stall nor grow it.
func TestJitterTakesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := newJitterBuffer(time.Duration(rapid.IntRange(0, 3000).Draw(t, "least"))*time.Millisecond, time.Duration(rapid.IntRange(0, 3000).Draw(t, "most"))*time.Millisecond, jitterEpoch)
		now, seq, ts := int64(0), uint16(0), uint32(0)
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			switch rapid.IntRange(0, 19).Draw(t, "clock") {
			case 0:
				now += rapid.Int64Range(-100_000_000, 100_000_000).Draw(t, "jump")
			case 1:
				now += rapid.Int64Range(0, 20*FrameSamples).Draw(t, "stall")
			}
			for range rapid.IntRange(0, 4).Draw(t, "packets") {
				kind := rapid.SampledFrom([]packetKind{kindPCMA, kindPCMA, kindPCMU, kindNoise}).Draw(t, "kind")
				size := rapid.SampledFrom([]int{1, 7, 80, 160, 160, 160, 240, 480, maxPayload}).Draw(t, "size")
				switch rapid.IntRange(0, 9).Draw(t, "numbers") {
				case 0:
					ts = rapid.Uint32().Draw(t, "ts")
				case 1:
					ts += uint32(rapid.IntRange(-2000, 2000).Draw(t, "away"))
				case 2:
					seq = rapid.Uint16().Draw(t, "seq")
				}
				j.push(kind, uint32(rapid.IntRange(0, 20).Draw(t, "ssrc")/20), seq, ts, make([]byte, size), sampleAt(now))
				seq, ts = seq+1, ts+uint32(size)
			}
			var frame [FrameSamples]int16
			next := j.next
			j.pull(&frame, sampleAt(now))
			require.GreaterOrEqual(t, j.next, next)
			require.LessOrEqual(t, len(j.store), maxStored)
			require.LessOrEqual(t, len(j.free), maxStored)
			now += FrameSamples
		}
	})
}
