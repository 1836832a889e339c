package telephony

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hotline/telephony/media"
	"hotline/telephony/vault"
)

// spool holds recordings on disk while calls run, and moves them to the blob
// store afterwards. The folder is the truth: what a crash leaves in it is
// found at the next start.
type spool struct {
	dir   string
	files sealedFiles
	blobs Blobs
	store Store
	node  string // whose calls these are
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	waiting map[string]bool // call ids to be moved; true once the record is stored
	wake    chan struct{}
}

func newSpool(dir, node string, keys *vault.Keys, blobs Blobs, store Store, log *slog.Logger, now func() time.Time) *spool {
	return &spool{dir: dir, files: sealedFiles{keys}, blobs: blobs, store: store, node: node, log: log, now: now, waiting: map[string]bool{}, wake: make(chan struct{}, 1)}
}

func (s *spool) path(callID string) string { return filepath.Join(s.dir, callID+".wav") }

// blobName is where a recording is kept: by day, then by call.
func blobName(c CDR) string {
	return "recordings/" + c.StartedAt.UTC().Format("2006/01/02") + "/" + c.ID + ".wav"
}

// expect counts a finished recording whose record is on its way to the store.
func (s *spool) expect(callID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[callID] = false
}

// move asks for a finished recording to be moved. Its record must be stored.
func (s *spool) move(callID string) {
	s.mu.Lock()
	s.waiting[callID] = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *spool) pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// run moves recordings until ctx ends; what fails is tried again.
func (s *spool) run(ctx context.Context) {
	backoff := time.Second
	for {
		var retry <-chan time.Time
		if s.pass(ctx) {
			backoff = time.Second
		} else {
			retry = time.After(backoff)
			backoff = min(2*backoff, time.Minute)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-retry:
		}
	}
}

// pass tries once each waiting recording whose record is stored; false when
// one has to be tried again.
func (s *spool) pass(ctx context.Context) bool {
	s.mu.Lock()
	ids := make([]string, 0, len(s.waiting))
	for id, stored := range s.waiting {
		if stored {
			ids = append(ids, id)
		}
	}
	s.mu.Unlock()
	all := true
	for _, id := range ids {
		if err := s.moveOne(ctx, id); err != nil {
			if ctx.Err() != nil {
				return false
			}
			s.log.Error("recording cannot be moved to the blob store, will try again", "call_id", id, "error", err)
			all = false
			continue
		}
		s.mu.Lock()
		delete(s.waiting, id)
		s.mu.Unlock()
	}
	return all
}

// moveOne copies one recording, notes it in the record, then deletes the
// file. Done twice it has one effect.
func (s *spool) moveOne(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	f, err := os.Open(s.path(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil // moved by an earlier pass
	}
	if err != nil {
		return err
	}
	defer f.Close()
	cdr, err := s.store.Call(ctx, id)
	orphan := errors.Is(err, ErrNotFound)
	if orphan {
		s.log.Warn("a recording has no call record, it is kept in the blob store", "call_id", id)
		cdr = NewCDR(id)
		cdr.StartedAt = s.now()
	} else if err != nil {
		return err
	}
	info, err := s.blobs.Put(ctx, blobName(cdr), known(cdr.citizen()), f)
	if err != nil {
		return fmt.Errorf("put %s: %w", blobName(cdr), err)
	}
	if !orphan {
		cdr.Recording.State, cdr.Recording.Name = RecordingStored, info.Name
		e := newEvent(s.now(), id, "", "", EvRecording, EventData{Recording: &cdr.Recording})
		if err := s.store.SaveCall(ctx, cdr, nil); err != nil {
			return err
		}
		if err := s.store.AppendEvents(ctx, []Event{e}); err != nil {
			return err
		}
	}
	return os.Remove(s.path(id))
}

// repair puts in order what the last process left: calls without an end are
// closed with cause "crash" at the last moment known, their recordings made
// whole. It returns the records that it closed.
func (s *spool) repair(ctx context.Context) ([]CDR, error) {
	found, err := s.leftovers()
	if err != nil {
		return nil, err
	}
	var closed []CDR
	for {
		open, err := s.store.OpenCalls(ctx, s.node, 500)
		if err != nil {
			return closed, fmt.Errorf("look for calls that a crash cut off: %w", err)
		}
		if len(open) == 0 {
			break
		}
		for _, c := range open {
			c, err := s.closeCrashed(ctx, c, found[c.ID])
			if err != nil {
				return closed, err
			}
			closed = append(closed, c)
		}
	}
	for id := range found {
		s.move(id)
	}
	return closed, nil
}

// leftovers repairs the recordings in the folder.
func (s *spool) leftovers() (map[string]media.Recording, error) {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("look for recordings that a crash cut off: %w", err)
	}
	found := map[string]media.Recording{}
	for _, n := range names {
		id, ok := strings.CutSuffix(n.Name(), ".wav")
		if !ok || n.IsDir() {
			continue
		}
		rec, err := media.Repair(s.path(id), s.files)
		if err != nil {
			s.log.Error("a recording cannot be repaired and is left in the spool", "file", n.Name(), "error", err)
			continue
		}
		found[id] = rec
	}
	return found, nil
}

// closeCrashed ends one record from the call's own events and its recording.
func (s *spool) closeCrashed(ctx context.Context, c CDR, rec media.Recording) (CDR, error) {
	events, err := s.store.Events(ctx, EventFilter{CallID: c.ID, Limit: 10000})
	if err != nil {
		return c, err
	}
	folded, err := Fold(c.ID, events)
	if err != nil {
		return c, err
	}
	if !folded.StartedAt.IsZero() {
		c = folded
	}
	last := c.StartedAt
	for _, e := range events {
		if e.At.After(last) {
			last = e.At
		}
	}
	if last.IsZero() {
		last = s.now()
	}
	var add []Event
	if rec.Path != "" {
		if end := c.BridgedAt.Add(rec.Duration); !c.BridgedAt.IsZero() && end.After(last) {
			last = end
		}
		r := Recording{State: RecordingSpooled, Key: s.files.keys.Name(), Size: rec.Size, SHA256: rec.SHA256, DurationMS: rec.Duration.Milliseconds()}
		add = append(add, newEvent(last, c.ID, "", "", EvRecording, EventData{Recording: &r}))
	}
	if c.EndedAt.IsZero() {
		add = append(add, newEvent(last, c.ID, "", "", EvEnded, EventData{By: PartySystem, Cause: CauseCrash}))
	}
	for _, e := range add {
		if err := c.Apply(e); err != nil {
			return c, err
		}
	}
	if err := s.store.AppendEvents(ctx, add); err != nil {
		return c, err
	}
	s.log.Warn("a call was cut off when the last process died", "call_id", c.ID)
	return c, s.store.SaveCall(ctx, c, c.missed())
}

// open reads a recording that is still in the spool.
func (s *spool) open(id string) (io.ReadSeekCloser, error) {
	f, err := os.Open(s.path(id))
	if err != nil {
		return nil, err
	}
	return s.files.keys.Read(f)
}

// sealedFiles are recordings encrypted with the keys of the house, plain ones without.
type sealedFiles struct{ keys *vault.Keys }

func (f sealedFiles) Create(path string) (media.File, error) { return f.keys.Create(path) }

func (f sealedFiles) Open(path string) (media.File, error) { return f.keys.Open(path) }
