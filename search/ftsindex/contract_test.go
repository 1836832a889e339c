package ftsindex_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/search/ftsindex"
	"hotline/search/indextest"
)

func open(t *testing.T, path string) *ftsindex.Index {
	t.Helper()
	x, err := ftsindex.Open(t.Context(), "fts://"+path, ftsindex.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	return x
}

func TestContract(t *testing.T) {
	indextest.Run(t, func(t *testing.T) search.Driver { return open(t, filepath.Join(t.TempDir(), "search.db")) })
}

func BenchmarkIndex(b *testing.B) {
	x, err := ftsindex.Open(b.Context(), "fts://"+filepath.Join(b.TempDir(), "search.db"), ftsindex.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, x.Close()) })
	indextest.Bench(b, x)
}
