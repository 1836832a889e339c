package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"hotline/cmd/hotline/engines"
	"hotline/ticketing/blobs"
	"hotline/ticketing/sqlstore"
)

// format is raised when what an archive holds changes its meaning.
const format = 1

// pieceSize is about how much of a table is one entry of the archive.
const pieceSize = 4 << 20

// Source is what is backed up.
type Source struct {
	Store   *sqlstore.Store
	Blobs   blobs.Store
	KeyFile string
	Anchors string // folder
	Program string // version
	Work    int    // how much work a guess at the passphrase is, as the logarithm of scrypt's N; 18 when zero
}

// Manifest is the first entry of an archive.
type Manifest struct {
	Format   int              `json:"format"`
	Program  string           `json:"program"`
	At       time.Time        `json:"at"`
	Versions map[string]int64 `json:"versions"` // of the tables' migrations
}

// Sums are the last entry of an archive.
type Sums struct {
	Tables map[string]sqlstore.Sum `json:"tables"`
	Blobs  map[string]string       `json:"blobs"` // name → hex SHA-256
}

// Write makes a backup in a file that does not exist yet. The file is there whole
// or not at all.
func Write(ctx context.Context, src Source, path, passphrase string) (sums Sums, err error) {
	if _, err := os.Stat(path); err == nil {
		return sums, fmt.Errorf("%s exists already; name another file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".backup-*") // mode 0600
	if err != nil {
		return sums, fmt.Errorf("the backup cannot be written: %w", err)
	}
	defer func() { err = errors.Join(err, dropTemp(f)) }()
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return sums, fmt.Errorf("the passphrase: %w", err)
	}
	if src.Work > 0 {
		recipient.SetWorkFactor(src.Work)
	}
	sealed, err := age.Encrypt(f, recipient)
	if err != nil {
		return sums, fmt.Errorf("the backup cannot be encrypted: %w", err)
	}
	a := &archive{tar: tar.NewWriter(sealed), at: time.Now().UTC().Truncate(time.Second)}
	if sums, err = a.fill(ctx, src); err != nil {
		return sums, err
	}
	if err := errors.Join(a.tar.Close(), sealed.Close(), f.Sync()); err != nil {
		return sums, fmt.Errorf("the backup cannot be written: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil {
		return sums, fmt.Errorf("the backup cannot be put in its place: %w", err)
	}
	return sums, nil
}

func dropTemp(f *os.File) error {
	err := f.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return errors.Join(err, os.Remove(f.Name()))
}

type archive struct {
	tar *tar.Writer
	at  time.Time
}

func (a *archive) put(name string, data []byte) error {
	return a.stream(name, int64(len(data)), bytes.NewReader(data))
}

func (a *archive) stream(name string, size int64, r io.Reader) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: a.at, Format: tar.FormatPAX}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := io.Copy(a.tar, r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (a *archive) json(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.put(name, raw)
}

func (a *archive) fill(ctx context.Context, src Source) (sums Sums, err error) {
	sums = Sums{Tables: map[string]sqlstore.Sum{}, Blobs: map[string]string{}}
	if err := src.Store.Chain(ctx); err != nil { // so that the ledger's end is in it
		return sums, err
	}
	snap, err := src.Store.Snapshot(ctx)
	if err != nil {
		return sums, err
	}
	defer func() { _ = snap.Close() }() // it only read
	versions, err := snap.Versions(ctx)
	if err != nil {
		return sums, err
	}
	if err := a.json("manifest.json", Manifest{Format: format, Program: src.Program, At: a.at, Versions: versions}); err != nil {
		return sums, err
	}
	if err := a.secrets(src); err != nil {
		return sums, err
	}
	err = src.Blobs.Each(ctx, func(name string) error {
		sum, err := a.blob(ctx, src.Blobs, name)
		if errors.Is(err, blobs.ErrNotFound) {
			return nil // removed meanwhile
		}
		sums.Blobs[name] = sum
		return err
	})
	if err != nil {
		return sums, err
	}
	tables, err := snap.Tables(ctx)
	if err != nil {
		return sums, err
	}
	for _, table := range tables {
		if sums.Tables[table], err = a.table(ctx, snap, table); err != nil {
			return sums, fmt.Errorf("table %s: %w", table, err)
		}
	}
	return sums, a.json("sums.json", sums)
}

// secrets are the keys, the anchors of the ledger and the list of the erased.
func (a *archive) secrets(src Source) error {
	keys, err := os.ReadFile(src.KeyFile)
	if err != nil {
		return fmt.Errorf("the key file: %w", err)
	}
	if err := a.put("keys", keys); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(src.Anchors, "ledger-*.anchors"))
	if err != nil {
		return err
	}
	if erased := filepath.Join(src.Anchors, engines.ErasedList); exists(erased) {
		files = append(files, erased)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("anchors of the ledger: %w", err)
		}
		if err := a.put("anchors/"+filepath.Base(name), raw); err != nil {
			return err
		}
	}
	return nil
}

func (a *archive) blob(ctx context.Context, from blobs.Store, name string) (string, error) {
	r, info, err := from.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }() // it only read
	sum := sha256.New()
	if err := a.stream("blobs/"+name, info.Size, io.TeeReader(r, sum)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// table writes a table in pieces: the size of each has to be known before.
func (a *archive) table(ctx context.Context, snap *sqlstore.Snapshot, name string) (sqlstore.Sum, error) {
	var piece bytes.Buffer
	n := 0
	flush := func() error {
		n++
		err := a.put(fmt.Sprintf("tables/%s/%08d", name, n), piece.Bytes())
		piece.Reset()
		return err
	}
	sum, err := snap.Dump(ctx, name, func(line []byte) error {
		piece.Write(line)
		piece.WriteByte('\n')
		if piece.Len() < pieceSize {
			return nil
		}
		return flush()
	})
	if err == nil && piece.Len() > 0 {
		err = flush()
	}
	return sum, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
