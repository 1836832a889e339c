package esindex_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/search/esindex"
	"hotline/search/indextest"
)

const engine = "HOTLINE_TEST_ELASTICSEARCH"

// cluster returns the URL of the node for tests; ok is false where none is running and none must.
func cluster(t *testing.T) (url string, ok bool) {
	t.Helper()
	url = strings.TrimSuffix(os.Getenv(engine), "/")
	if url == "" && os.Getenv("CI") == "true" {
		t.Fatalf("%s must name an Elasticsearch node: see search/esindex/node/run.sh", engine)
	}
	if url == "" {
		t.Logf("Elasticsearch is left out: %s is not set", engine)
	}
	return url, url != ""
}

var opened atomic.Int64

// open makes an engine with a prefix of its own and drops its indexes at the end.
func open(t *testing.T, url string) *esindex.Index {
	t.Helper()
	prefix := fmt.Sprintf("test-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), opened.Add(1))
	x, err := esindex.Open(t.Context(), url+"/"+prefix, esindex.Options{})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, x.Close())
		dropAll(t, url, prefix)
	})
	return x
}

// dropAll deletes what holds the alias; wildcards are not allowed for deletions.
func dropAll(t testing.TB, url, prefix string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	base := strings.TrimPrefix(url, "elasticsearch+")
	for _, name := range indexes(ctx, t, base, prefix) {
		req, err := http.NewRequestWithContext(ctx, http.MethodDelete, base+"/"+name, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Less(t, res.StatusCode, 300)
	}
}

func TestContract(t *testing.T) {
	url, ok := cluster(t)
	if !ok {
		return
	}
	indextest.Run(t, func(t *testing.T) search.Driver { return open(t, url) })
}

func BenchmarkIndex(b *testing.B) {
	url := os.Getenv(engine)
	if url == "" {
		b.Logf("Elasticsearch is left out: %s is not set", engine)
		return
	}
	prefix := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	x, err := esindex.Open(b.Context(), url+"/"+prefix, esindex.Options{})
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, x.Close())
		dropAll(b, url, prefix)
	})
	indextest.Bench(b, x)
}
