package media

import (
	"context"
	"slices"
	"sync"
)

// Mode says who hears a member of a conference, and whom it hears.
type Mode uint8

// The modes of a member.
const (
	// Talks is heard by everybody and hears everybody.
	Talks Mode = iota
	// Muted hears everybody and is heard by nobody; its level still tells when it speaks.
	Muted
	// Listens hears everybody; what it sends is not even looked at. For monitoring.
	Listens
	// Coaches hears everybody and is heard only by the members that are named. For whispering to one side.
	Coaches
	// Held hears nothing (but what is played to its leg) and says nothing.
	Held
)

// String names the mode.
func (m Mode) String() string {
	return [...]string{"talks", "muted", "listens", "coaches", "held"}[min(m, Held)]
}

// MemberOptions of a member; the zero value talks and listens.
type MemberOptions struct {
	// Name appears in Levels; it must not hold personal data.
	Name string
	Mode Mode
	// HeardBy are the members that a coach is heard by.
	HeardBy []*Member
}

// Member is one leg's part in a conference. Methods are safe for concurrent use.
type Member struct {
	conference *Conference
	leg        *Leg
	name       string
	inbox      inbox

	// Guarded by Conference.mu, like the rest.
	mode     Mode
	heardBy  []*Member
	buffer   *jitterBuffer // nil while nothing of the member is listened to
	leveller leveller
	limiter  limiter
	hiss     noise
	frame    [FrameSamples]int16 // what the member says in this frame
	says     bool                // frame is not silent
	speaking bool
	gone     bool

	keys   chan rune // digits on their way to the member; nil without
	cancel context.CancelFunc
	sender sync.WaitGroup
}

// Leg is the member's leg.
func (m *Member) Leg() *Leg { return m.leg }

// Mode is the present one.
func (m *Member) Mode() Mode {
	m.conference.mu.Lock()
	defer m.conference.mu.Unlock()
	return m.mode
}

// SetMode changes who hears the member, from the next frame on. heardBy names those who hear a coach.
func (m *Member) SetMode(mode Mode, heardBy ...*Member) {
	m.conference.mu.Lock()
	defer m.conference.mu.Unlock()
	m.mode, m.heardBy = mode, slices.Clone(heardBy)
}

// Leave takes the leg out of the conference; the leg stays open. When it returns nothing more of the conference is sent to the
// leg. The last member's leaving ends the conference. Idempotent.
func (m *Member) Leave() {
	m.leg.mix.CompareAndSwap(m, nil)
	m.conference.leave(m)
	m.sender.Wait()
}

// Level is what a member sounds like.
type Level struct {
	Member *Member
	Name   string
	Mode   Mode
	// DBFS is the level of the last 20 ms as it came in, before level control: 0 is full scale, -100 digital silence.
	DBFS float64
	// Speaking: the last 20 ms belong to a word and not to the noise between words.
	Speaking bool
}

// sendDigits presses keys towards the member, one after the other.
func (m *Member) sendDigits(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case digit := <-m.keys:
			// A party that takes no digits, or left, is none that misses them.
			_ = m.leg.SendDigit(ctx, digit)
		}
	}
}
