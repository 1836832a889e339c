package media

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
)

// skewed is a phone that clicks each second of the server's time, with a clock that is ppm too fast.
type skewed struct {
	ppm    int
	jitter time.Duration
	loss   int // per cent
	seed   uint64
	length time.Duration
}

type arrival struct {
	at   time.Duration
	ts   uint32
	data []byte
}

// stream is what arrives, in order of arrival.
func (s skewed) stream() []arrival {
	random := rand.New(rand.NewPCG(s.seed, 1))
	fast := 1 + float64(s.ppm)/1e6
	click := time.Second // of the next click, by the server's time
	var all []arrival
	for n := 0; ; n++ {
		// The phone sends a packet each 20 ms of its own time, when its last sample was spoken.
		sent := time.Duration(float64(time.Duration(n+1)*FrameTime) / fast)
		if sent > s.length {
			break
		}
		data := slices.Repeat([]byte{PCMA.silence()}, FrameSamples)
		began := time.Duration(float64(time.Duration(n)*FrameTime) / fast)
		marked := false
		for click < sent {
			data[min(FrameSamples-1, timeSamples(click-began))] = 0xAA // full scale
			click += time.Second
			marked = true
		}
		if !marked && random.IntN(100) < s.loss {
			continue
		}
		late := time.Duration(0)
		if s.jitter > 0 {
			late = time.Duration(random.Int64N(int64(s.jitter)))
		}
		all = append(all, arrival{at: sent + late, ts: uint32(n * FrameSamples), data: data})
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return int(a.at - b.at) })
	return all
}

// clickErrors records the phone and tells how far each click lies from its second.
func clickErrors(t require.TestingT, s skewed) []time.Duration {
	dir, err := os.MkdirTemp("", "skew")
	require.NoError(t, err)
	defer func() { require.NoError(t, os.RemoveAll(dir)) }()
	c := newClock()
	r, err := NewRecorder(filepath.Join(dir, "a.wav"), RecorderOptions{Now: c.now})
	require.NoError(t, err)
	// Flushed here and not by its own goroutine, whose ticker follows another clock.
	close(r.stop)
	<-r.done
	r.stop = make(chan struct{})
	began, flushed := c.now(), time.Duration(0)
	arrivals := s.stream()
	for _, a := range arrivals {
		c.advance(began.Add(a.at).Sub(c.now()))
		r.write(0, PCMA, a.data, 7, a.ts, c.now())
		if a.at-flushed > flushTime {
			r.flush(r.elapsed(c.now()), false)
			flushed = a.at
		}
	}
	rec, err := r.Close()
	require.NoError(t, err)
	last := arrivals[len(arrivals)-1].at // what was lost after it nobody knows of
	require.InDelta(t, last.Seconds(), rec.Duration.Seconds(), 0.04+s.jitter.Seconds())
	file, err := os.Open(rec.Path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	wav, err := ReadWAV(file)
	require.NoError(t, err)
	var errors []time.Duration
	for i, sample := range wav.Channels[0] {
		if sample > 20000 {
			at := sampleTime(i)
			errors = append(errors, at-at.Round(time.Second))
		}
	}
	require.GreaterOrEqual(t, len(errors), int(s.length/time.Second)-2-int(s.length/(20*time.Second)), "few clicks may fall into a seam")
	return errors
}
