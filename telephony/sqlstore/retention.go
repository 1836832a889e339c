package sqlstore

import (
	"context"
	"fmt"
	"time"

	"hotline/telephony"
)

// RecordedBefore lists calls that started before a moment and have a recording in
// the blob store, in order of id after a given one.
func (s *Store) RecordedBefore(ctx context.Context, before time.Time, after string, limit int) ([]string, error) {
	var ids []string
	err := s.db.Read().NewRaw(`SELECT id FROM telephony_calls WHERE id > ? AND started_at < ? AND doc LIKE '%"recording":{"state":"stored"%' ORDER BY id LIMIT ?`,
		after, millis(before), limit).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("calls with a recording: %w", err)
	}
	return ids, nil
}

// RecordingDropped notes that the recording of a call was deleted.
func (s *Store) RecordingDropped(ctx context.Context, id string) error {
	c, err := s.Call(ctx, id)
	if err != nil {
		return err
	}
	c.Recording.State = telephony.RecordingDropped
	return s.SaveCall(ctx, c, nil)
}
