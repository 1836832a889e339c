package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"hotline/search"
)

// elastic is an Elasticsearch as a plain HTTP client sees it.
type elastic struct{ base string }

func (e elastic) do(ctx context.Context, method, path string, in any) ([]byte, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, e.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: status %d: %.300s", method, path, resp.StatusCode, raw)
	}
	return raw, err
}

// plain asks for a word and the same counts as a search does, and reads the answer.
func (e elastic) plain(ctx context.Context, alias, word string) error {
	counts := map[string]any{"histogram": map[string]any{"date_histogram": map[string]any{
		"field": "created_at", "calendar_interval": "day", "time_zone": search.DayZone, "format": "yyyy-MM-dd", "min_doc_count": 1,
	}}}
	for _, f := range facets {
		counts[f] = map[string]any{"terms": map[string]any{"field": f, "size": 1000}}
	}
	raw, err := e.do(ctx, http.MethodPost, "/"+alias+"/_search", map[string]any{
		"size": 21, "track_total_hits": 10_001, "aggs": counts, "sort": []any{map[string]any{"created_at": "desc"}, map[string]any{"id": "desc"}},
		"_source": []string{"id", "number", "version", "title", "body", "created_at"},
		"query":   map[string]any{"bool": map[string]any{"filter": map[string]any{"match_phrase": map[string]any{"text": word}}}},
	})
	if err != nil {
		return err
	}
	var answer map[string]any
	return json.Unmarshal(raw, &answer)
}

// size is how many bytes an index takes.
func (e elastic) size(ctx context.Context, alias string) (float64, error) {
	raw, err := e.do(ctx, http.MethodGet, "/"+alias+"/_stats/store", nil)
	if err != nil {
		return 0, err
	}
	var stats struct {
		All struct {
			Primaries struct {
				Store struct {
					Bytes float64 `json:"size_in_bytes"`
				} `json:"store"`
			} `json:"primaries"`
		} `json:"_all"`
	}
	err = json.Unmarshal(raw, &stats)
	return stats.All.Primaries.Store.Bytes, err
}

// drop deletes what holds the alias; wildcards are not allowed for deletions.
func (e elastic) drop(ctx context.Context, alias string) error {
	raw, err := e.do(ctx, http.MethodGet, "/"+alias+"*", nil)
	if err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	for name := range all {
		if _, err := e.do(ctx, http.MethodDelete, "/"+name, nil); err != nil {
			return err
		}
	}
	return nil
}
