package telephony

import (
	"context"
	"fmt"
	"time"
)

// Pause is a stretch of a call that was kept out of its recording, for a secret such as a card's number.
type Pause struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to,omitzero"` // zero: it has not ended
	By        string    `json:"by"`          // user who asked for it
	ResumedBy string    `json:"resumed_by,omitempty"`
}

// PauseRecording keeps what is said from now on out of a running call's recording: it is silence there, and the
// call's record says from when to when. Done twice it has one effect. Errors: ErrNotFound, ErrConflict.
func (c *Center) PauseRecording(ctx context.Context, callID, user string) error {
	return c.pauseRecording(ctx, callID, user, true)
}

// ResumeRecording records again. Errors: ErrNotFound, ErrConflict.
func (c *Center) ResumeRecording(ctx context.Context, callID, user string) error {
	return c.pauseRecording(ctx, callID, user, false)
}

func (c *Center) pauseRecording(ctx context.Context, callID, user string, on bool) error {
	return c.asked(ctx, callID, func(k *call) error { return k.pause(user, on) })
}

// pause runs on the goroutine that owns the call.
func (k *call) pause(user string, on bool) error {
	if k.recorder == nil {
		return fmt.Errorf("call %s is not recorded: %w", k.id, ErrConflict)
	}
	if cdr, _ := k.snapshot(); cdr.paused() == on {
		return nil
	}
	if on {
		k.recorder.Pause() // before it is said that it is
		k.record(EvRecordingPaused, "", user, EventData{})
		return nil
	}
	k.record(EvRecordingResumed, "", user, EventData{})
	k.recorder.Resume()
	return nil
}

// paused tells whether the recording stands still.
func (c *CDR) paused() bool {
	n := len(c.Pauses)
	return n > 0 && c.Pauses[n-1].To.IsZero()
}

func (c *CDR) endPause(at time.Time, by string) {
	if c.paused() {
		p := &c.Pauses[len(c.Pauses)-1]
		p.To, p.ResumedBy = at, by
	}
}
