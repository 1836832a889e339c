package ftsindex_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"hotline/search"
	"hotline/search/ftsindex"
)

var lamp = search.Document{ID: "a", Version: 1, Title: "路灯不亮", Departments: []string{"D1"}}

// one is a source of one document.
type one struct{ doc search.Document }

func (s one) Documents(_ context.Context, _ string, yield func([]search.Document) error) error {
	return yield([]search.Document{s.doc})
}

func (s one) Document(_ context.Context, id string) (search.Document, bool, error) {
	return s.doc, id == s.doc.ID, nil
}

func total(t *testing.T, x *search.Index, text string) int {
	t.Helper()
	res, err := x.Search(t.Context(), search.Query{Text: text, Scope: search.Scope{All: true}})
	require.NoError(t, err)
	return res.Total
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, url := range []string{"", "fts://", "fts://relative/path.db", "fts:relative.db", "sqlite://" + dir + "/x.db", "fts://" + dir + "/", "fts://%zz"} {
		_, err := ftsindex.Open(t.Context(), url, ftsindex.Options{})
		require.ErrorContains(t, err, "use fts:///absolute/path/search.db", url)
	}
	_, err := ftsindex.Open(t.Context(), "fts://"+dir+"/missing/search.db", ftsindex.Options{})
	require.ErrorContains(t, err, "check that the folder exists and can be written")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err = ftsindex.Open(t.Context(), "fts://"+dir+"/file/search.db", ftsindex.Options{})
	require.ErrorContains(t, err, "check that the folder exists and can be written")
}

func TestReopenKeepsAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space ?#%.db")
	url := filepath.Dir(path) + "/with%20space%20%3F%23%25.db"
	first := open(t, url)
	x := search.New(first, search.Options{})
	require.NoError(t, x.Rebuild(t.Context(), one{lamp}))
	require.FileExists(t, path)

	again := search.New(open(t, url), search.Options{})
	require.NoError(t, again.Ready(t.Context()))
	require.Equal(t, 1, total(t, again, "路灯"))
}

// TestProcesses lets two engines, as two processes would, write and rebuild one file.
func TestProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	a, b := search.New(open(t, path), search.Options{}), search.New(open(t, path), search.Options{})
	require.NoError(t, a.Rebuild(t.Context(), one{lamp}))
	require.Equal(t, 1, total(t, b, "路灯"))
	require.NoError(t, b.Put(t.Context(), search.Document{ID: "b", Version: 1, Title: "路灯又不亮"}))
	require.Equal(t, 2, total(t, a, "路灯"))
	require.Equal(t, 2, total(t, b, "路灯"))
	require.NoError(t, a.Delete(t.Context(), "a"))
	require.Equal(t, 1, total(t, b, ""))
	require.NoError(t, b.Rebuild(t.Context(), one{lamp}))
	require.Equal(t, 1, total(t, a, "路灯"))
	require.Equal(t, 0, total(t, a, "又"))
}

func TestSupersededRebuildChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	slow, fast := open(t, path), open(t, path)
	err := slow.Rebuild(t.Context(), func(put func([]search.Document) error) error {
		require.NoError(t, search.New(fast, search.Options{}).Rebuild(t.Context(), one{lamp}))
		return put([]search.Document{{ID: "late", Version: 1}})
	})
	require.ErrorIs(t, err, search.ErrSuperseded)
	x := search.New(slow, search.Options{})
	require.NoError(t, x.Ready(t.Context()))
	require.Equal(t, 1, total(t, x, ""))
	require.Equal(t, 1, total(t, x, "路灯"))
}

func TestDamagedFileIsRebuilt(t *testing.T) {
	junk := make([]byte, 8192)
	copy(junk, "this is no database at all")
	for name, harm := range map[string]func(t *testing.T, path string){
		"junk":  func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, junk, 0o600)) },
		"other": func(t *testing.T, path string) { otherSchema(t, path) },
		"empty": func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "search.db")
			harm(t, path)
			x := search.New(open(t, path), search.Options{})
			require.ErrorIs(t, x.Ready(t.Context()), search.ErrNeedsRebuild)
			require.NoError(t, x.Rebuild(t.Context(), one{lamp}))
			require.NoError(t, x.Ready(t.Context()))
			require.Equal(t, 1, total(t, x, "路灯"))
		})
	}
}

