package media

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// spoken is a packet as its phone made it, and when it came. Times are samples on the server's clock.
type spoken struct {
	channel int
	ssrc    uint32
	ts      uint32
	at      int64 // its first sample was spoken
	arrival int64 // its last one came
	mark    byte
	heard   bool // it must be found in the recording
}

// talker makes one party's packets: a phone whose clock is off, which pauses, leaps and begins anew, over a network that delays, reorders,
// doubles and loses. Of each half second one packet comes at once: more cannot be known of a network.
func talker(t *rapid.T, channel int, samples int64) (packets []spoken) {
	ppm := rapid.Float64Range(-200, 200).Draw(t, "clock is off by")
	jitter := rapid.Int64Range(0, 100*SampleRate/1000).Draw(t, "jitter")
	loss := rapid.IntRange(0, 20).Draw(t, "loss")
	seed := rapid.Uint64().Draw(t, "seed")
	random := func(n int64) int64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int64(seed>>33) % n
	}
	ssrc, ts := uint32(random(1<<31)), uint32(random(1<<31))*2
	count, own, calm := 0, float64(random(SampleRate)), int64(0)
	for {
		at := int64(own * (1 + ppm/1e6))
		if at+FrameSamples+jitter > samples {
			return packets
		}
		p := spoken{channel: channel, ssrc: ssrc, ts: ts, at: at, arrival: at + FrameSamples, mark: byte(count%100) + 1, heard: true}
		switch {
		case count%12 == 0:
			p.arrival += random(5 * SampleRate / 1000)
		case random(100) < int64(loss):
			p.heard = false
		default:
			p.arrival += random(jitter + 1)
		}
		if p.heard {
			packets = append(packets, p)
		}
		if random(50) == 0 {
			packets = append(packets, p) // twice
		}
		count++
		own, ts = own+FrameSamples, ts+FrameSamples
		if at < calm || at > samples-2*SampleRate {
			continue // of a run of less than a second too little is known
		}
		event := random(400)
		if event < 4 {
			calm = at + 2*SampleRate
		}
		switch event {
		case 0: // nothing is sent while nothing is said
			pause := 1 + random(20*SampleRate)
			own, ts = own+float64(pause), ts+uint32(pause)
			count += 12 - count%12
		case 1: // the same, by a phone whose timestamps stand still meanwhile
			own += float64(SampleRate + random(20*SampleRate))
			count += 12 - count%12
		case 2: // a leap of the timestamps
			ts += uint32(2*SampleRate + random(1<<31))
			count += 12 - count%12
		case 3: // another stream
			ssrc, ts = ssrc+1, uint32(random(1<<31))
			count += 12 - count%12
		}
	}
}

// positionBound is how far a packet may lie from where it belongs, which makes the two sides wrong to one another by no more than twice
// that.
const positionBound = 20 * SampleRate / 1000

// Whatever comes, each packet lies in the recording where it was spoken, and the recording is as long as the call.
func TestNothingShiftsOneSideAgainstTheOther(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		c := newClock()
		samples := rapid.Int64Range(5*SampleRate, 300*SampleRate).Draw(rt, "length")
		r, err := NewRecorder(filepath.Join(dir, string(rune('a'+n%26))+time.Duration(n).String()+".wav"), RecorderOptions{Now: c.now})
		require.NoError(rt, err)
		flushed(r)
		packets := append(talker(rt, 0, samples), talker(rt, 1, samples)...)
		slices.SortStableFunc(packets, func(a, b spoken) int { return int(a.arrival - b.arrival) })
		start, flushed := c.now(), int64(0)
		silent := make([]byte, FrameSamples)
		for _, p := range packets {
			for ; p.arrival-flushed >= SampleRate; flushed += SampleRate {
				r.flush(flushed+SampleRate, false)
			}
			for i := range silent {
				silent[i] = p.mark
			}
			r.write(p.channel, PCMA, silent, p.ssrc, p.ts, start.Add(sampleTime(int(p.arrival))))
		}
		c.advance(sampleTime(int(samples)))
		rec, err := r.Close()
		require.NoError(rt, err)
		require.Equal(rt, sampleTime(int(samples)), rec.Duration)
		require.Zero(rt, rec.Dropped)
		checkPlaces(rt, r.path, packets)
	})
}

// The last packets before a leap of the timestamps come late, some of them later than one that was sent after them; none after that tells that the
// stream stays where it was.
func TestTheLastPacketsBeforeALeapComeLate(t *testing.T) {
	var packets []spoken
	at, ts := int64(1000), uint32(5000)
	for i := range 200 {
		p := spoken{ssrc: 7, ts: ts, at: at, arrival: at + FrameSamples, mark: byte(i%100) + 1, heard: true}
		if i >= 100 && i < 114 && i != 104 {
			p.arrival += 790 - int64(i-100)*3 // 99 to 94 ms
		}
		packets = append(packets, p)
		at, ts = at+FrameSamples, ts+FrameSamples
		if i == 113 {
			ts += 1 << 20
		}
	}
	slices.SortStableFunc(packets, func(a, b spoken) int { return int(a.arrival - b.arrival) })
	c := newClock()
	r, err := NewRecorder(filepath.Join(t.TempDir(), "leap.wav"), RecorderOptions{Now: c.now})
	require.NoError(t, err)
	flushed(r)
	silent := make([]byte, FrameSamples)
	for _, p := range packets {
		for i := range silent {
			silent[i] = p.mark
		}
		r.write(p.channel, PCMA, silent, p.ssrc, p.ts, c.now().Add(sampleTime(int(p.arrival))))
	}
	c.advance(sampleTime(int(at) + SampleRate))
	_, err = r.Close()
	require.NoError(t, err)
	checkPlaces(t, r.path, packets)
}

func checkPlaces(t rapid.TB, path string, packets []spoken) {
	data := rawRecording(t, path)
	for i, p := range packets {
		if !p.heard {
			continue
		}
		at, run := found(data, p)
		if run < FrameSamples/2 {
			t.Fatalf("packet %d of channel %d, spoken at %d, is not there: %d samples", i, p.channel, p.at, run)
		}
		if off := at - p.at; off < -positionBound || off > positionBound {
			t.Fatalf("packet %d of channel %d lies %d samples from where it was spoken, %v into the call", i, p.channel, off, sampleTime(int(p.at)))
		}
	}
}

// found looks for a packet near its place: where its mark is to be seen most.
func found(data []byte, p spoken) (at int64, most int) {
	run := 0
	for i := max(0, p.at-SampleRate/2); i < min(int64(len(data)/2), p.at+SampleRate/2); i++ {
		if data[2*i+int64(p.channel)] != p.mark {
			run = 0
			continue
		}
		if run++; run > most {
			most = run
			// The end of it: the beginning may be covered by the packet before.
			at = i + 1 - FrameSamples
		}
	}
	if end := at + FrameSamples; most < FrameSamples && most > 0 && end-int64(most) > p.at-positionBound && end <= p.at+FrameSamples {
		// Its end is covered by the next one; then its beginning counts.
		at = end - int64(most)
	}
	return at, most
}

func rawRecording(t rapid.TB, path string) []byte {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data[recordingHeaderSize:]
}
