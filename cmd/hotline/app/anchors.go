package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotline/cmd/hotline/engines"
	"hotline/ticketing/ledger"
)

// anchorEvery is how often the ledger's head is noted outside the database.
const anchorEvery = time.Hour

// WriteAnchor notes the ledger's head in a folder, in a file for each month. A
// head that is noted already is not noted again.
func WriteAnchor(ctx context.Context, e *engines.Engines, dir string, now time.Time) error {
	head, err := e.Store.LedgerHead(ctx)
	if err != nil || head.Seq == 0 {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("--ledger-anchors: %w", err)
	}
	known, err := ReadAnchors(dir, e.Keys)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(known, func(a ledger.Anchor) bool { return a.Seq == head.Seq }) {
		return nil
	}
	line, err := ledger.Anchor{At: now, Seq: head.Seq, Hash: head.Hash}.Line(e.Keys)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "ledger-"+now.UTC().Format("2006-01")+".anchors"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("--ledger-anchors: %w", err)
	}
	_, err = f.WriteString(line)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("--ledger-anchors: %w", err)
	}
	return nil
}

// ReadAnchors reads all anchors of a folder; none when there is no folder.
func ReadAnchors(dir string, keys ledger.Keys) ([]ledger.Anchor, error) {
	files, err := filepath.Glob(filepath.Join(dir, "ledger-*.anchors"))
	if err != nil {
		return nil, err
	}
	var all []ledger.Anchor
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		some, err := ledger.ReadAnchors(f, keys)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("anchors of the ledger, %s: %w", name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}
