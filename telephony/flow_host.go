package telephony

import (
	"context"
	"time"

	"hotline/telephony/media"
)

// caller is the host of a flow: what the caller hears and presses. It is used by the call's goroutine alone.
type caller struct {
	k       *call
	keys    keypad
	playing *media.Playback
	facts   map[string]bool // that are true of the caller; nil: not asked for yet
	chosen  func(key rune)  // in place of the menu's digit on record; its steps are not recorded either
}

// Say implements ivr.Host.
func (h *caller) Say(names []string, interruptible bool) (rune, error) {
	if len(names) == 0 {
		return 0, h.k.ctx.Err()
	}
	h.quiet()
	h.playing = h.k.caller.leg.Play(h.k.c.sounds.say(h.k.language, names...), false)
	for {
		key, err := h.press(h.playing.Done(), nil)
		switch {
		case err != nil || key == 0:
			return 0, err
		case interruptible:
			return key, nil
		}
	}
}

// Key implements ivr.Host.
func (h *caller) Key(wait time.Duration) (rune, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	return h.press(nil, timer.C)
}

// press waits for a key that is pressed; 0 when the playback was over or the time up before.
func (h *caller) press(played <-chan struct{}, late <-chan time.Time) (rune, error) {
	k := h.k
	for {
		var key rune
		from := byEvent
		select {
		case <-k.ctx.Done():
			return 0, k.ctx.Err()
		case <-played:
			return 0, nil
		case <-late:
			return 0, nil
		case d, ok := <-k.caller.leg.Digits():
			if !ok {
				k.stop(PartySystem, "", CauseMedia, 0)
				return 0, context.Canceled
			}
			key = d.Rune
		case key = <-k.caller.pressed:
			from = byInfo
		case <-k.commands: // nothing to hold yet
			continue
		}
		if h.keys.fresh(from, key, k.now()) {
			return key, nil
		}
	}
}

// quiet ends what is being said.
func (h *caller) quiet() {
	if h.playing != nil {
		h.playing.Stop()
	}
}

// Now implements ivr.Host.
func (h *caller) Now() time.Time { return h.k.c.now().In(h.k.c.cfg.Zone) }

// Workday implements ivr.Host.
func (h *caller) Workday(day time.Time) bool { return h.k.c.cfg.Workday(day) }

// Caller implements ivr.Host.
func (h *caller) Caller(word string) bool {
	if h.facts == nil {
		h.facts = h.k.facts()
	}
	return h.facts[word]
}

// Speak implements ivr.Host.
func (h *caller) Speak(language string) { h.k.language = language }

// CanCallBack implements ivr.Host.
func (h *caller) CanCallBack() bool {
	cdr, _ := h.k.snapshot()
	return h.k.c.callable(cdr.Caller)
}

// Progress implements ivr.Host.
func (h *caller) Progress(digits string) []string { return h.k.progress(digits) }

// Entered implements ivr.Host.
func (h *caller) Entered(step string) {
	if h.chosen == nil {
		h.k.record(EvStep, "", "", EventData{Step: step})
	}
}

// Chosen implements ivr.Host.
func (h *caller) Chosen(key rune) {
	h.quiet()
	if h.chosen != nil {
		h.chosen(key)
		return
	}
	h.k.record(EvDigit, "", "", EventData{Digit: string(key)})
}
