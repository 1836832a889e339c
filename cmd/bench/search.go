package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hotline/cmd/city"
	"hotline/search"
	"hotline/ticketing/sqlstore"
)

var facets = []string{"category", "district", "department"}

// benchSearch measures searches with facets and a histogram over generated tickets, on
// both engines. Everybody who works in the centre sees all tickets.
func benchSearch(ctx context.Context, r *run) error {
	err := onEmbedded(ctx, r, "search", func(index *search.Index, file string) error { return searchEmbedded(ctx, r, index, file) })
	if err != nil {
		return err
	}
	return onElasticsearch(ctx, r, "search", func(index *search.Index, base elastic, alias string) error {
		return searchElastic(ctx, r, index, base, alias)
	})
}

func searchEmbedded(ctx context.Context, r *run, index *search.Index, file string) (err error) {
	like, err := openLike(ctx, filepath.Join(filepath.Dir(file), "like.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, like.close()) }()
	words, rate, err := indexed(ctx, index, r.tickets, like.put)
	if err != nil {
		return err
	}
	took, err := askAll(ctx, words, func(ctx context.Context, word string) error { return searchWord(ctx, index, word) })
	if err != nil {
		return err
	}
	baseline, err := askSome(ctx, words[:5], like.ask)
	if err != nil {
		return err
	}
	r.add(Figure{
		Name: "search_embedded_p99", Value: millis(percentile(took[0], 0.99)), Unit: "ms", Goal: 250,
		Baseline: millis(percentile(baseline, 0.99)), BaselineName: "SQL LIKE over the same texts, the same counts",
	})
	if err := benchTables(ctx, r, "embedded", index); err != nil {
		return err
	}
	size, err := sizeOf(file)
	if err != nil {
		return err
	}
	r.say("search on embedded: %d tickets, p50 %.1f ms, indexed at %.0f a second with the baseline's table, %.0f MB", r.tickets, millis(percentile(took[0], 0.5)), rate, size)
	return nil
}

func sizeOf(file string) (megabytes float64, err error) {
	for _, f := range []string{file, file + "-wal"} {
		info, err := os.Stat(f)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		if err == nil {
			megabytes += float64(info.Size()) / 1e6
		}
	}
	return megabytes, nil
}

func searchElastic(ctx context.Context, r *run, index *search.Index, base elastic, alias string) error {
	words, rate, err := indexed(ctx, index, r.tickets, func(context.Context, []search.Document) error { return nil })
	if err != nil {
		return err
	}
	took, err := askAll(ctx, words,
		func(ctx context.Context, word string) error { return searchWord(ctx, index, word) },
		func(ctx context.Context, word string) error { return base.plain(ctx, alias, word) })
	if err != nil {
		return err
	}
	for _, share := range []float64{0.5, 0.99} {
		plain := millis(percentile(took[1], share))
		r.add(Figure{
			Name: fmt.Sprintf("search_elasticsearch_p%.0f", 100*share), Value: millis(percentile(took[0], share)), Unit: "ms", Goal: 1.2 * plain,
			Baseline: plain, BaselineName: "a query of the same meaning, asked of the engine directly, turn by turn; the goal is 1.2 times as long",
		})
	}
	if err := benchTables(ctx, r, "elasticsearch", index); err != nil {
		return err
	}
	size, err := base.size(ctx, alias)
	if err != nil {
		return err
	}
	r.say("search on elasticsearch: %d tickets, indexed at %.0f a second, %.0f MB", r.tickets, rate, size/1e6)
	return nil
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

// indexed writes n generated tickets, and to a baseline beside; words are what to ask for.
func indexed(ctx context.Context, index *search.Index, n int, beside func(context.Context, []search.Document) error) (words []string, rate float64, err error) {
	history, err := cases(n)
	if err != nil {
		return nil, 0, err
	}
	const asked, batch = 300, 5_000
	began := time.Now()
	var docs []search.Document
	put := func() error {
		err := errors.Join(index.Put(ctx, docs...), beside(ctx, docs))
		docs = docs[:0]
		return err
	}
	for c := range history {
		if c.Seq%max(1, n/asked) == 0 {
			words = append(words, wordOf(c.Appeal.Title, len(words))...)
		}
		if docs = append(docs, documentOf(c)); len(docs) == batch {
			if err := put(); err != nil {
				return nil, 0, err
			}
		}
	}
	if err := errors.Join(put(), index.Refresh(ctx)); err != nil {
		return nil, 0, err
	}
	return words, float64(n) / time.Since(began).Seconds(), nil
}

// wordOf is a piece of two to four characters of a title, as people type it: some are
// in most tickets, some in one.
func wordOf(title string, i int) []string {
	runes := []rune(title)
	size := 2 + i%3
	if len(runes) < size {
		return nil
	}
	at := (i * 7) % (len(runes) - size + 1)
	word := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"-，。、（）%_| `, r) {
			return -1
		}
		return r
	}, string(runes[at:at+size]))
	if word == "" {
		return nil
	}
	return []string{word}
}

