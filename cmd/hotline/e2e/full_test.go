package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"
	"hotline/ticketing/ledger"

	"hotline/cmd/hotline/app"
)

// A database without room: citizens are told that nothing was stored, the node
// that it is not ready, and both end when there is room again.
func TestFullDatabase(t *testing.T) {
	n := startNode(t, embedded, app.Options{})
	base := n.URL()
	get := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		return res.StatusCode
	}
	file := func() (int, http.Header, map[string]any) {
		body, err := json.Marshal(map[string]any{
			"appeal":  map[string]any{"type": "complaint", "description": string(bytes.Repeat([]byte("路灯不亮"), 2000))},
			"citizen": map[string]any{"phone": "13800138000"},
		})
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/public/v1/appeals", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		var answer map[string]any
		require.NoError(t, json.Unmarshal(raw, &answer), string(raw))
		return res.StatusCode, res.Header, answer
	}
	db := n.Engines.Store.DB().SQL()
	limit := func(pages int) (was int) {
		require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA max_page_count").Scan(&was))
		_, err := db.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		require.NoError(t, err)
		return was
	}
	require.Equal(t, http.StatusOK, get("/readyz"))
	was := limit(1) // SQLite takes what is there as the limit
	code, header, answer := file()
	for range 5 { // free pages may take a few
		if code != http.StatusCreated {
			break
		}
		code, header, answer = file()
	}
	require.Equal(t, http.StatusServiceUnavailable, code, answer)
	require.Equal(t, "unavailable", answer["code"])
	require.NotEmpty(t, answer["detail_zh"])
	require.NotEmpty(t, header.Get("Retry-After"))
	testbed.Await(t, "the node not to be ready", func() bool { // a small write that still fits would hide it
		for range 30 {
			if err := n.Engines.Tickets.Record(t.Context(), ledger.Entry{Actor: "test", Action: "test", Reason: "fills what is left"}); err != nil {
				break
			}
		}
		return get("/readyz") == http.StatusServiceUnavailable
	})
	limit(was)
	require.Equal(t, http.StatusOK, get("/readyz"))
	code, _, answer = file()
	require.Equal(t, http.StatusCreated, code, answer)
}
