package telephony

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hotline/telephony/ivr"
	"hotline/telephony/media"
)

// Announcement is what the callers of a line hear first while it is in force, as on holidays and in emergencies. A line has one at most.
type Announcement struct {
	Line  string    `json:"line"`
	Say   []string  `json:"say"` // names of prompts
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"` // zero: until it is taken off
	Ends  bool      `json:"ends"`           // the call ends with it; else the line's flow follows
	By    string    `json:"by"`             // user
}

// InForce tells whether callers hear it at a moment.
func (a Announcement) InForce(at time.Time) bool {
	return !at.Before(a.From) && (a.Until.IsZero() || at.Before(a.Until))
}

// Events of announcements; both carry Announcement.
const (
	EvAnnouncement    = "announcement"
	EvAnnouncementOff = "announcement_off"
)

// stepAnnouncement names the announcement among the steps of a call.
const stepAnnouncement = "announcement"

// maxSaid bounds the prompts of an announcement.
const maxSaid = 10

// announcements are those of all lines, by line.
type announcements struct {
	mu sync.RWMutex
	of map[string]Announcement
}

// Announce has the callers of a line hear something first, from the next call on or from a moment to come; it takes the place of what the line had.
// Errors: ErrNotFound for a line that is not answered; ErrInvalid for a prompt that cannot be read, and times that never come.
func (c *Center) Announce(ctx context.Context, a Announcement) (Announcement, error) {
	now := c.now().UTC().Truncate(time.Millisecond)
	if a.From.IsZero() {
		a.From = now
	}
	a.From, a.Until = a.From.UTC(), a.Until.UTC()
	switch {
	case !c.answers(a.Line):
		return a, fmt.Errorf("line %s: %w", a.Line, ErrNotFound)
	case len(a.Say) == 0 || len(a.Say) > maxSaid:
		return a, fmt.Errorf("%w: name 1 to %d prompts", ErrInvalid, maxSaid)
	case !a.Until.IsZero() && (!a.Until.After(a.From) || !a.Until.After(now)):
		return a, fmt.Errorf("%w: it would end before it begins", ErrInvalid)
	}
	for _, name := range a.Say {
		if err := c.sounds.learn(c.cfg, name); err != nil {
			return a, fmt.Errorf("%w: prompt %q: %w", ErrInvalid, name, err)
		}
	}
	if err := c.store.SaveAnnouncement(ctx, a); err != nil {
		return a, err
	}
	c.announced.set(a)
	c.changed(changedAnnouncements)
	c.journal.event(newEvent(now, "", "", a.By, EvAnnouncement, EventData{Announcement: &a}))
	return a, nil
}

// TakeOff ends the announcement of a line at once. Errors: ErrNotFound.
func (c *Center) TakeOff(ctx context.Context, line, user string) error {
	c.announced.mu.Lock()
	a, ok := c.announced.of[line]
	c.announced.mu.Unlock()
	if !ok {
		return fmt.Errorf("line %s announces nothing: %w", line, ErrNotFound)
	}
	if err := c.store.DeleteAnnouncement(ctx, line); err != nil {
		return err
	}
	c.announced.remove(line)
	c.changed(changedAnnouncements)
	c.journal.event(newEvent(c.now(), "", "", user, EvAnnouncementOff, EventData{Announcement: &a}))
	return nil
}

// Announcements are those of all lines that have one, in force or to come, by line.
func (c *Center) Announcements() []Announcement {
	c.announced.mu.RLock()
	defer c.announced.mu.RUnlock()
	all, now := []Announcement{}, c.now()
	for _, a := range c.announced.of {
		if a.Until.IsZero() || now.Before(a.Until) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b Announcement) int { return strings.Compare(a.Line, b.Line) })
	return all
}

func (c *Center) answers(line string) bool {
	return slices.ContainsFunc(c.cfg.Lines, func(l Line) bool { return l.Number == line })
}

// loadAnnouncements learns what the lines announce.
func (c *Center) loadAnnouncements(ctx context.Context) error {
	all, err := c.store.Announcements(ctx)
	if err != nil {
		return fmt.Errorf("read the announcements: %w", err)
	}
	fresh := map[string]Announcement{}
	for _, a := range all {
		for _, name := range a.Say {
			if err := c.sounds.learn(c.cfg, name); err != nil {
				c.log.Warn("prompt of an announcement cannot be read, a tone is played in its place", "line", a.Line, "prompt", name, "error", err)
			}
		}
		fresh[a.Line] = a
	}
	c.announced.mu.Lock()
	defer c.announced.mu.Unlock()
	c.announced.of = fresh
	return nil
}

func (l *announcements) set(a Announcement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of[a.Line] = a
}

func (l *announcements) remove(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of, line)
}

func (l *announcements) now(line string, at time.Time) (Announcement, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	a, ok := l.of[line]
	return a, ok && a.InForce(at)
}

// announce says what the line announces; false when the call ends with it.
func (k *call) announce(host *caller, line string) bool {
	a, ok := k.c.announced.now(line, k.c.now())
	if !ok {
		return true
	}
	host.Entered(stepAnnouncement)
	if _, err := host.Say(a.Say, false); err != nil {
		return false
	}
	if a.Ends {
		k.stop(PartySystem, "", CauseFlow, 0)
	}
	return !a.Ends
}

// learn reads a prompt that was not known at start-up.
func (s *sounds) learn(cfg Config, name string) error {
	if !ivr.ValidPrompt(name) {
		return fmt.Errorf("give the name of a WAV file in the folder of the prompts, without .wav: %w", ErrInvalid)
	}
	clip, err := media.FromWAV(cfg.Prompts, name+".wav")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clips[name] = clip
	return nil
}
