package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hotline/cmd/city"
	"hotline/search"
	"hotline/search/esindex"
	"hotline/search/ftsindex"
	"hotline/ticketing/sqlstore"
)

// searchDocs is how many tickets the figures are about.
const searchDocs = 100_000

var facets = []string{"category", "district", "department"}

// benchSearch measures searches with facets over generated tickets, on both
// engines. Everybody who works in the centre sees all tickets.
func benchSearch(ctx context.Context, r *run) error {
	docs, err := documents(searchDocs)
	if err != nil {
		return err
	}
	words := questions(docs)
	dir, err := r.folder("search")
	if err != nil {
		return err
	}
	embedded, err := ftsindex.Open(ctx, "fts://"+filepath.Join(dir, "search.db"), ftsindex.Options{})
	if err != nil {
		return err
	}
	value, err := searched(ctx, embedded, docs, words)
	if err != nil {
		return err
	}
	baseline, err := likeBaseline(ctx, filepath.Join(dir, "like.db"), docs, words)
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "search_embedded_p99", Value: millis(percentile(value, 0.99)), Unit: "ms", Goal: 50,
		Baseline: millis(percentile(baseline, 0.99)), BaselineName: "SQL LIKE over the same texts, the same counts",
	})
	return benchElastic(ctx, r, docs, words)
}

func benchElastic(ctx context.Context, r *run, docs []search.Document, words []string) (err error) {
	address := os.Getenv("HOTLINE_TEST_ELASTICSEARCH")
	if address == "" {
		r.say("search_elasticsearch_p99     left out: HOTLINE_TEST_ELASTICSEARCH is not set")
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	alias := fmt.Sprintf("bench%d", time.Now().UnixNano())
	driver, err := esindex.Open(ctx, u.Scheme+"://"+u.Host+"/"+alias, esindex.Options{})
	if err != nil {
		return err
	}
	base := elastic{strings.TrimPrefix(u.Scheme, "elasticsearch+") + "://" + u.Host}
	defer func() { err = errors.Join(err, base.drop(context.WithoutCancel(ctx), alias)) }()
	value, err := searched(ctx, driver, docs, words)
	if err != nil {
		return err
	}
	baseline, err := base.plain(ctx, alias, words)
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "search_elasticsearch_p99", Value: millis(percentile(value, 0.99)), Unit: "ms", Goal: 50,
		Baseline: millis(percentile(baseline, 0.99)), BaselineName: "a plain match query with the same counts, asked of the engine directly",
	})
	return nil
}

// documents are generated cases as the index keeps them.
func documents(n int) ([]search.Document, error) {
	history, err := cases(n)
	if err != nil {
		return nil, err
	}
	docs := make([]search.Document, 0, n)
	for c := range history {
		docs = append(docs, documentOf(c))
	}
	return docs, nil
}

// parents are those of the sample city's categories and departments.
var parents = sync.OnceValue(func() map[string]string {
	above := map[string]string{}
	sample := city.Sample()
	for _, c := range sample.Categories {
		above["c:"+c.Code] = c.Parent
	}
	for _, d := range sample.Departments {
		above["d:"+d.Code] = d.Parent
	}
	return above
})

// documentOf is a case as the index keeps it.
func documentOf(c city.Case) search.Document {
	return search.Document{
		ID: c.ID, Number: c.Number, Version: 1, Title: c.Appeal.Title,
		Body: c.Appeal.Description + "\n" + c.Appeal.Address + "\n" + c.Answer, Type: string(c.Appeal.Type),
		Category: c.Appeal.Category, Categories: path("c:", c.Appeal.Category), District: c.Appeal.District,
		Department: c.Department, Departments: path("d:", c.Department), State: string(c.State), Channel: string(c.Channel),
		Urgency: string(c.Urgency), CreatedAt: c.ArrivedAt,
	}
}

// path is a code with all above it.
func path(kind, code string) []string {
	var all []string
	for ; code != ""; code = parents()[kind+code] {
		all = append(all, code)
	}
	return all
}

// questions are pieces of two to four characters of the tickets' titles, as
// people type them: some in most tickets, some in one.
func questions(docs []search.Document) []string {
	const count = 300
	var words []string
	for i := range count {
		title := []rune(docs[i*len(docs)/count].Title)
		size := 2 + i%3
		if len(title) < size {
			continue
		}
		at := (i * 7) % (len(title) - size + 1)
		words = append(words, strings.Map(func(r rune) rune {
			if strings.ContainsRune(`"-，。、（）%_ `, r) {
				return -1
			}
			return r
		}, string(title[at:at+size])))
	}
	return words
}

// searched fills an engine and asks it one question after the other.
func searched(ctx context.Context, driver search.Driver, docs []search.Document, words []string) (took []time.Duration, err error) {
	index := search.New(driver, search.Options{})
	defer func() { err = errors.Join(err, index.Close()) }()
	if err := index.Put(ctx, docs...); err != nil {
		return nil, err
	}
	if err := index.Refresh(ctx); err != nil {
		return nil, err
	}
	ask := func(word string) (time.Duration, error) {
		began := time.Now()
		_, err := index.Search(ctx, search.Query{Text: word, Scope: search.Scope{All: true}, Facets: facets})
		return time.Since(began), err
	}
	for _, word := range words[:20] { // caches fill, programs load
		if _, err := ask(word); err != nil {
			return nil, err
		}
	}
	for range 3 {
		for _, word := range words {
			d, err := ask(word)
			if err != nil {
				return nil, err
			}
			took = append(took, d)
		}
	}
	return took, nil
}

// likeBaseline asks a table without an index of the words.
func likeBaseline(ctx context.Context, file string, docs []search.Document, words []string) (took []time.Duration, err error) {
	store, err := sqlstore.Open(ctx, "sqlite://"+file, sqlstore.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	db := store.DB().SQL()
	if _, err := db.ExecContext(ctx, "CREATE TABLE texts (id TEXT PRIMARY KEY, title TEXT, body TEXT, category TEXT, district TEXT, department TEXT, at BIGINT)"); err != nil {
		return nil, err
	}
	const batch = 5_000
	for from := 0; from < len(docs); from += batch {
		raw, err := json.Marshal(docs[from:min(from+batch, len(docs))])
		if err != nil {
			return nil, err
		}
		_, err = db.ExecContext(ctx, "INSERT INTO texts SELECT value->>'ID', value->>'Title', value->>'Body', value->>'Category', "+
			"value->>'District', value->>'Department', value->>'CreatedAt' FROM json_each(?)", string(raw))
		if err != nil {
			return nil, err
		}
	}
	for _, word := range words[:10] { // one takes as long as many of the index
		began := time.Now()
		like := "%" + word + "%"
		for _, q := range []string{
			"SELECT id FROM texts WHERE title LIKE ? OR body LIKE ? ORDER BY at DESC LIMIT 20",
			"SELECT category, count(*) FROM texts WHERE title LIKE ? OR body LIKE ? GROUP BY 1",
			"SELECT district, count(*) FROM texts WHERE title LIKE ? OR body LIKE ? GROUP BY 1",
			"SELECT department, count(*) FROM texts WHERE title LIKE ? OR body LIKE ? GROUP BY 1",
		} {
			if _, err := db.ExecContext(ctx, q, like, like); err != nil {
				return nil, err
			}
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
