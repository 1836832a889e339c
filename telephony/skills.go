package telephony

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"hotline/telephony/acd"
)

// Skills are what a person is able to do, each with a level from 1 to 9. The
// rules of queues ask for them.
type Skills map[string]int

// maxSkills bounds the skills of one person.
const maxSkills = 32

func (s Skills) validate() error {
	var errs []error
	if len(s) > maxSkills {
		errs = append(errs, fmt.Errorf("%w: %d skills, give at most %d", ErrInvalid, len(s), maxSkills))
	}
	for skill, level := range s {
		if !acd.ValidSkill(skill) || level < 1 || level > acd.MaxLevel {
			errs = append(errs, fmt.Errorf("%w: skill %q at level %d: give a short name without spaces and a level from 1 to %d",
				ErrInvalid, skill, level, acd.MaxLevel))
		}
	}
	return errors.Join(errs...)
}

// SetSkills replaces what a person is able to do, on behalf of a lead. It
// counts from the next caller on, also for those who wait already.
func (c *Center) SetSkills(ctx context.Context, user string, s Skills, lead string) error {
	if user == "" {
		return fmt.Errorf("%w: say whose skills these are", ErrInvalid)
	}
	if err := s.validate(); err != nil {
		return err
	}
	if err := c.store.SaveSkills(ctx, user, s); err != nil {
		return err
	}
	c.able(user, s)
	seat := c.floor.seatOf(user)
	c.journal.event(newEvent(c.now(), "", seat, user, EvSkills, EventData{Skills: s, Lead: lead}))
	if seat != "" {
		c.board.touch(seat)
	}
	return nil
}

// Skills are those of all people who have any, by user.
func (c *Center) Skills(ctx context.Context) (map[string]Skills, error) { return c.store.Skills(ctx) }

// able tells the queue machine what a person is able to do.
func (c *Center) able(user string, s Skills) {
	c.floor.apply(func(at time.Time) acd.Event { return acd.SetSkills{At: at, User: user, Skills: maps.Clone(s)} })
}

// loadSkills tells the queue machine of everybody's skills.
func (c *Center) loadSkills(ctx context.Context) error {
	all, err := c.store.Skills(ctx)
	if err != nil {
		return fmt.Errorf("read the skills: %w", err)
	}
	for user, s := range all {
		c.able(user, s)
	}
	return nil
}
