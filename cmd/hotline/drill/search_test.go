package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/city"
)

// elastic is an Elasticsearch of the test's own, which may be killed.
type elastic struct {
	port   string
	data   string
	script string
	cmd    *exec.Cmd
}

// newElastic finds the test node; nil where there is none, which CI does not allow.
func newElastic(t *testing.T) *elastic {
	t.Helper()
	out, err := exec.Command("../../../.ci/setup", "node").Output()
	require.NoError(t, err)
	folder := strings.TrimSpace(string(out))
	if _, err := os.Stat(filepath.Join(folder, ".built")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Elasticsearch: %v", err)
		}
		return nil
	}
	port, err := FreePort(t.Context())
	require.NoError(t, err)
	e := &elastic{port: strconv.Itoa(port), data: t.TempDir(), script: filepath.Join(folder, "run.sh")}
	t.Cleanup(func() { e.kill() })
	return e
}

func (e *elastic) start(t *testing.T) {
	t.Helper()
	e.cmd = exec.Command(e.script, e.port, e.data) //nolint:gosec // our own test node
	require.NoError(t, e.cmd.Start())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+e.port+"/_cluster/health", nil)
		require.NoError(t, err)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		require.True(t, Sleep(ctx, 100*time.Millisecond), "Elasticsearch did not start")
	}
}

func (e *elastic) kill() {
	if e.cmd != nil {
		_ = e.cmd.Process.Kill()
		_ = e.cmd.Wait()
		e.cmd = nil
	}
}

// TestElasticsearchKilledDrill: while the index is dead, tickets are taken, numbers and phones
// are found, people are told that words are not; when it is back, all that came is in it.
func TestElasticsearchKilledDrill(t *testing.T) {
	index := newElastic(t)
	if index == nil {
		t.Log("left out: there is no Elasticsearch")
		return
	}
	bin, err := Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	p := planned(t)
	outage := min(max(p.until, 10*time.Second), time.Minute)
	index.start(t)
	ctx := t.Context()
	s := loggedSetup(t, bin, t.TempDir())
	s.Search, s.LogLevel = "elasticsearch+http://127.0.0.1:"+index.port+"/drill", "error" // that it is gone is warned of all the time
	require.NoError(t, s.Prepare(ctx, city.Sample(), 1))
	node, err := s.Start(ctx)
	require.NoError(t, err)
	requests := newLoad(node.URL(), p.seed, slices.Collect(takes(t, 500)))
	requests.start(ctx, 2, 2)

	before := requests.accepted(t, 5)
	require.NoError(t, requests.awaitFound(ctx, before))
	index.kill()
	asked := 0
	for began := time.Now(); time.Since(began) < outage; asked++ {
		number := requests.accepted(t, len(requests.numbers())+1)
		requests.fallsBack(t, number)
	}
	owed, err := node.Metric(ctx, "hotline_outbox_owed")
	require.NoError(t, err)
	require.NotZero(t, owed, "nothing waits for the index")
	index.start(t)
	back := time.Now()
	last := requests.accepted(t, len(requests.numbers())+1)
	require.NoError(t, requests.awaitFound(ctx, last))
	caught := time.Since(back)
	requests.finish()
	require.Empty(t, requests.book.errs)
	require.Zero(t, requests.book.unsure, "taking tickets waited for the index")
	require.NoError(t, node.Settle(ctx, 2*time.Minute))
	for i, number := range requests.numbers() {
		if i%50 == 0 { // what all have in the index is compared below
			require.NoError(t, requests.awaitFound(ctx, number))
		}
	}
	require.NoError(t, node.Stop())
	e, err := s.Open(ctx)
	require.NoError(t, err)
	defer e.Close()
	report, err := e.Index.Verify(ctx, e.Source, false)
	require.NoError(t, err)
	require.True(t, report.Clean(), "index and database differ: %+v", report)
	t.Logf("%s without Elasticsearch: %d tickets taken in all, asked %d times, %v effects waited; a new ticket was found %s after it was back",
		outage, len(requests.book.accepted)+len(requests.book.filed), asked, owed, caught.Round(time.Millisecond))
}

// numbers are those of the tickets that operators were told of.
func (l *load) numbers() []string {
	l.book.mu.Lock()
	defer l.book.mu.Unlock()
	return slices.Sorted(maps.Values(l.book.accepted))
}

// accepted waits until so many tickets were accepted and gives the last one's number.
func (l *load) accepted(t *testing.T, count int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if numbers := l.numbers(); len(numbers) >= count {
			return numbers[len(numbers)-1]
		}
		require.True(t, Sleep(ctx, 10*time.Millisecond), "no ticket was accepted")
	}
}

// found is what a search answers.
type found struct {
	Code     string `json:"code"` // of a problem
	Total    int    `json:"total"`
	Degraded bool   `json:"degraded"`
	Items    []struct {
		Number string `json:"number"`
	} `json:"items"`
}

func (l *load) look(ctx context.Context, path string, body any) (status int, f found, err error) {
	token, err := l.signIn(ctx)
	if err != nil {
		return 0, f, err
	}
	var raw []byte
	if body != nil {
		if raw, err = json.Marshal(body); err != nil {
			return 0, f, err
		}
	}
	status, answer, err := l.send(ctx, http.DefaultClient, token, "", path, raw)
	if err != nil {
		return 0, f, err
	}
	return status, f, json.Unmarshal(answer, &f)
}

// awaitFound asks until the index itself finds a ticket by its number.
func (l *load) awaitFound(ctx context.Context, number string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		status, f, err := l.look(ctx, "/api/v1/search?q="+url.QueryEscape(number), nil)
		if err == nil && status == http.StatusOK && !f.Degraded && f.Total == 1 && f.Items[0].Number == number {
			return nil
		}
		if !Sleep(ctx, 20*time.Millisecond) {
			return fmt.Errorf("%s is not found: status %d, %+v, %w", number, status, f, err)
		}
	}
}

// fallsBack asks for a number, a phone and words while there is no index.
func (l *load) fallsBack(t *testing.T, number string) {
	t.Helper()
	ctx := t.Context()
	status, f, err := l.look(ctx, "/api/v1/search?q="+url.QueryEscape(number), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.True(t, f.Degraded, "nobody is told that the index is gone")
	require.Len(t, f.Items, 1)
	require.Equal(t, number, f.Items[0].Number)
	status, f, err = l.look(ctx, "/api/v1/search/phone", map[string]string{"phone": "14200000000"})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, f.Items)
	status, f, err = l.look(ctx, "/api/v1/search?q="+url.QueryEscape("路灯"), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "search_unavailable", f.Code)
}