func searchWord(ctx context.Context, index *search.Index, word string) error {
	_, err := index.Search(ctx, search.Query{Text: word, Scope: search.Scope{All: true}, Facets: facets, Histogram: true})
	return err
}

// askAll asks for each word of each of some, turn by turn, three times after a warm-up.
func askAll(ctx context.Context, words []string, of ...func(context.Context, string) error) ([][]time.Duration, error) {
	took := make([][]time.Duration, len(of))
	for _, word := range words[:min(20, len(words))] { // caches fill, programs load
		for _, ask := range of {
			if err := ask(ctx, word); err != nil {
				return nil, err
			}
		}
	}
	for range 3 {
		for i, ask := range of {
			more, err := askSome(ctx, words, ask)
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], more...)
		}
	}
	return took, nil
}

func askSome(ctx context.Context, words []string, ask func(context.Context, string) error) (took []time.Duration, err error) {
	for _, word := range words {
		began := time.Now()
		if err := ask(ctx, word); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// like is a table without an index of the words.
type like struct{ store *sqlstore.Store }

func openLike(ctx context.Context, file string) (*like, error) {
	store, err := sqlstore.Open(ctx, "sqlite://"+file, sqlstore.Options{})
	if err != nil {
		return nil, err
	}
	_, err = store.DB().SQL().ExecContext(ctx, "CREATE TABLE texts (id TEXT PRIMARY KEY, title TEXT, body TEXT, category TEXT, district TEXT, department TEXT, at BIGINT)")
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &like{store}, nil
}

func (l *like) close() error { return l.store.Close() }

func (l *like) put(ctx context.Context, docs []search.Document) error {
	raw, err := json.Marshal(docs)
	if err != nil {
		return err
	}
	_, err = l.store.DB().SQL().ExecContext(ctx, "INSERT INTO texts SELECT value->>'ID', value->>'Title', value->>'Body', value->>'Category', "+
		"value->>'District', value->>'Department', value->>'CreatedAt' FROM json_each(?)", string(raw))
	return err
}

func (l *like) ask(ctx context.Context, word string) error {
	pattern := "%" + word + "%"
	for _, q := range []string{
		"SELECT id FROM texts WHERE title LIKE ? OR body LIKE ? ORDER BY at DESC LIMIT 20",
		"SELECT category, count(*) FROM texts WHERE title LIKE ? OR body LIKE ? GROUP BY 1",
		"SELECT district, count(*) FROM texts WHERE title LIKE ? OR body LIKE ? GROUP BY 1",
		"SELECT department, count(*) FROM texts WHERE title LIKE ? OR body LIKE ? GROUP BY 1",
	} {
		if _, err := l.store.DB().SQL().ExecContext(ctx, q, pattern, pattern); err != nil {
			return err
		}
	}
	return nil
}
