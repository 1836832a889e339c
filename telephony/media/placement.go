package media

import "time"

// A recording has one time, that of the server; a phone has its own, which goes wrong by up to some 200 ppm and, where its software
// thinks so, leaps. The audio of a stream is therefore placed by its timestamps, and the stream by those of its packets that
// came soonest: a packet can be held up on its way, but not come before it was sent. For that the placement of a packet waits for those that
// come within half a second after it.
//
// All numbers are samples; a packet's lateness is its arrival minus its timestamp.
const (
	// sooner is how much before its place a packet may arrive and be taken as in step; the place then moves slowly.
	sooner = 20 * SampleRate / 1000
	// later is how much after its place a packet may arrive while the stream stays where it is. When for the time that is looked ahead none
	// comes that soon, then the stream has moved.
	later = 60 * SampleRate / 1000
	// sameRun is how far the lateness of packets may differ that belong to one run of timestamps: more is a leap.
	sameRun = SampleRate
	// goOn is how long packets must come late to show that the stream has moved.
	goOn = 3 * SampleRate / 10
	// memory is how long a packet that came soon determines the place; from once to twice that time.
	memory = 4 * SampleRate
	// idle is how long a pause may be after which the place is found anew.
	idle = 2 * memory
	// near is what the place may be off without being moved: readers let packets gather.
	near = int64(gatherTime*SampleRate/time.Second) + 8
	// slowly is how many packets lie between two moves by a sample, so that nobody hears it: 0.15 %, more than any phone's clock is off.
	slowly = 4
)

// lookAhead is how long a packet waits for those after it.
const lookAhead = 500 * time.Millisecond

// queued is one packet that waits to be placed. Its payload lies in the queue's data.
type queued struct {
	stream  uint32 // counts the streams of the channel
	codec   Codec
	exact   bool // made by the server: arrival is its place
	decided bool
	pad     bool // the sample before it is missing, because the place moved
	at, n   int  // of the payload in data
	arrival int64
	ts      int64 // unwrapped
	place   int64 // of the first sample in the recording
}

func (q *queued) lateness() int64 { return q.arrival - q.ts }

// queue holds the packets of one channel, in order of arrival.
type queue struct {
	packets []queued
	data    []byte
}

// put appends a packet.
func (q *queue) put(p queued, payload []byte) {
	p.at, p.n = len(q.data), len(payload)
	q.data = append(q.data, payload...)
	q.packets = append(q.packets, p)
}

// take appends all of other's packets, and empties it.
func (q *queue) take(other *queue) {
	for _, p := range other.packets {
		q.put(p, other.data[p.at:p.at+p.n])
	}
	other.packets, other.data = other.packets[:0], other.data[:0]
}

// drop removes the packets that lie before a sample and are decided; what is left moves to the front.
func (q *queue) drop(before int64) {
	kept, data := q.packets[:0], q.data[:0]
	for _, p := range q.packets {
		if p.decided && p.place+int64(p.n) <= before {
			continue
		}
		from := p.at
		p.at = len(data)
		data = append(data, q.data[from:from+p.n]...)
		kept = append(kept, p)
	}
	q.packets, q.data = kept, data
}

// unwrapper gives the packets of a channel streams and timestamps that do not wrap. It remembers the stream before the present one,
// whose last packets may come late.
type unwrapper struct {
	now, before unwrapped
	streams     uint32
}

type unwrapped struct {
	stream uint32 // 0: none
	ssrc   uint32
	raw    uint32
	ts     int64
}

func (u *unwrapper) next(ssrc, raw uint32) (stream uint32, ts int64) {
	w := &u.now
	switch {
	case w.stream != 0 && w.ssrc == ssrc:
	case u.before.stream != 0 && u.before.ssrc == ssrc:
		w = &u.before
	default:
		u.streams++
		u.before = u.now
		u.now = unwrapped{stream: u.streams, ssrc: ssrc, raw: raw}
	}
	w.ts += int64(int32(raw - w.raw))
	w.raw = raw
	return w.stream, w.ts
}

// run is a run of timestamps: a packet's place is its timestamp and the offset.
type run struct {
	stream uint32 // 0: none yet
	offset int64
}