func otherSchema(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE docs (x); PRAGMA user_version = 999")
	require.NoError(t, errors.Join(err, db.Close()))
}

func TestHarmWhileRunning(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"removed": func(t *testing.T, path string) {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				require.NoError(t, os.RemoveAll(path+suffix))
			}
		},
		"replaced": func(t *testing.T, path string) {
			require.NoError(t, os.Rename(path, path+".moved"))
			require.NoError(t, os.WriteFile(path, []byte("something else"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "search.db")
			x := search.New(open(t, path), search.Options{})
			require.NoError(t, x.Rebuild(t.Context(), one{lamp}))
			require.NoError(t, x.Ready(t.Context()))
			harm(t, path)
			require.ErrorIs(t, x.Ready(t.Context()), search.ErrNeedsRebuild)
			require.NoError(t, x.Rebuild(t.Context(), one{lamp}))
			require.NoError(t, x.Ready(t.Context()))
			require.Equal(t, 1, total(t, x, "路灯"))
			require.FileExists(t, path)
		})
	}
}

// TestPagesLost overwrites the middle of the file, which shows only when it is read.
func TestPagesLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "search.db")
	first, err := ftsindex.Open(t.Context(), "fts://"+path, ftsindex.Options{})
	require.NoError(t, err)
	require.NoError(t, search.New(first, search.Options{}).Rebuild(t.Context(), one{lamp}))
	require.NoError(t, first.Close()) // writes the log back into the file
	size, err := os.Stat(path)
	require.NoError(t, err)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	junk := make([]byte, size.Size()-4096)
	for i := range junk {
		junk[i] = 0xA5
	}
	_, err = file.WriteAt(junk, 4096)
	require.NoError(t, errors.Join(err, file.Close()))

	x := search.New(open(t, path), search.Options{})
	err = x.Ready(t.Context())
	require.ErrorIs(t, err, search.ErrNeedsRebuild)
	_, err = x.Search(t.Context(), search.Query{Text: "路灯", Scope: search.Scope{All: true}})
	require.ErrorIs(t, err, search.ErrUnavailable)
	require.NoError(t, x.Rebuild(t.Context(), one{lamp}))
	require.NoError(t, x.Ready(t.Context()))
	require.Equal(t, 1, total(t, x, "路灯"))
	require.FileExists(t, path+".damaged")
}

// TestConcurrentUse reads, writes, deletes and rebuilds at once; no search may fail or see outside its scope.
func TestConcurrentUse(t *testing.T) {
	x := search.New(open(t, filepath.Join(t.TempDir(), "search.db")), search.Options{})
	require.NoError(t, x.Rebuild(t.Context(), one{lamp}))
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for w := range 2 {
		writers.Go(func() {
			for i := range 60 {
				d := search.Document{ID: string(rune('b' + i%5)), Version: int64(i), Title: "路灯", Departments: []string{"D2"}}
				if err := errors.Join(x.Put(t.Context(), d), x.DeleteVersions(t.Context(), search.Deletion{ID: "b", Version: int64(i)})); err != nil {
					t.Errorf("write: %v", err)
				}
				if w == 0 && i%15 == 0 {
					if err := x.Rebuild(t.Context(), one{lamp}); err != nil {
						t.Errorf("rebuild: %v", err)
					}
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				res, err := x.Search(t.Context(), search.Query{Text: "路灯", Scope: search.Scope{Departments: []string{"D1"}}})
				if err != nil || res.Total != 1 || len(res.Hits) != 1 || res.Hits[0].ID != "a" {
					t.Errorf("search: %+v %v", res, err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
}
