package indextest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/search"
)

// Open gives an empty engine of its own and cleans up after the test.
type Open func(t *testing.T) search.Driver

// Run checks an engine against the contract.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, search.Driver){
		"membership": testMembership, "special characters": testSpecial, "filters": testFilters, "facets": testFacets,
		"histogram": testHistogram, "paging": testPaging, "paging under inserts": testPagingUnderInserts, "ties": testTies,
		"relevance": testRelevance, "scope": testScope, "highlight": testHighlight, "versions": testVersions, "deletes": testDeletes,
		"same id twice in a batch": testTwiceInBatch, "verify": testVerify, "verify ahead": testVerifyAhead, "rebuild": testRebuild,
		"rebuild while writing": testRebuildWhileWriting, "rebuild that fails": testRebuildFails, "capped total": testCapped,
		"all han characters": testAllHan, "random texts": testRandomTexts, "random queries": testRandomQueries, "cancelled": testCancelled,
		"stamps": testStamps, "where": testWhere, "query language": testAsk, "last digits": testLastDigits, "rank": testRank, "random rankings": testRandomRankings, "tables": testTables, "random tables": testRandomTables, "words": testWords,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var birth = time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC)

func indexOf(d search.Driver) *search.Index { return search.New(d, search.Options{BatchSize: 50}) }

func fill(t *testing.T, d search.Driver, docs ...search.Document) *search.Index {
	t.Helper()
	x := indexOf(d)
	require.NoError(t, x.Put(t.Context(), docs...))
	require.NoError(t, x.Refresh(t.Context()))
	return x
}

// text makes a document with nothing but text.
func text(id, title, body string) search.Document {
	return search.Document{ID: id, Version: 1, Title: title, Body: body, CreatedAt: birth}
}

func everything(text string) search.Query {
	return search.Query{Text: text, Scope: search.Scope{All: true}, Limit: search.MaxLimit}
}

func find(t *testing.T, x *search.Index, q search.Query) search.Result {
	t.Helper()
	res, err := x.Search(t.Context(), q)
	require.NoError(t, err, "query %q", q.Text)
	require.LessOrEqual(t, len(res.Hits), max(q.Limit, 20))
	return res
}

func ids(res search.Result) []string {
	all := make([]string, len(res.Hits))
	for i, h := range res.Hits {
		all[i] = h.ID
	}
	return all
}

func found(t *testing.T, x *search.Index, q search.Query) []string {
	t.Helper()
	all := ids(find(t, x, q))
	slices.Sort(all)
	return all
}

// pages reads a whole result page by page.
func pages(t *testing.T, x *search.Index, q search.Query) []string {
	t.Helper()
	all := []string{}
	for range 1000 {
		res := find(t, x, q)
		all = append(all, ids(res)...)
		if res.NextCursor == "" {
			return all
		}
		require.Len(t, res.Hits, q.Limit, "only the last page may be short")
		q.Cursor = res.NextCursor
	}
	t.Fatal("the pages do not end")
	return nil
}

func counts(buckets []search.Bucket) map[string]int {
	all := map[string]int{}
	for _, b := range buckets {
		all[b.Key] = b.Count
	}
	return all
}

// city makes n documents whose fields differ in regular ways.
func city(n int) []search.Document {
	words := []string{"路灯不亮", "小区夜间施工噪音扰民", "自来水管漏水", "物业乱收费", "占道经营", "垃圾清运不及时"}
	states := []string{"draft", "dispatched", "signed", "closed"}
	docs := make([]search.Document, n)
	for i := range docs {
		family, leaf := fmt.Sprintf("F%d", i%4), fmt.Sprintf("F%d-%d", i%4, i%3)
		parent, dept := fmt.Sprintf("P%d", i%3), fmt.Sprintf("D%d", i%7)
		docs[i] = search.Document{
			ID: fmt.Sprintf("t%05d", i*7919%100_000), Number: fmt.Sprintf("20260302-%06d", i), Version: int64(1 + i%3),
			Title: words[i%len(words)], Body: fmt.Sprintf("第%d号楼%s，请处理。%s", i, words[(i+2)%len(words)], words[(i/5)%len(words)]),
			Type: []string{"complaint", "inquiry"}[i%2], Category: leaf, Categories: []string{leaf, family},
			District: fmt.Sprintf("S%d", i%6), Department: dept, Departments: []string{dept, parent},
			State: states[i%4], Channel: []string{"phone", "web", "wechat"}[i%3], Urgency: "normal",
			CreatedAt: birth.Add(time.Duration(i) * 97 * time.Minute),
		}
		if i%5 > 0 {
			docs[i].Place = fmt.Sprintf("p%d", i%9)
		}
		if i%4 > 0 { // on a grid of about a kilometre
			docs[i].Location = &search.Point{Lon: 121 + 0.01*float64(i%11), Lat: 31 + 0.01*float64(i%7)}
		}
	}
	return docs
}

// source is a search.Source over a map.
type source struct {
	docs map[string]search.Document
	// during, when set, runs between two batches.
	during func()
}

func sourceOf(docs ...search.Document) *source {
	s := &source{docs: map[string]search.Document{}}
	for _, d := range docs {
		s.docs[d.ID] = d
	}
	return s
}

// Documents yields in batches of 20.
func (s *source) Documents(ctx context.Context, after string, yield func([]search.Document) error) error {
	var batch []search.Document
	for _, id := range slices.Sorted(maps.Keys(s.docs)) {
		if id <= after {
			continue
		}
		if batch = append(batch, s.docs[id]); len(batch) == 20 {
			if err := yield(batch); err != nil {
				return err
			}
			batch = nil
			if s.during != nil {
				s.during()
			}
		}
	}
	if len(batch) > 0 {
		return yield(batch)
	}
	return ctx.Err()
}

// Document reads one.
func (s *source) Document(_ context.Context, id string) (search.Document, bool, error) {
	d, ok := s.docs[id]
	return d, ok, nil
}
