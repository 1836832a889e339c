package telephony

import (
	"context"
	"fmt"

	"hotline/telephony/media"
)

// Events of a seat that is not heard.
const (
	EvMuted   = "muted"   // by User
	EvUnmuted = "unmuted" // by User; without one, by what ended it
)

// Mute keeps what a call's seat says from the others, and out of the recording; it hears them. Done twice it has one effect. It ends when the seat
// gives the call to somebody else, and while the call is on hold it rests. Errors: ErrNotFound; ErrConflict where nobody talks or there is no seat.
func (c *Center) Mute(ctx context.Context, callID, user string) error {
	return c.asked(ctx, callID, func(k *call) error { return k.mute(user, true) })
}

// Unmute lets the seat be heard again. Errors: as of Mute.
func (c *Center) Unmute(ctx context.Context, callID, user string) error {
	return c.asked(ctx, callID, func(k *call) error { return k.mute(user, false) })
}

// mute runs on the call's goroutine.
func (k *call) mute(user string, on bool) error {
	by := k.holder(nil)
	if by.seat == "" || k.losing != nil {
		return fmt.Errorf("call %s has no seat that could be muted: %w", k.id, ErrConflict)
	}
	if k.muted == on {
		return nil
	}
	k.muted = on
	k.keepMute()
	typ := EvUnmuted
	if on {
		typ = EvMuted
	}
	k.record(typ, by.seat, user, EventData{})
	return nil
}

// keepMute brings the sound in line with the seat's being muted or not, after whoever talks with whom has changed.
func (k *call) keepMute() {
	if k.quiet != nil {
		k.quiet.Stop()
		k.quiet = nil
	}
	side := k.seatSide()
	if k.conference != nil {
		mode := media.Talks
		if k.muted {
			mode = media.Listens
		}
		k.members[side].SetMode(mode)
		return
	}
	k.mu.Lock()
	held := k.holdings > 0
	k.mu.Unlock()
	by := k.holder(nil)
	switch {
	case k.muted && !held:
		k.quiet = k.otherThan(by).leg.Play(media.Silence(0), false)
		by.leg.Record(nil, 0)
	case k.recorder != nil:
		by.leg.Record(k.recorder, side)
	}
}

// endMute is for a seat that does not have the call any more.
func (k *call) endMute() {
	if !k.muted {
		return
	}
	k.muted = false
	if k.quiet != nil {
		k.quiet.Stop()
		k.quiet = nil
	}
	k.record(EvUnmuted, "", "", EventData{})
}

// applyMute brings the record's list up to date.
func (c *CDR) applyMute(e Event) {
	if e.Type == EvMuted {
		c.Mutes = append(c.Mutes, Span{From: e.At})
		return
	}
	endLast(c.Mutes, e.At)
}
