package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ErrNotFound tells that no blob has the name.
var ErrNotFound = errors.New("blobs: not found")

// ErrName tells that a name is not allowed.
var ErrName = errors.New("blobs: a name is made of letters, digits, '.', '_' and '-', with '/' between its parts")

// maxName bounds a name, in bytes.
const maxName = 200

// Blob describes what is stored.
type Blob struct {
	Name   string
	Size   int64  // bytes
	SHA256 string // hex; empty where a blob is opened without being read
}

// Files keeps blobs as files below one folder.
type Files struct {
	dir  string
	root *os.Root
}

// openFiles opens file:///folder. The folder is made when it is missing, and
// must be writable.
func openFiles(u *url.URL) (*Files, error) {
	if u.Host != "" || !filepath.IsAbs(u.Path) {
		return nil, fmt.Errorf("blobs: %q is not a store of blobs; use file:///folder", u.Redacted())
	}
	if err := os.MkdirAll(filepath.Join(u.Path, ".tmp"), 0o750); err != nil {
		return nil, fmt.Errorf("blobs: cannot write below %s; make the folder writable or name another: %w", u.Path, err)
	}
	root, err := os.OpenRoot(u.Path)
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	f := &Files{dir: u.Path, root: root}
	if err := f.probe(); err != nil {
		return nil, errors.Join(fmt.Errorf("blobs: cannot write below %s; make the folder writable or name another: %w", u.Path, err), root.Close())
	}
	return f, nil
}

func (f *Files) probe() error {
	probe, err := os.CreateTemp(filepath.Join(f.dir, ".tmp"), "probe-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Close lets go of the folder.
func (f *Files) Close() error { return f.root.Close() }

// Put stores what r gives under a name, replacing what was there. When it
// returns without error the blob is on disk; else nothing has changed.
func (f *Files) Put(ctx context.Context, name string, r io.Reader) (Blob, error) {
	name, err := clean(name)
	if err != nil {
		return Blob{}, err
	}
	tmp, err := os.CreateTemp(filepath.Join(f.dir, ".tmp"), "put-*")
	if err != nil {
		return Blob{}, fmt.Errorf("blobs: putting %s: %w", name, err)
	}
	blob, err := fill(ctx, tmp, r)
	if err == nil {
		err = f.place(tmp.Name(), name)
	}
	if err != nil {
		if gone := os.Remove(tmp.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return Blob{}, fmt.Errorf("blobs: putting %s: %w", name, err)
	}
	blob.Name = name
	return blob, nil
}

// fill copies, flushes to disk and closes.
func fill(ctx context.Context, tmp *os.File, r io.Reader) (Blob, error) {
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(tmp, sum), reader{ctx, r})
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	return Blob{Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

func (f *Files) place(tmp, name string) error {
	folder := path.Dir(name)
	if err := f.root.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(f.dir, filepath.FromSlash(name))); err != nil {
		return err
	}
	dir, err := f.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Open opens a blob for reading; close it after use.
func (f *Files) Open(_ context.Context, name string) (io.ReadSeekCloser, Blob, error) {
	name, err := clean(name)
	if err != nil {
		return nil, Blob{}, err
	}
	file, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Blob{}, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if err != nil {
		return nil, Blob{}, fmt.Errorf("blobs: opening %s: %w", name, err)
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		return nil, Blob{}, errors.Join(fmt.Errorf("%w: %s", ErrNotFound, name), err, file.Close())
	}
	return file, Blob{Name: name, Size: info.Size()}, nil
}

// Delete removes a blob; one that is not there is no error.
func (f *Files) Delete(_ context.Context, name string) error {
	name, err := clean(name)
	if err != nil {
		return err
	}
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blobs: deleting %s: %w", name, err)
	}
	return nil
}

// Each calls do with every blob's name.
func (f *Files) Each(ctx context.Context, do func(name string) error) error {
	return fs.WalkDir(f.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("blobs: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case entry.IsDir() && name == ".tmp":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		if _, err := clean(name); err != nil {
			return nil //nolint:nilerr // somebody else's file in the folder
		}
		return do(name)
	})
}

// clean refuses every name that is not plainly below the folder.
func clean(name string) (string, error) {
	if name == "" || len(name) > maxName || path.Clean(name) != name || strings.HasPrefix(name, "/") {
		return "", ErrName
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.IndexFunc(part, forbidden) >= 0 {
			return "", ErrName
		}
	}
	return name, nil
}

func forbidden(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
}

// reader stops when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