// track is where a channel's present run lies.
type track struct {
	run
	before  run      // the one before the last leap or change of stream
	foundAt int64    // when the present one began
	ahead   run      // the least of a run that has begun while packets of the present one still come
	low     [2]int64 // least lateness of the present stretch of memory, and of the one before
	lowAt   int64    // when the present one began
	end     int64    // sample after the last one placed
	rests   int      // packets that the place has not been moved for
}

// decide places packet i of q.
func (t *track) decide(q []queued, i int) {
	p := &q[i]
	p.pad = false
	if p.exact {
		p.place, t.end = p.arrival, p.arrival+int64(p.n)
		return
	}
	late := p.lateness() - t.offset
	other := t.stream != p.stream || late < -sameRun || late > sameRun
	switch {
	case other && t.belated(p):
		p.place = p.ts + t.before.offset
		return
	case t.stream != p.stream || p.arrival-t.lowAt > idle:
		t.find(q, i)
	case (late < -sameRun || late > sameRun) && t.stays(q, i+1):
		t.stray(q, i)
		return
	case late < -sooner:
		t.find(q, i)
	case late > sameRun || (late > later && t.moved(q, i)):
		t.find(q, i)
	default:
		t.learn(p)
		t.follow(p)
	}
	p.place = p.ts + t.offset
	t.end = max(t.end, p.place+int64(p.n))
}

// belated tells whether a packet belongs to the run before, which ended a short time ago.
func (t *track) belated(p *queued) bool {
	late := p.lateness() - t.before.offset
	return p.stream == t.before.stream && late >= -sooner && late <= sameRun && p.arrival-t.foundAt <= sameRun
}

// stray places one packet of another run, which is ahead of the others of its own.
func (t *track) stray(q []queued, i int) {
	p := &q[i]
	t.ahead = run{p.stream, t.least(q, i)}
	p.place = p.ts + t.ahead.offset
}

// find sets the offset by packet i and those of the same run.
func (t *track) find(q []queued, i int) {
	least, now := t.least(q, i), q[i].arrival
	if away := least - t.offset; t.stream != q[i].stream || away < -sameRun || away > sameRun {
		t.before, t.foundAt = t.run, now
	}
	t.run, t.low, t.lowAt = run{q[i].stream, least}, [2]int64{least, least}, now
}

// least is the least lateness in the run of packet i, as far as it is known.
func (t *track) least(q []queued, i int) int64 {
	first := q[i].lateness()
	least := first
	if away := t.ahead.offset - first; t.ahead.stream == q[i].stream && away >= -sameRun && away <= sameRun {
		least = min(least, t.ahead.offset)
	}
	for _, p := range q[i+1:] {
		if late := p.lateness() - first; !p.exact && p.stream == q[i].stream && late >= -sameRun && late <= sameRun {
			least = min(least, p.lateness())
		}
	}
	return least
}

// stays tells whether one of the packets from i on comes when it should.
func (t *track) stays(q []queued, i int) bool {
	for ; i < len(q); i++ {
		p := &q[i]
		if late := p.lateness() - t.offset; !p.exact && p.stream == t.stream && late >= -sooner && late <= later {
			return true
		}
	}
	return false
}

// moved tells whether the stream goes on as late as packet i is: the last packets before a leap may come late, but not for long.
func (t *track) moved(q []queued, i int) bool {
	goesOn := false
	for j := i + 1; j < len(q); j++ {
		p := &q[j]
		late := p.lateness() - t.offset
		if p.exact || p.stream != t.stream || late < -sooner || late > sameRun {
			continue
		}
		if late <= later {
			return false
		}
		goesOn = goesOn || p.arrival-q[i].arrival >= goOn
	}
	return goesOn
}

func (t *track) learn(p *queued) {
	if p.arrival-t.lowAt >= memory {
		t.low[1], t.low[0], t.lowAt = t.low[0], p.lateness(), p.arrival
		return
	}
	t.low[0] = min(t.low[0], p.lateness())
}

// follow moves the offset towards the least lateness: at once where there is a gap before p, else by a sample.
func (t *track) follow(p *queued) {
	away := min(t.low[0], t.low[1]) - t.offset
	gap := p.ts + t.offset - t.end
	t.rests++
	switch {
	case gap > FrameSamples/2:
		t.offset += max(away, -gap)
	case t.rests < slowly:
	case away > near:
		t.rests = 0
		t.offset++
		p.pad = gap == 0
	case away < -near:
		t.rests = 0
		t.offset--
	}
}
