package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
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

// plain asks for the words in the default way: any of a text's bigrams counts.
func (e elastic) plain(ctx context.Context, alias string, words []string) ([]time.Duration, error) {
	counts := map[string]any{}
	for _, f := range facets {
		counts[f] = map[string]any{"terms": map[string]any{"field": f, "size": 50}}
	}
	var took []time.Duration
	for _, word := range words {
		began := time.Now()
		_, err := e.do(ctx, http.MethodPost, "/"+alias+"/_search", map[string]any{
			"size": 20, "track_total_hits": 10_000, "aggs": counts,
			"query": map[string]any{"match": map[string]any{"text": map[string]any{"query": word, "operator": "and"}}},
		})
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
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
