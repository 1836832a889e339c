package media

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// MaxMembers is how many legs a conference has at most.
	MaxMembers = 16
	// ownNoise is the level, in -dBov, of the noise that keeps a line from sounding dead.
	ownNoise = 66
	// maxKeys bounds the digits that wait to be sent on to one member.
	maxKeys = 32
)

// ConferenceOptions of a conference; the zero value works.
type ConferenceOptions struct {
	// Max bounds the members; 0, and what is more, is MaxMembers.
	Max int
	// MinDelay and MaxDelay bound the depth of the members' jitter buffers; 0 is 20 and 200 ms.
	MinDelay, MaxDelay time.Duration
	// PassDigits sends the digits that a talking member presses on to the others. They are delivered by Leg.Digits either way.
	PassDigits bool
	// NoLevelling leaves voices as loud as they come.
	NoLevelling bool
	// NoNoise leaves digital silence where nobody is heard.
	NoNoise bool
}

// Conference lets up to 16 legs hear one another: each hears all others, out of a jitter buffer of its own, at comparable levels, and
// not itself. It works on the one ticker of its Ports and has no goroutine (with PassDigits one a member). It ends when its
// last member leaves.
type Conference struct {
	ports *Ports
	opts  ConferenceOptions
	epoch time.Time
	done  chan struct{}

	mu      sync.Mutex
	members []*Member
	closed  bool
	tap     *conferenceTap
	total   [FrameSamples]int32
	sum     [FrameSamples]int32
	out     [FrameSamples]int16
}

// conferenceTap is where the audio of a conference goes besides.
type conferenceTap struct {
	left    *Member
	fn      func(left, right []int16, at time.Time)
	limiter limiter
	stereo  [2][FrameSamples]int16
}

// NewConference makes one without members; it takes part in nothing before the first joins.
func NewConference(ports *Ports, opts ConferenceOptions) *Conference {
	if opts.Max <= 0 || opts.Max > MaxMembers {
		opts.Max = MaxMembers
	}
	return &Conference{ports: ports, opts: opts, epoch: ports.now(), done: make(chan struct{})}
}

// Join makes a leg of the same Ports a member. A bridge or conference that it was part of gives way; what is played to
// it is heard instead of the conference. Errors: ErrFull; ErrClosed when the conference has ended or the leg is closed.
func (c *Conference) Join(leg *Leg, opts MemberOptions) (*Member, error) {
	m := &Member{
		conference: c, leg: leg, name: opts.Name, mode: opts.Mode, heardBy: slices.Clone(opts.HeardBy),
		hiss: noise{state: random32() | 1},
	}
	if err := c.add(m); err != nil {
		return nil, err
	}
	if before := leg.mix.Swap(m); before != nil {
		before.Leave()
	}
	leg.unbridge()
	// Leg and conference may have been closed before either knew of the member.
	if leg.isClosing() || c.left(m) {
		m.Leave()
		leg.mix.CompareAndSwap(m, nil)
		return nil, ErrClosed
	}
	return m, nil
}

func (c *Conference) add(m *Member) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case len(c.members) >= c.opts.Max:
		return ErrFull
	}
	if len(c.members) == 0 && !c.ports.player.add(c) {
		c.end()
		return ErrClosed
	}
	if c.opts.PassDigits {
		ctx, cancel := context.WithCancel(context.Background())
		m.keys, m.cancel = make(chan rune, maxKeys), cancel
		m.sender.Go(func() { m.sendDigits(ctx) })
	}
	c.members = append(c.members, m)
	return nil
}

func (c *Conference) left(m *Member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.gone
}

func (c *Conference) leave(m *Member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.gone {
		return
	}
	m.gone = true
	if m.cancel != nil {
		m.cancel()
	}
	c.members = slices.DeleteFunc(c.members, func(o *Member) bool { return o == m })
	for _, o := range c.members {
		o.heardBy = slices.DeleteFunc(o.heardBy, func(h *Member) bool { return h == m })
	}
	if len(c.members) == 0 {
		c.end()
	}
}

// end is the end of the conference. The caller holds mu.
func (c *Conference) end() {
	if !c.closed {
		c.closed, c.tap = true, nil
		close(c.done)
	}
}

// Done is closed when the conference has ended.
func (c *Conference) Done() <-chan struct{} { return c.done }

// Close takes every member out; the legs stay open. Idempotent.
func (c *Conference) Close() {
	c.mu.Lock()
	members := slices.Clone(c.members)
	c.end()
	c.mu.Unlock()
	for _, m := range members {
		m.Leave()
	}
}

// Members are the present ones, in the order in which they joined.
func (c *Conference) Members() []*Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.members)
}

// Levels tells how loud each member is and who speaks.
func (c *Conference) Levels() []Level {
	c.mu.Lock()
	defer c.mu.Unlock()
	levels := make([]Level, len(c.members))
	for i, m := range c.members {
		levels[i] = Level{Member: m, Name: m.name, Mode: m.mode, DBFS: levelLow, Speaking: m.speaking}
		if m.buffer != nil && m.leveller.begun {
			levels[i].DBFS = m.leveller.level
		}
	}
	return levels
}

// Tap calls fn each 20 ms with what left says and with what all others say that everybody hears: whispers are in neither. Both
// slices hold FrameSamples and are valid during the call, which must be quick and must not change the conference. A nil
// left puts all on the right; a nil fn ends it.
func (c *Conference) Tap(left *Member, fn func(left, right []int16, at time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tap = nil
	if fn != nil && !c.closed {
		c.tap = &conferenceTap{left: left, fn: fn}
	}
}

// Record records left on channel 0 of r and all others on channel 1, as Tap gives them; a nil r ends it. Recording of the members'
// legs themselves (Leg.Record) to the same recorder is to be ended before.
func (c *Conference) Record(r *Recorder, left *Member) {
	if r == nil {
		c.Tap(nil, nil)
		return
	}
	c.Tap(left, func(l, rest []int16, at time.Time) {
		r.WritePCM(0, l, at)
		r.WritePCM(1, rest, at)
	})
}
