package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotline/search"
	"hotline/search/esindex"
	"hotline/search/ftsindex"
)

// onEmbedded runs do on an empty embedded index in a folder of its own; file is where it is.
func onEmbedded(ctx context.Context, r *run, name string, do func(index *search.Index, file string) error) error {
	dir, err := r.folder(name)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "search.db")
	driver, err := ftsindex.Open(ctx, "fts://"+file, ftsindex.Options{})
	if err != nil {
		return err
	}
	index := search.New(driver, search.Options{})
	return errors.Join(do(index, file), index.Close())
}

// onElasticsearch runs do on an empty index of its own, where the environment names an
// Elasticsearch, and drops it.
func onElasticsearch(ctx context.Context, r *run, name string, do func(index *search.Index, base elastic, alias string) error) error {
	u, err := elasticsearchAt(r, name)
	if u == nil || err != nil {
		return err
	}
	alias := fmt.Sprintf("bench%d", time.Now().UnixNano())
	driver, err := esindex.Open(ctx, u.Scheme+"://"+u.Host+"/"+alias, esindex.Options{})
	if err != nil {
		return err
	}
	index := search.New(driver, search.Options{})
	base := elastic{strings.TrimPrefix(u.Scheme, "elasticsearch+") + "://" + u.Host}
	return errors.Join(do(index, base, alias), index.Close(), base.drop(context.WithoutCancel(ctx), alias))
}

// elasticsearchAt is nil where there is none, which is said.
func elasticsearchAt(r *run, name string) (*url.URL, error) {
	address := os.Getenv("HOTLINE_TEST_ELASTICSEARCH")
	if address == "" {
		r.say("%s on elasticsearch left out: HOTLINE_TEST_ELASTICSEARCH is not set", name)
		return nil, nil
	}
	return url.Parse(address)
}

// onEngines runs do on both.
func onEngines(ctx context.Context, r *run, name string, do func(engine string, index *search.Index) error) error {
	if err := onEmbedded(ctx, r, name, func(index *search.Index, _ string) error { return do("embedded", index) }); err != nil {
		return err
	}
	return onElasticsearch(ctx, r, name, func(index *search.Index, _ elastic, _ string) error { return do("elasticsearch", index) })
}
