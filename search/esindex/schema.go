package esindex

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

// schema is raised when the mapping or the analysis changes; an index of another schema is rebuilt.
const schema = 2

// gap stands between two Han characters that something separates. Folding turns every
// kana into another spelling, so no text holds it; it is a token of its own for both analyzers.
const gap = " ん "

// refreshEvery is how long a write stays unseen at most: a ticket is found within a second of
// its acceptance. An interval that is set also keeps the engine from resting when nobody asks.
const refreshEvery = "300ms"

type meta struct {
	Schema int  `json:"schema"`
	Ready  bool `json:"ready"`
}

type object = map[string]any

func (x *Index) create(ctx context.Context, name string, m meta, aliases, extra object) error {
	body := esutil.NewJSONReader(x.definition(m, aliases, extra))
	if err := x.call(ctx, esapi.IndicesCreateRequest{Index: name, Body: body}, nil); err != nil {
		return fmt.Errorf("create search index %s: %w", name, err)
	}
	return nil
}

// definition is the body that creates an index.
func (x *Index) definition(m meta, aliases, extra object) object {
	text := object{
		"type": "text", "analyzer": "han_bigrams", "norms": false,
		"fields": object{"char": object{"type": "text", "analyzer": "standard", "norms": false}},
	}
	keyword := object{"type": "keyword"}
	stored := object{"type": "keyword", "index": false, "doc_values": false}
	settings := object{
		"number_of_shards": x.opts.Shards, "number_of_replicas": x.opts.Replicas,
		"refresh_interval": refreshEvery,
		// A late write of an older version must still meet the deletion.
		"gc_deletes": "10m",
		// In the order that most queries ask for, the first rows are found first.
		"sort.field": []string{"created_at", "id"}, "sort.order": []string{"desc", "desc"},
	}
	maps.Copy(settings, extra)
	return object{
		"aliases": aliases,
		"settings": object{
			"index": settings,
			// "_none_": the English stop words of the cjk analyzer would make phrases inexact.
			"analysis": object{"analyzer": object{"han_bigrams": object{"type": "cjk", "stopwords": "_none_"}}},
		},
		"mappings": object{
			"dynamic": "strict",
			"_meta":   m,
			"_source": object{"excludes": []string{"text", "title_text"}},
			"properties": object{
				"id": keyword, "number": stored, "version": object{"type": "long"}, "digest": object{"type": "long", "index": false},
				"title": stored, "body": stored,
				// One field for all text is several times faster than three; its values lie 100 positions apart.
				"text": text, "title_text": text,
				"type": keyword, "category": keyword, "categories": keyword, "district": keyword, "department": keyword,
				"departments": keyword, "state": keyword, "channel": keyword, "urgency": keyword,
				"place": keyword, "location": object{"type": "geo_point"},
				"created_at": object{"type": "date", "format": "epoch_millis"}, "due_at": object{"type": "date", "format": "epoch_millis"},
			},
		},
	}
}

// ensure makes sure, once, that the alias is there: when it is not, an empty index
// behind it, which Ready will call new.
func (x *Index) ensure(ctx context.Context) error {
	x.ensuring.Lock()
	defer x.ensuring.Unlock()
	if x.ensured {
		return nil
	}
	held, err := x.holders(ctx)
	if err != nil {
		return err
	}
	if len(held) == 0 {
		// The name is the same for all nodes that start at once, so only one of them creates it.
		name := x.prefix + "-1"
		err := x.create(ctx, name, meta{Schema: schema}, object{x.prefix: object{}}, nil)
		if isKind(err, "resource_already_exists_exception") {
			err = x.call(ctx, esapi.IndicesPutAliasRequest{Index: []string{name}, Name: x.prefix}, nil)
		}
		if err != nil {
			return err
		}
	}
	x.ensured = true
	return nil
}

// holders returns the indexes that the alias points to.
func (x *Index) holders(ctx context.Context) ([]string, error) {
	var found map[string]any
	err := x.call(ctx, esapi.IndicesGetAliasRequest{Name: []string{x.prefix}}, &found)
	if isStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	return slices.Sorted(maps.Keys(found)), err
}
