package media

import (
	"slices"
	"time"
)

const (
	// maxStored bounds the packets that wait to be played, and maxStoredSpan their audio: 1 s.
	maxStored     = 64
	maxStoredSpan = SampleRate
	// streamSlip is how far, in samples, a packet's timestamp may leave the course of its stream before it begins a new one: 1 s.
	streamSlip = SampleRate
	// holdMost is how long play waits for a late packet before the stream is taken to pause.
	holdMost = SampleRate / 5
	// tooDeep is how far above the greatest depth audio is left out at once instead of played faster.
	tooDeep = SampleRate / 10
	// scaleRest is the number of frames between two changes of speed.
	scaleRest = 2
)

// frameKind says what a frame of a jitter buffer is made of.
type frameKind uint8

const (
	frameIdle      frameKind = iota // the stream pauses: digital silence
	frameNoise                      // comfort noise
	frameConcealed                  // nothing but what was made up for
	frameAudio
)

// jitterStats count packets, but for samples where it says so.
type jitterStats struct {
	played, late, duplicate, discarded uint64
	concealed, shortened, lengthened   uint64 // samples
}

// stored is a packet that waits. Its timestamp goes on without wrapping, from stream to stream.
type stored struct {
	ts    int64
	seq   uint16
	kind  packetKind
	level uint8 // of comfort noise
	data  []byte
	taken bool // some of it has been played
}

func (s *stored) end() int64 { return s.ts + int64(len(s.data)) }

// jitterBuffer turns packets as they come into a frame each 20 ms. It has no clock: the times of arrival and of the frames are
// given, by one clock, and the same calls give the same audio. It is not safe for concurrent use.
//
// Depth is what a frame's audio is played later than the quickest packet could have been. It follows the delays that were
// measured, between min and max: periods of the voice are left out or repeated, or the gaps of a pausing stream shortened.
// A packet that is not there when it is due is made up for; if it comes after all it is played, and everything after it later. What
// is older than what was played is dropped.
type jitterBuffer struct {
	min, max int64
	epoch    time.Time
	delays   delays

	known   bool
	ssrc    uint32
	lastTS  uint32 // a timestamp of the stream and
	lastExt int64  // its place
	lastSeq uint16 // of the audio played last

	store []stored // by ts
	free  [][]byte

	playing bool
	next    int64 // the sample to be played next; nothing before it is played any more
	debt    int64 // samples made up while next stood still
	held    int64 // samples by which the present frame draws out a pause
	paused  bool  // the sender announced a pause (RFC 3389)
	level   uint8
	rest    int
	linear  [shortenNeed]int16

	conceal concealer
	noise   noise
	stats   jitterStats
}

// newJitterBuffer plays between min and max behind the quickest packet; zeros are 20 and 200 ms.
func newJitterBuffer(least, most time.Duration, epoch time.Time) *jitterBuffer {
	if least <= 0 {
		least = FrameTime
	}
	if most <= 0 {
		most = 200 * time.Millisecond
	}
	low := int64(timeSamples(least))
	return &jitterBuffer{
		min: low, max: max(low, min(int64(timeSamples(most)), maxStoredSpan/2)), epoch: epoch,
		noise: noise{state: random32() | 1},
	}
}

// target is the depth aimed at: a packet is in time when it is there at the beginning of the frame that its audio ends in.
func (j *jitterBuffer) target() int64 {
	return max(j.min, min(j.delays.spread+FrameSamples, j.max))
}

// depth is the present one, of a frame played at t.
func (j *jitterBuffer) depth(t int64) int64 { return t - j.next - j.delays.base }

func (j *jitterBuffer) samples(at time.Time) int64 { return int64(timeSamples(at.Sub(j.epoch))) }

