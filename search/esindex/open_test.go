package esindex_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hotline/search"
	"hotline/search/esindex"
)

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "http://h:9200", "elasticsearch://h", "elasticsearch+http://", "elasticsearch+http:///p", "elasticsearch+http://h:port/p",
		"elasticsearch+http://h/Upper", "elasticsearch+http://h/a/b", "elasticsearch+http://h/*", "elasticsearch+http://h/p?x=1", "elasticsearch+http://u:secret%zz@h/p"} {
		_, err := esindex.Open(t.Context(), url, esindex.Options{})
		require.ErrorContains(t, err, "use elasticsearch+http://host:9200/prefix", url)
		require.NotContains(t, err.Error(), "secret")
	}
	for _, url := range []string{"elasticsearch+http://h:9200", "elasticsearch+https://user:p%40ss@a:9200,b:9200/hot-line_2"} {
		x, err := esindex.Open(t.Context(), url, esindex.Options{})
		require.NoError(t, err, url)
		require.NoError(t, x.Close())
	}
}

// against makes an engine over a server that answers as handler says.
func against(t *testing.T, handler http.HandlerFunc, opts esindex.Options) *search.Index {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	driver, err := esindex.Open(t.Context(), "elasticsearch+"+server.URL+"/p", opts)
	require.NoError(t, err)
	x := search.New(driver, search.Options{})
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	return x
}

var all = search.Query{Text: "路灯", Scope: search.Scope{All: true}}

func TestUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	driver, err := esindex.Open(t.Context(), "elasticsearch+http://"+address, esindex.Options{})
	require.NoError(t, err, "a cluster that is not there yet is no reason not to start")
	x := search.New(driver, search.Options{})
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	require.ErrorIs(t, x.Ready(t.Context()), search.ErrUnavailable)
	require.ErrorIs(t, x.Put(t.Context(), search.Document{ID: "a"}), search.ErrUnavailable)
	_, err = x.Search(t.Context(), all)
	require.ErrorIs(t, err, search.ErrUnavailable)
	require.NotContains(t, err.Error(), "路灯")
}

func TestRetriesAreBounded(t *testing.T) {
	for _, status := range []int{429, 502, 503, 504} {
		var asked atomic.Int64
		x := against(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.WriteHeader(status)
		}, esindex.Options{Retries: 2})
		require.ErrorIs(t, x.Ready(t.Context()), search.ErrUnavailable)
		require.Equal(t, int64(3), asked.Load())
	}
	for _, status := range []int{401, 403} {
		x := against(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }, esindex.Options{})
		require.ErrorIs(t, x.Ready(t.Context()), search.ErrUnavailable)
	}
}

func TestSlowClusterTimesOut(t *testing.T) {
	release := make(chan struct{})
	x := against(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, esindex.Options{Timeout: 50 * time.Millisecond, Retries: 1})
	t.Cleanup(func() { close(release) })
	_, err := x.Search(t.Context(), all)
	require.ErrorIs(t, err, search.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestSignsIn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "hot line" || password != "p@ss/%" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(server.Close)
	for credentials, status := range map[string]string{"": "401", "hot%20line:wrong@": "401", "hot%20line:p%40ss%2F%25@": "418"} {
		driver, err := esindex.Open(t.Context(), strings.Replace("elasticsearch+"+server.URL, "://", "://"+credentials, 1), esindex.Options{})
		require.NoError(t, err)
		require.ErrorContains(t, driver.Ready(t.Context()), "answered "+status, credentials)
		require.NoError(t, driver.Close())
	}
}

func TestNotElasticsearch(t *testing.T) {
	for _, product := range []string{"", "Elasticsearch"} {
		x := against(t, func(w http.ResponseWriter, r *http.Request) {
			assert.NotEqual(t, "/", r.URL.Path, "the root is nothing to ask for")
			w.Header().Set("X-Elastic-Product", product)
			_, _ = io.WriteString(w, "<html>welcome</html>")
		}, esindex.Options{})
		require.ErrorIs(t, x.Ready(t.Context()), search.ErrUnavailable)
	}
}

// bulk answers the alias as there, and each bulk request with the next of the answers.
func bulk(asked *atomic.Int64, answers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		if !strings.HasSuffix(r.URL.Path, "/_bulk") {
			_, _ = io.WriteString(w, `{"p-1":{"aliases":{"p":{}}}}`)
			return
		}
		n := int(asked.Add(1))
		_, _ = io.WriteString(w, answers[min(n, len(answers))-1])
	}
}

