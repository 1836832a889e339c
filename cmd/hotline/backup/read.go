package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"hotline/cmd/hotline/engines"
	"hotline/ticketing/blobs"
	"hotline/ticketing/sqlstore"
)

// ErrBroken says that a backup is not whole: it was cut short or changed, or the
// passphrase is another.
var ErrBroken = errors.New("the backup is broken, or the passphrase is not the one that it was made with")

const (
	maxSmall = 64 << 20 // bytes of an entry that is read whole
	maxLine  = 64 << 20
)

// Reader reads an archive from its beginning.
type Reader struct {
	file *os.File
	tar  *tar.Reader
	head *tar.Header // the entry that was read ahead

	Manifest Manifest
	keys     []byte
	anchors  map[string][]byte
}

// Open reads the head of a backup: what it is of, the keys and the anchors.
func Open(path, passphrase string) (*Reader, error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, fmt.Errorf("the backup cannot be read: %w", err)
	}
	r := &Reader{file: f, anchors: map[string][]byte{}}
	if err := r.open(passphrase); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *Reader) open(passphrase string) error {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return fmt.Errorf("the passphrase: %w", err)
	}
	plain, err := age.Decrypt(bufio.NewReader(r.file), identity)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	r.tar = tar.NewReader(plain)
	for {
		if err := r.next(); err != nil {
			return err
		}
		switch name := r.head.Name; {
		case name == "manifest.json":
			if err := r.decode(&r.Manifest); err != nil {
				return err
			}
			if r.Manifest.Format != format {
				return fmt.Errorf("the backup has the format %d and this program reads %d: use the program that made it, %s", r.Manifest.Format, format, r.Manifest.Program)
			}
		case name == "keys":
			if r.keys, err = r.small(); err != nil {
				return err
			}
		case strings.HasPrefix(name, "anchors/"):
			if r.anchors[filepath.Base(name)], err = r.small(); err != nil {
				return err
			}
		default:
			if r.Manifest.Format == 0 || len(r.keys) == 0 {
				return ErrBroken
			}
			return nil
		}
	}
}

// Close lets go of the file.
func (r *Reader) Close() error { return r.file.Close() }

func (r *Reader) next() error {
	head, err := r.tar.Next()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	r.head = head
	return nil
}

func (r *Reader) small() ([]byte, error) {
	if r.head.Size > maxSmall {
		return nil, ErrBroken
	}
	raw, err := io.ReadAll(r.tar)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return raw, nil
}

func (r *Reader) decode(into any) error {
	raw, err := r.small()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// PlaceKeys puts keys, anchors and the list of the erased where the installation
// reads them. Keys that are there already must be the same; a list that is there is
// made longer.
func (r *Reader) PlaceKeys(keyFile, anchors string) error {
	for _, dir := range []string{filepath.Dir(keyFile), anchors} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("the folder %s cannot be made: %w", dir, err)
		}
	}
	switch had, err := os.ReadFile(keyFile); { //nolint:gosec // the user names it
	case errors.Is(err, fs.ErrNotExist):
		if err := os.WriteFile(keyFile, r.keys, 0o600); err != nil {
			return fmt.Errorf("the key file cannot be written: %w", err)
		}
	case err != nil:
		return fmt.Errorf("the key file cannot be read: %w", err)
	case string(had) != string(r.keys):
		return fmt.Errorf("%s holds other keys than the backup; restore into an empty installation", keyFile)
	}
	for name, raw := range r.anchors {
		if name == engines.ErasedList {
			if err := engines.MergeErased(filepath.Join(anchors, name), raw); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(anchors, name), raw, 0o640); err != nil { //nolint:gosec // an auditor's program reads it
			return fmt.Errorf("anchors of the ledger: %w", err)
		}
	}
	return nil
}

// Restore fills the database and the blobs, and checks every sum. The database
// is filled whole or not at all.
func (r *Reader) Restore(ctx context.Context, store *sqlstore.Store, files blobs.Store) (Sums, error) {
	var told Sums
	got := map[string]string{}
	err := store.Load(ctx, r.Manifest.Versions, func(ctx context.Context, l *sqlstore.Loader) error {
		for r.head.Name != "sums.json" {
			if err := r.entry(ctx, l, files, got); err != nil {
				return err
			}
			if err := r.next(); err != nil {
				return err
			}
		}
		if err := r.decode(&told); err != nil {
			return err
		}
		if _, err := r.tar.Next(); !errors.Is(err, io.EOF) { // to the end: a cut is seen there at the latest
			return fmt.Errorf("%w: there is more than there should be: %w", ErrBroken, errors.Join(err))
		}
		tables, err := l.Sums(ctx)
		if err != nil {
			return err
		}
		if !maps.Equal(tables, told.Tables) || !maps.Equal(got, told.Blobs) {
			return fmt.Errorf("%w: its sums differ", ErrBroken)
		}
		return nil
	})
	return told, err
}

// broken tells the faults of an archive from those of where it goes.
type broken struct{ r io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return n, err
}

func (r *Reader) entry(ctx context.Context, l *sqlstore.Loader, files blobs.Store, got map[string]string) error {
	kind, rest, _ := strings.Cut(r.head.Name, "/")
	switch kind {
	case "blobs":
		sum := sha256.New()
		if _, err := files.Put(ctx, rest, io.TeeReader(broken{r.tar}, sum)); err != nil {
			return err
		}
		got[rest] = hex.EncodeToString(sum.Sum(nil))
		return nil
	case "tables":
		table, _, _ := strings.Cut(rest, "/")
		lines := bufio.NewScanner(r.tar)
		lines.Buffer(make([]byte, 64<<10), maxLine)
		for lines.Scan() {
			err := l.Line(ctx, table, lines.Bytes())
			if cut := lines.Err(); err != nil && cut != nil { // half a line, the last that can be read
				return fmt.Errorf("%w: %w", ErrBroken, cut)
			}
			if err != nil {
				return err
			}
		}
		if err := lines.Err(); err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
		return nil
	}
	return fmt.Errorf("%w: it holds %q", ErrBroken, r.head.Name)
}