// push takes one packet of audio or comfort noise; it keeps nothing of payload.
func (j *jitterBuffer) push(kind packetKind, ssrc uint32, seq uint16, ts uint32, payload []byte, at time.Time) {
	arrival := j.samples(at)
	place := j.place(ssrc, ts, arrival)
	j.delays.add(arrival - place)
	s := stored{ts: place, seq: seq, kind: kind}
	if kind == kindNoise {
		s.level = payload[0] & 0x7F
	} else {
		s.data = payload
	}
	if place < j.next && s.end() <= j.next {
		j.stats.late++
		return
	}
	i := len(j.store)
	for i > 0 && (j.store[i-1].ts > place) {
		i--
	}
	if i > 0 && j.store[i-1].ts == place && (j.store[i-1].kind == kindNoise) == (kind == kindNoise) {
		j.stats.duplicate++
		return
	}
	if n := len(j.free); s.data != nil && n > 0 {
		s.data = append(j.free[n-1][:0], payload...)
		j.free = j.free[:n-1]
	} else if s.data != nil {
		s.data = append(make([]byte, 0, max(FrameSamples, len(payload))), payload...)
	}
	j.store = slices.Insert(j.store, i, s)
	for len(j.store) > maxStored || j.store[len(j.store)-1].end()-j.store[0].ts > maxStoredSpan {
		j.drop(0)
		j.skipTo(j.store[0].ts)
	}
}

// place finds where a packet lies: by its stream, or where a stream begins or jumps by its arrival.
func (j *jitterBuffer) place(ssrc, ts uint32, arrival int64) int64 {
	place := j.lastExt + int64(int32(ts-j.lastTS))
	delay := arrival - place - j.delays.base
	if !j.known || ssrc != j.ssrc || delay > streamSlip || delay < -streamSlip {
		place = max(arrival-j.delays.base, j.next)
		if n := len(j.store); n > 0 {
			place = max(place, j.store[n-1].end())
		}
	}
	j.known, j.ssrc, j.lastTS, j.lastExt = true, ssrc, ts, place
	return place
}

// drop takes a packet out of the store.
func (j *jitterBuffer) drop(i int) {
	s := &j.store[i]
	switch {
	case s.taken:
		j.stats.played++
	case s.kind != kindNoise:
		j.stats.discarded++
	}
	if s.data != nil && len(j.free) < maxStored {
		j.free = append(j.free, s.data)
	}
	j.store = slices.Delete(j.store, i, i+1)
}

// skipTo leaves out what lies before ts.
func (j *jitterBuffer) skipTo(ts int64) {
	if ts <= j.next {
		return
	}
	j.next, j.debt = ts, 0
	for len(j.store) > 0 && j.store[0].ts < ts && j.store[0].end() <= ts {
		j.drop(0)
	}
	j.conceal.splice()
}

// pull makes the frame that is played at a time. Times of frames are 20 ms apart, or more where frames were left out.
func (j *jitterBuffer) pull(dst *[FrameSamples]int16, at time.Time) frameKind {
	t := j.samples(at)
	if !j.playing && !j.start(t) {
		return j.idle(dst)
	}
	if depth := j.depth(t); depth > j.max+tooDeep && len(j.store) > 0 {
		j.skipTo(min(j.next+depth-j.target(), j.store[len(j.store)-1].ts))
	}
	j.held = 0
	if j.rest > 0 {
		j.rest--
	} else if j.scale(dst, t) {
		j.rest = scaleRest
		return frameAudio
	}
	kind := frameIdle
	for at := 0; at < FrameSamples; {
		n, k := j.fill(dst[at:], t)
		at += n
		kind = max(kind, k)
	}
	return kind
}

// start begins to play when the first packet is old enough.
func (j *jitterBuffer) start(t int64) bool {
	if len(j.store) == 0 {
		return false
	}
	first := max(j.store[0].ts, j.next)
	if t-first-j.delays.base < j.target() {
		return false
	}
	j.next, j.debt, j.playing = first, 0, true
	j.conceal.splice()
	return true
}

func (j *jitterBuffer) idle(dst *[FrameSamples]int16) frameKind {
	if j.paused {
		j.noise.fill(dst[:], j.level)
		return frameNoise
	}
	clear(dst[:])
	return frameIdle
}

// scale plays a frame faster or slower when the depth asks for it and the audio lets it.
func (j *jitterBuffer) scale(dst *[FrameSamples]int16, t int64) bool {
	over := j.depth(t) - j.target()
	took := 0
	switch {
	case j.debt > 0:
		return false
	case over > FrameSamples:
		if j.gather(shortenNeed) == shortenNeed {
			took = shorten(dst, j.linear[:], over > 4*FrameSamples)
		}
	case over < -2*delayBin:
		if j.gather(FrameSamples) == FrameSamples {
			took = lengthen(dst, j.linear[:FrameSamples])
		}
	}
	if took == 0 {
		return false
	}
	j.stats.shortened += uint64(max(0, took-FrameSamples))
	j.stats.lengthened += uint64(max(0, FrameSamples-took))
	j.conceal.good(dst[:])
	j.advance(int64(took))
	return true
}

