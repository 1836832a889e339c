package media

import (
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

// player is the one ticker behind all playbacks and conferences. Its goroutine runs while there are any.
type player struct {
	now func() time.Time

	mu      sync.Mutex
	list    []ticked
	running bool
	closed  bool
	idle    sync.WaitGroup
}

func newPlayer(now func() time.Time) *player { return &player{now: now} }

func (p *player) add(t ticked) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.list = append(p.list, t)
	if !p.running {
		p.running = true
		p.idle.Add(1)
		go p.run()
	}
	return true
}

func (p *player) run() {
	defer p.idle.Done()
	ticker := time.NewTicker(FrameTime)
	defer ticker.Stop()
	start, frames := time.Now(), int64(0)
	var round, ended []ticked
	for at := range ticker.C {
		due := int64(at.Sub(start) / FrameTime)
		frames = max(frames, due-maxCatchUp)
		for ; frames < due; frames++ {
			p.mu.Lock()
			round = append(round[:0], p.list...)
			p.mu.Unlock()
			ended = ended[:0]
			now := p.now()
			late := max(0, time.Since(start)-time.Duration(frames+1)*FrameTime)
			for _, t := range round {
				if !t.step(now, late) {
					ended = append(ended, t)
				}
			}
			if !p.remove(ended) {
				return
			}
		}
	}
}

// remove takes what has ended off the list; false when none is left and the goroutine ends.
func (p *player) remove(ended []ticked) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(ended) > 0 {
		gone := make(map[ticked]bool, len(ended))
		for _, t := range ended {
			gone[t] = true
		}
		kept := p.list[:0]
		for _, t := range p.list {
			if !gone[t] {
				kept = append(kept, t)
			}
		}
		clear(p.list[len(kept):])
		p.list = kept
	}
	p.running = len(p.list) > 0
	return p.running
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
	list := append([]ticked(nil), p.list...)
	p.mu.Unlock()
	for _, t := range list {
		t.stop()
	}
	p.idle.Wait()
}
