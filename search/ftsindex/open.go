package ftsindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hotline/search"
)

// Scheme is the URL scheme of this engine.
const Scheme = "fts"

// schema is raised when tables or analysis change; a file of another schema is rebuilt.
const schema = 2

// Options tune the engine; the zero value works.
type Options struct {
	Log     *slog.Logger
	Readers int // connections for queries; 4 when zero
}

// Index implements [search.Driver].
type Index struct {
	path string
	log  *slog.Logger
	opts Options

	writing sync.Mutex // one writer in this process; SQLite keeps other processes apart
	life    sync.RWMutex
	db      *handles // replaced by repair, under life
	damaged atomic.Bool
}

// handles is one opened file.
type handles struct {
	write *sql.DB
	read  *sql.DB
	file  fs.FileInfo
	cols  *columns
}

// Open opens or makes the file of an fts:///abs/path.db URL. A file that is damaged
// or of another schema is put aside and Ready then asks for a rebuild. The error
// of a path that cannot be used says what to do.
func Open(ctx context.Context, rawURL string, opts Options) (*Index, error) {
	path, err := pathOf(rawURL)
	if err != nil {
		return nil, err
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Readers <= 0 {
		opts.Readers = 4
	}
	x := &Index{path: path, log: opts.Log, opts: opts}
	x.db, err = x.open(ctx)
	if isDamage(err) {
		x.log.WarnContext(ctx, "search index is damaged and put aside", "path", path, "error", err)
		if err := x.putAside(); err != nil {
			return nil, err
		}
		x.db, err = x.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open search index %s: %w (check that the folder exists and can be written, or choose another with --search fts:///path/search.db)", path, err)
	}
	return x, nil
}

func pathOf(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", fmt.Errorf("search URL: %w (use fts:///absolute/path/search.db)", err)
	}
	if u.Scheme != Scheme || u.Host != "" || !filepath.IsAbs(u.Path) || strings.HasSuffix(u.Path, "/") {
		return "", fmt.Errorf("search URL %q: use fts:///absolute/path/search.db", u.Redacted())
	}
	return filepath.Clean(u.Path), nil
}

func (x *Index) open(ctx context.Context) (*handles, error) {
	h := &handles{cols: newColumns()}
	var err error
	if h.write, err = connect(x.path, 1, "_txlock=immediate"); err != nil {
		return nil, err
	}
	if err := prepare(ctx, h.write); err != nil {
		return nil, errors.Join(err, h.write.Close())
	}
	if h.read, err = connect(x.path, x.opts.Readers, "_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(err, h.write.Close())
	}
	if h.file, err = os.Stat(x.path); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *handles) close() error { return errors.Join(h.read.Close(), h.write.Close()) }

// connect opens a pool. The index is a copy of the truth, so a commit need not wait for the disk.
func connect(path string, conns int, param string) (*sql.DB, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join([]string{
		param, "_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(NORMAL)",
		"_pragma=temp_store(2)", "_pragma=cache_size(-4096)", "_pragma=mmap_size(268435456)",
	}, "&")
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// Close ends all connections.
func (x *Index) Close() error {
	x.life.Lock()
	defer x.life.Unlock()
	return x.db.close()
}

// Ready loads what queries need and reports whether the index is whole.
func (x *Index) Ready(ctx context.Context) error {
	x.life.RLock()
	defer x.life.RUnlock()
	if now, err := os.Stat(x.path); err != nil || !os.SameFile(now, x.db.file) {
		x.damaged.Store(true)
	}
	if x.damaged.Load() {
		return fmt.Errorf("%w: the file %s was damaged or removed", search.ErrNeedsRebuild, x.path)
	}
	return x.reading(ctx, func(tx *sql.Tx, st state) error {
		if !st.ready {
			return fmt.Errorf("%w: the file %s is new", search.ErrNeedsRebuild, x.path)
		}
		return x.db.cols.catchUp(ctx, tx, st)
	})
}

// repair puts a damaged or removed file aside and opens a new one; only a rebuild calls it.
func (x *Index) repair(ctx context.Context) error {
	x.life.Lock()
	defer x.life.Unlock()
	if err := x.db.close(); err != nil {
		x.log.WarnContext(ctx, "closing the damaged search index", "error", err)
	}
	if err := x.putAside(); err != nil {
		return err
	}
	h, err := x.open(ctx)
	if err != nil {
		return fmt.Errorf("open a new search index: %w", err)
	}
	x.db = h
	x.damaged.Store(false)
	return nil
}

// putAside keeps the last damaged file for whoever wants to know why.
func (x *Index) putAside() error {
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(x.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("put the damaged search index aside: %w", err)
		}
	}
	if err := os.Rename(x.path, x.path+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the damaged search index aside: %w", err)
	}
	return nil
}

// failed classifies an error of SQLite and remembers damage.
func (x *Index) failed(err error) error {
	switch code := codeOf(err); {
	case err == nil:
		return nil
	case isDamage(err):
		x.damaged.Store(true)
		return fmt.Errorf("%w: %w: %w", search.ErrUnavailable, search.ErrNeedsRebuild, err)
	case code == sqlite3.SQLITE_BUSY, code == sqlite3.SQLITE_LOCKED, code == sqlite3.SQLITE_FULL, code == sqlite3.SQLITE_IOERR, code == sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	default:
		return err
	}
}

func codeOf(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func isDamage(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB || errors.Is(err, errSchema)
}