func items(statuses ...int) string {
	parts := make([]string, len(statuses))
	for i, s := range statuses {
		parts[i] = fmt.Sprintf(`{"index":{"status":%d,"error":{"type":"kind_%d"}}}`, s, s)
	}
	return `{"items":[` + strings.Join(parts, ",") + `]}`
}

func TestBulk(t *testing.T) {
	docs := []search.Document{{ID: "a", Version: 1}, {ID: "b", Version: 1}, {ID: "c", Version: 1}}
	var asked atomic.Int64
	x := against(t, bulk(&asked, items(201, 429, 409), items(200)), esindex.Options{})
	require.NoError(t, x.Put(t.Context(), docs...), "what was put off is sent again, and only that")
	require.Equal(t, int64(2), asked.Load())

	asked.Store(0)
	x = against(t, bulk(&asked, items(429)), esindex.Options{Retries: 1})
	require.ErrorIs(t, x.Put(t.Context(), docs[0]), search.ErrUnavailable)
	require.Equal(t, int64(2), asked.Load())

	x = against(t, bulk(&asked, items(201, 400, 201)), esindex.Options{})
	err := x.Put(t.Context(), docs...)
	require.ErrorContains(t, err, "document b: elasticsearch answered 400 kind_400")
	require.NotErrorIs(t, err, search.ErrUnavailable)

	x = against(t, bulk(&asked, items(201)), esindex.Options{})
	require.ErrorIs(t, x.Put(t.Context(), docs...), search.ErrUnavailable, "an answer for fewer documents than were sent")

	asked.Store(0)
	x = against(t, bulk(&asked, items(201)), esindex.Options{BulkBytes: 10})
	require.NoError(t, x.Put(t.Context(), docs...))
	require.Equal(t, int64(3), asked.Load(), "requests are cut to size")
}

// TestIndexLost takes the index away under a running engine.
func TestIndexLost(t *testing.T) {
	url, ok := cluster(t)
	if !ok {
		return
	}
	prefix := fmt.Sprintf("lost-%d", time.Now().UnixNano())
	driver, err := esindex.Open(t.Context(), url+"/"+prefix, esindex.Options{})
	require.NoError(t, err)
	x := search.New(driver, search.Options{})
	t.Cleanup(func() {
		require.NoError(t, x.Close())
		dropAll(t, url, prefix)
	})
	require.ErrorIs(t, x.Ready(t.Context()), search.ErrNeedsRebuild)
	require.NoError(t, x.Put(t.Context(), search.Document{ID: "a", Version: 1, Title: "路灯"}))
	dropAll(t, url, prefix)
	_, err = x.Search(t.Context(), all)
	require.ErrorIs(t, err, search.ErrUnavailable)
	require.ErrorIs(t, err, search.ErrNeedsRebuild)
	require.ErrorIs(t, x.Ready(t.Context()), search.ErrNeedsRebuild, "a new, empty index stands in")
	require.NoError(t, x.Put(t.Context(), search.Document{ID: "b", Version: 1, Title: "路灯"}))
	require.NoError(t, x.Refresh(t.Context()))
	res, err := x.Search(t.Context(), all)
	require.NoError(t, err)
	require.Equal(t, 1, res.Total)
	require.Len(t, indexes(t.Context(), t, strings.TrimPrefix(url, "elasticsearch+"), prefix), 1)
}
