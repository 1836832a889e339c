package media

import (
	"slices"
	"time"
)

// step makes and sends one frame to each member, on the ticker's goroutine; false when the conference has ended. late is by how
// much the ticker came after the frame's time.
func (c *Conference) step(now time.Time, late time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	clear(c.total[:])
	due := now.Add(-late)
	for _, m := range c.members {
		c.hear(m, due)
		if m.says && m.mode != Coaches {
			addWide(&c.total, &m.frame)
		}
	}
	for _, m := range c.members {
		c.speak(m)
		m.leg.sendMixed(c.out[:], now)
	}
	c.tapFrame(due)
	return true
}

func (c *Conference) stop() { c.Close() }

// hear makes the frame that a member says.
func (c *Conference) hear(m *Member, due time.Time) {
	packets, digits := m.inbox.take()
	m.says = false
	if m.mode == Held || m.mode == Listens || m.leg.silenced() {
		m.buffer, m.leveller, m.speaking = nil, leveller{}, false
		return
	}
	if c.opts.PassDigits && m.mode == Talks {
		c.passDigits(m, digits)
	}
	if m.buffer == nil {
		m.buffer = newJitterBuffer(c.opts.MinDelay, c.opts.MaxDelay, c.epoch)
	}
	for i := range packets {
		p := &packets[i]
		m.buffer.push(p.kind, p.ssrc, p.seq, p.ts, p.data, p.at)
	}
	kind := m.buffer.pull(&m.frame, due)
	// Who is muted within a word fades out.
	heard := m.mode != Muted || m.leveller.factor != 0
	m.speaking = m.leveller.apply(&m.frame, !c.opts.NoLevelling, m.mode != Muted)
	m.says = heard && kind != frameIdle
}

// passDigits gives what a member pressed to the others.
func (c *Conference) passDigits(from *Member, digits []rune) {
	for _, digit := range digits {
		for _, m := range c.members {
			if m == from || m.mode == Held {
				continue
			}
			select {
			case m.keys <- digit:
			default: // nobody presses keys so fast
			}
		}
	}
}

// speak makes, in out, the frame that a member hears.
func (c *Conference) speak(m *Member) {
	heard := false
	if m.mode == Held {
		clear(c.out[:])
	} else {
		c.sum = c.total
		for _, o := range c.members {
			switch {
			case !o.says:
			case o == m:
				if m.mode != Coaches {
					subtractWide(&c.sum, &m.frame)
				}
			case o.mode != Coaches:
				heard = true
			case slices.Contains(o.heardBy, m):
				heard = true
				addWide(&c.sum, &o.frame)
			}
		}
		m.limiter.limit(&c.out, &c.sum)
	}
	if !heard && !c.opts.NoNoise {
		m.hiss.fill(c.out[:], ownNoise)
	}
}

// tapFrame gives the frame to the tap.
func (c *Conference) tapFrame(due time.Time) {
	t := c.tap
	if t == nil {
		return
	}
	c.sum = c.total
	clear(t.stereo[0][:])
	if l := t.left; l != nil && !l.gone && l.says && l.mode != Coaches {
		t.stereo[0] = l.frame
		subtractWide(&c.sum, &l.frame)
	}
	t.limiter.limit(&t.stereo[1], &c.sum)
	t.fn(t.stereo[0][:], t.stereo[1][:], due)
}

func addWide(sum *[FrameSamples]int32, pcm *[FrameSamples]int16) {
	for i, s := range pcm {
		sum[i] += int32(s)
	}
}

func subtractWide(sum *[FrameSamples]int32, pcm *[FrameSamples]int16) {
	for i, s := range pcm {
		sum[i] -= int32(s)
	}
}

// silenced tells that the negotiated direction lets the party say nothing, or that it is on hold: what a party sends then is its
// own music on hold.
func (l *Leg) silenced() bool {
	l.negMu.Lock()
	defer l.negMu.Unlock()
	return l.neg.direction != SendRecv || l.neg.remoteHold
}

// sendMixed sends a frame of the conference, unless something else is played to the leg.
func (l *Leg) sendMixed(pcm []int16, now time.Time) {
	l.outMu.Lock()
	defer l.outMu.Unlock()
	if l.out.playback == nil {
		l.sendAudio(pcm, false, now)
	}
}
