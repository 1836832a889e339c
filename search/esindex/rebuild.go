package esindex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"hotline/search"
)

// Rebuild fills a new index and moves the alias to it in one step. Writes of this process
// that come meanwhile go to both; those of others are found by the verification that
// follows every rebuild.
func (x *Index) Rebuild(ctx context.Context, fill func(put func([]search.Document) error) error) error {
	if err := x.ensure(ctx); err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%d", x.prefix, x.now().UnixNano())
	loading := object{"refresh_interval": "-1", "number_of_replicas": 0}
	if err := x.create(ctx, name, meta{Schema: schema}, object{}, loading); err != nil {
		return err
	}
	if !x.begin(name) {
		return errors.Join(search.ErrSuperseded, x.drop(ctx, name))
	}
	err := fill(func(docs []search.Document) error {
		ops, err := operations(docs, putOperation)
		if err != nil {
			return err
		}
		return x.bulk(ctx, name, ops)
	})
	if err == nil {
		err = x.finish(ctx, name)
	}
	if err != nil {
		x.end(name)
		return errors.Join(err, x.drop(ctx, name))
	}
	return nil
}

// begin lets writes go to the index too; false when this process is already building one.
func (x *Index) begin(name string) bool {
	x.swapping.Lock()
	defer x.swapping.Unlock()
	if x.building != "" {
		return false
	}
	x.building = name
	return true
}

func (x *Index) end(name string) {
	x.swapping.Lock()
	defer x.swapping.Unlock()
	if x.building == name {
		x.building = ""
	}
}

// finish makes the filled index like any other, moves the alias and drops what it pointed to.
func (x *Index) finish(ctx context.Context, name string) error {
	names := []string{name}
	settings := object{"index": object{"refresh_interval": refreshEvery, "number_of_replicas": x.opts.Replicas}}
	for _, req := range []esapi.Request{
		esapi.IndicesPutSettingsRequest{Index: names, Body: esutil.NewJSONReader(settings)},
		esapi.IndicesPutMappingRequest{Index: names, Body: esutil.NewJSONReader(object{"_meta": meta{Schema: schema, Ready: true}})},
		esapi.IndicesRefreshRequest{Index: names},
	} {
		if err := x.call(ctx, req, nil); err != nil {
			return fmt.Errorf("finish search index %s: %w", name, err)
		}
	}
	old, err := x.swap(ctx, name)
	if err != nil {
		return fmt.Errorf("move the alias %s: %w", x.prefix, err)
	}
	for _, o := range old { // the new index answers already: what stays behind is only waste
		if err := x.drop(ctx, o); err != nil {
			x.log.WarnContext(ctx, "dropping the old search index", "index", o, "error", err)
		}
	}
	return nil
}

func (x *Index) swap(ctx context.Context, name string) (old []string, err error) {
	x.swapping.Lock()
	defer x.swapping.Unlock()
	if old, err = x.holders(ctx); err != nil {
		return nil, err
	}
	actions := []object{{"add": object{"index": name, "alias": x.prefix}}}
	for _, o := range old {
		actions = append(actions, object{"remove": object{"index": o, "alias": x.prefix}})
	}
	if err := x.call(ctx, esapi.IndicesUpdateAliasesRequest{Body: esutil.NewJSONReader(object{"actions": actions})}, nil); err != nil {
		return nil, err
	}
	x.building = ""
	return slices.DeleteFunc(old, func(o string) bool { return o == name }), nil
}

// drop removes an index even when the work around it was given up.
func (x *Index) drop(ctx context.Context, name string) error {
	err := x.call(context.WithoutCancel(ctx), esapi.IndicesDeleteRequest{Index: []string{name}}, nil)
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}
