package engines

import (
	"context"
	"time"

	"hotline/ticketing"
)

// recordings are those of calls, to be dropped after their time.
type recordings struct{ *Engines }

// Recordings lets retention drop recordings.
func (e *Engines) Recordings() ticketing.Recordings { return recordings{e} }

func (r recordings) RecordedBefore(ctx context.Context, before time.Time, after string, limit int) ([]string, error) {
	return r.Calls.RecordedBefore(ctx, before, after, limit)
}

// DropRecording deletes first and notes it then: done again after a crash it has one effect.
func (r recordings) DropRecording(ctx context.Context, callID string) error {
	cdr, err := r.Calls.Call(ctx, callID)
	if err != nil {
		return err
	}
	if err := r.Blobs.Delete(ctx, cdr.Recording.Name); err != nil {
		return err
	}
	return r.Calls.RecordingDropped(ctx, callID)
}