// gather decodes up to want samples that follow without a gap, from next on, into linear.
func (j *jitterBuffer) gather(want int) int {
	got := 0
	for i := range j.store {
		s := &j.store[i]
		skip := j.next + int64(got) - s.ts
		if skip < 0 || got == want {
			break
		}
		if skip >= int64(len(s.data)) {
			continue
		}
		n := min(want-got, len(s.data)-int(skip))
		s.kind.codec().Decode(j.linear[got:], s.data[skip:int(skip)+n])
		got += n
	}
	return got
}

// advance moves next over audio that was played.
func (j *jitterBuffer) advance(n int64) {
	j.next += n
	j.debt, j.paused = 0, false
	gone := 0
	for gone < len(j.store) && j.store[gone].ts < j.next {
		s := &j.store[gone]
		if s.kind != kindNoise {
			s.taken = true
			j.lastSeq = s.seq
		}
		if s.end() > j.next {
			break
		}
		gone++
	}
	for range gone {
		j.drop(0)
	}
}

// fill makes the next samples of a frame, at least one, of one kind.
func (j *jitterBuffer) fill(dst []int16, t int64) (int, frameKind) {
	for len(j.store) > 0 && j.store[0].kind == kindNoise && j.store[0].ts <= j.next+j.debt {
		j.paused, j.level = true, j.store[0].level
		j.next, j.debt = max(j.next, j.store[0].ts), 0
		j.drop(0)
	}
	if len(j.store) == 0 {
		return len(dst), j.starve(dst, t)
	}
	if gap := j.store[0].ts - j.next; gap > 0 {
		return j.bridgeGap(dst, gap, t)
	}
	n := j.gather(len(dst))
	copy(dst, j.linear[:n])
	j.conceal.good(dst[:n])
	j.advance(int64(n))
	return n, frameAudio
}

// starve plays on when nothing is there.
func (j *jitterBuffer) starve(dst []int16, t int64) frameKind {
	if j.paused {
		// Where more depth is wanted the pause is the time to gain it.
		wait := max(0, min(j.target()-j.depth(t)-j.held, int64(len(dst))))
		j.held += wait
		j.next += int64(len(dst)) - wait
		return j.pause(dst)
	}
	j.conceal.conceal(dst)
	j.stats.concealed += uint64(len(dst))
	if j.debt += int64(len(dst)); j.debt >= holdMost {
		j.playing, j.debt = false, 0
	}
	if j.conceal.silent() {
		return frameIdle
	}
	return frameConcealed
}

// bridgeGap plays the beginning of a gap before the next packet: a loss is made up for in its length, a pause of the sender is
// shortened or drawn out to bring the depth to its target.
func (j *jitterBuffer) bridgeGap(dst []int16, gap, t int64) (int, frameKind) {
	first := &j.store[0]
	silence := j.paused || (j.debt == 0 && first.kind != kindNoise && first.seq == j.lastSeq+1)
	gap -= min(gap, j.debt)
	j.debt = 0
	if silence {
		over := j.depth(t) + j.held - j.target()
		if over < -2*delayBin {
			n := min(int(-over), len(dst))
			j.held += int64(n)
			return n, j.pause(dst[:n])
		}
		gap -= max(0, min(over, gap))
	}
	n := int(min(gap, int64(len(dst))))
	j.next = first.ts - (gap - int64(n))
	if n == 0 {
		return 0, frameIdle
	}
	if silence {
		return n, j.pause(dst[:n])
	}
	j.conceal.conceal(dst[:n])
	j.stats.concealed += uint64(n)
	return n, frameConcealed
}

// pause lets the sound fade, into the sender's comfort noise where it named some.
func (j *jitterBuffer) pause(dst []int16) frameKind {
	faded := j.conceal.silent()
	j.conceal.conceal(dst)
	switch {
	case j.paused:
		var hiss [FrameSamples]int16
		j.noise.fill(hiss[:len(dst)], j.level)
		addTo(dst, hiss[:])
		return frameNoise
	case faded:
		return frameIdle
	}
	return frameConcealed
}
