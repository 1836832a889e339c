package search

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"time"
)

// A cursor holds the position of the last row that was given, not a count of
// rows, so that documents which come in meanwhile shift nothing. It carries a
// fingerprint of the query, because a position means nothing in another one.

type cursor struct {
	Query     uint64 `json:"q"`
	Score     int    `json:"s,omitempty"`
	CreatedAt int64  `json:"t"`
	ID        string `json:"i"`
}

const maxCursor = 512 // bytes, encoded

func encodeCursor(last Position, p Plan) (string, error) {
	raw, err := json.Marshal(cursor{Query: fingerprint(p), Score: last.Score, CreatedAt: Millis(last.CreatedAt), ID: last.ID})
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func decodeCursor(s string, p Plan) (*Position, error) {
	bad := refuse("cursor", "take next_cursor of the page before, unchanged, with the same query")
	if len(s) > maxCursor {
		return nil, bad
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, bad
	}
	var c cursor
	if err := json.Unmarshal(raw, &c); err != nil || c.Query != fingerprint(p) || c.ID == "" {
		return nil, bad
	}
	return &Position{Score: c.Score, CreatedAt: time.UnixMilli(c.CreatedAt), ID: c.ID}, nil
}

// fingerprint covers what decides the order and the set of rows; not the scope,
// which is enforced anew on every page.
func fingerprint(p Plan) uint64 {
	h := fnv.New64a()
	for _, all := range [][]Alternatives{p.Must, {p.MustNot}, p.Titles} {
		for _, clauses := range all {
			for _, c := range clauses {
				_, _ = fmt.Fprintf(h, "%q\n", Normal(c, "|"))
			}
			_, _ = fmt.Fprintln(h)
		}
		_, _ = fmt.Fprintln(h)
	}
	f := p.Filters
	sets := slices.Concat([][]string{f.Types, f.Categories, f.Districts, f.Departments, f.States, f.Channels, f.Places, f.Tails}, f.MoreCategories, f.MoreDepartments)
	for _, values := range sets {
		_, _ = fmt.Fprintf(h, "%q\n", slices.Sorted(slices.Values(values)))
	}
	if f.Near != nil {
		_, _ = fmt.Fprint(h, *f.Near)
	}
	_, _ = fmt.Fprintf(h, "%v %d %d %s", f.Within, Millis(f.From), Millis(f.To), p.Sort)
	return h.Sum64()
}
