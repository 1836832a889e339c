package engines

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotline/ticketing"
)

// ErasedList is the file, beside the ledger's anchors and so outside the
// database, that names the persons who were erased: a line each, id and time. A
// backup from the time before brings their keys back; the list lets them be
// destroyed again.
const ErasedList = "erased.list"

// noteErased adds a person to the list of a folder.
func noteErased(dir, person string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("--ledger-anchors: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, ErasedList), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("--ledger-anchors: %w", err)
	}
	_, err = f.WriteString(person + " " + now.UTC().Format(time.RFC3339) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("--ledger-anchors: %w", err)
	}
	return nil
}

// KeepErased adds to the list of a folder those whom other nodes erased: each
// node's folder may be asked for it one day.
func (e *Engines) KeepErased(ctx context.Context, dir string, since, now time.Time) error {
	persons, err := e.Store.ErasedSince(ctx, since)
	if err != nil || len(persons) == 0 {
		return err
	}
	noted, err := ReadErased(filepath.Join(dir, ErasedList))
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(noted))
	for _, person := range noted {
		known[person] = true
	}
	for _, person := range persons {
		if known[person] {
			continue
		}
		if err := noteErased(dir, person, now); err != nil {
			return err
		}
	}
	return nil
}

// ReadErased reads a list; none when there is no file.
func ReadErased(path string) ([]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list of the erased: %w", err)
	}
	defer f.Close()
	var persons []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if person, _, _ := strings.Cut(lines.Text(), " "); person != "" {
			persons = append(persons, person)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list of the erased: %w", err)
	}
	return persons, nil
}

// MergeErased adds the lines of another list to a list.
func MergeErased(path string, lines []byte) error {
	had, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list of the erased: %w", err)
	}
	if err := os.WriteFile(path, append(had, lines...), 0o640); err != nil { //nolint:gosec // an auditor's program reads it
		return fmt.Errorf("list of the erased: %w", err)
	}
	return nil
}

// EraseAgain destroys the keys of persons who were erased before and came back
// with a backup, at once. It tells how many.
func (e *Engines) EraseAgain(ctx context.Context, persons []string) (int, error) {
	n, err := e.Tickets.Restored(ctx, persons)
	if err != nil || n == 0 {
		return n, err
	}
	items, err := e.Store.PendingOutbox(ctx, ticketing.TopicLife, maxOwed)
	if err != nil {
		return n, err
	}
	for _, item := range items {
		if ticketing.ErasesAgain(item) {
			if err := e.Tickets.LiveOn(ctx, item); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// maxOwed bounds what one restore carries out itself; the rest is the workers'.
const maxOwed = 100_000
