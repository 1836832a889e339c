package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxCatchUp is how many frames a late tick makes good; what is later than that is left out.
const maxCatchUp = 5

// Playback is a source being played to a leg.
type Playback struct {
	leg      *Leg
	source   Source
	loop     bool
	position int
	sent     int // frames; guarded by Leg.outMu
	frame    [FrameSamples]int16
	finished atomic.Bool
	once     sync.Once
	done     chan struct{}
}

// Play plays src to the leg's party, again and again with loop, instead of what was played before and of what comes over
// the bridge. A closed leg gives a playback that is already done.
func (l *Leg) Play(src Source, loop bool) *Playback {
	pb := &Playback{leg: l, source: src, loop: loop && src.Len() != 0, done: make(chan struct{})}
	l.outMu.Lock()
	before := l.out.playback
	l.out.playback = pb
	l.outMu.Unlock()
	if before != nil {
		before.end()
	}
	if !l.ports.player.add(pb) {
		pb.Stop()
	}
	if l.isClosing() {
		pb.Stop()
	}
	return pb
}

// Done is closed when the last frame has been sent, or the playback was stopped or replaced.
func (p *Playback) Done() <-chan struct{} { return p.done }

// Finished tells whether the source was played to its end.
func (p *Playback) Finished() bool { return p.finished.Load() }

// Stop ends the playback: when it returns nothing more of it is sent. Idempotent.
func (p *Playback) Stop() {
	p.leg.outMu.Lock()
	if p.leg.out.playback == p {
		p.leg.out.playback = nil
	}
	p.leg.outMu.Unlock()
	p.end()
}

func (p *Playback) end() { p.once.Do(func() { close(p.done) }) }

func (p *Playback) stop() { p.Stop() }

// step sends one frame; false when the playback is over.
func (p *Playback) step(now time.Time, _ time.Duration) bool {
	if p.leg.rtc.Load().waiting() {
		return true // nothing of it is to be lost
	}
	n := 0
	for n < FrameSamples {
		got := p.source.Fill(p.frame[n:], p.position)
		n += got
		p.position += got
		if n == FrameSamples {
			break
		}
		if !p.loop || (got == 0 && p.position == 0) {
			break
		}
		p.position = 0
	}
	if n == 0 {
		p.finished.Store(true)
		p.Stop()
		return false
	}
	clear(p.frame[n:])
	if !p.leg.sendFrame(p, p.frame[:], now) {
		p.end()
		return false
	}
	return true
}

// ticked is what works once a frame: a playback or a conference.
type ticked interface {
	// step makes one frame; late is how long ago its time was. false: it is over.
	step(now time.Time, late time.Duration) bool
	stop()
}

// laneCount is how many moments of a frame's time the player has, laneFill how many works one of them holds before the next is begun.
const (
	laneCount = 10
	laneFill  = 16
)

// player is the clock behind all playbacks and conferences. They are spread over lanes whose moments lie apart: a thousand packets
// that leave at once would hold up those that are passed on, and overflow sockets.
type player struct {
	now func() time.Time

	mu     sync.Mutex
	lanes  [laneCount]lane
	began  time.Time // lane 0 works at multiples of a frame's time after it
	still  bool      // frames are made by hand, in tests
	closed bool
	idle   sync.WaitGroup
}

// lane is what works at the same moments. Its goroutine runs while there is anything; player.mu guards it.
type lane struct {
	list    []ticked
	running bool
}

func newPlayer(now func() time.Time) *player { return &player{now: now, began: time.Now()} }

func (p *player) add(t ticked) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	i := p.choose()
	l := &p.lanes[i]
	l.list = append(l.list, t)
	if !l.running && !p.still {
		l.running = true
		p.idle.Go(func() { p.run(i) })
	}
	return true
}

// choose gives the first lane that has room, or where none has the one that has least to do. The caller holds mu.
func (p *player) choose() int {
	least := 0
	for i := range p.lanes {
		n := len(p.lanes[i].list)
		if n < laneFill {
			return i
		}
		if n < len(p.lanes[least].list) {
			least = i
		}
	}
	return least
}

// running tells whether anything is played or mixed.
func (p *player) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.lanes {
		if p.lanes[i].running {
			return true
		}
	}
	return false
}

// run works on one lane until nothing is left in it.
func (p *player) run(i int) {
	offset := time.Duration(i) * FrameTime / laneCount
	start := p.began.Add(offset + (time.Since(p.began)-offset)/FrameTime*FrameTime)
	frames := int64(0)
	l := &p.lanes[i]
	var round, ended []ticked
	// A frame is never early, so that a stream keeps its time.
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(start.Add(time.Duration(frames+1) * FrameTime)))
		<-timer.C
		due := int64(time.Since(start) / FrameTime)
		frames = max(frames, due-maxCatchUp)
		for ; frames < due; frames++ {
			p.mu.Lock()
			round = append(round[:0], l.list...)
			p.mu.Unlock()
			ended = ended[:0]
			now := p.now()
			late := max(0, time.Since(start)-time.Duration(frames+1)*FrameTime)
			for _, t := range round {
				if !t.step(now, late) {
					ended = append(ended, t)
				}
			}
			if !p.remove(l, ended) {
				return
			}
		}
	}
}

// remove takes what has ended off the lane; false when none is left and its goroutine ends.
func (p *player) remove(l *lane, ended []ticked) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(ended) > 0 {
		gone := make(map[ticked]bool, len(ended))
		for _, t := range ended {
			gone[t] = true
		}
		l.list = slices.DeleteFunc(l.list, func(t ticked) bool { return gone[t] })
	}
	l.running = len(l.list) > 0
	return l.running
}

// stopLeg ends what is played to a leg that closes.
func (p *player) stopLeg(l *Leg) {
	l.outMu.Lock()
	pb := l.out.playback
	l.outMu.Unlock()
	if pb != nil {
		pb.Stop()
	}
}

// close ends every playback and conference and waits for the goroutine.
func (p *player) close() {
	p.mu.Lock()
	p.closed = true
	var list []ticked
	for i := range p.lanes {
		list = append(list, p.lanes[i].list...)
	}
	p.mu.Unlock()
	for _, t := range list {
		t.stop()
	}
	p.idle.Wait()
}
