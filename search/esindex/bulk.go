package esindex

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"hotline/search"
)

type document struct {
	ID          string   `json:"id"`
	Number      string   `json:"number"`
	Version     int64    `json:"version"`
	Digest      int64    `json:"digest"`
	Title       string   `json:"title"`
	Body        string   `json:"body"`
	Text        []string `json:"text,omitempty"`
	TitleText   string   `json:"title_text,omitempty"`
	Type        string   `json:"type,omitempty"`
	Category    string   `json:"category,omitempty"`
	Categories  []string `json:"categories,omitempty"`
	District    string   `json:"district,omitempty"`
	Department  string   `json:"department,omitempty"`
	Departments []string `json:"departments,omitempty"`
	State       string   `json:"state,omitempty"`
	Channel     string   `json:"channel,omitempty"`
	Urgency     string   `json:"urgency,omitempty"`
	Place       string   `json:"place,omitempty"`
	Location    *point   `json:"location,omitempty"`
	CreatedAt   int64    `json:"created_at"`
	DueAt       int64    `json:"due_at,omitempty"`
}

// point is as Elasticsearch reads and writes it.
type point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

func pointOf(p search.Point) *point { return &point{Lat: p.Lat, Lon: p.Lon} }

func normal(text string) string { return search.Normal(search.Analyse(text), gap) }

func fromDocument(d search.Document) document {
	title := normal(d.Title)
	out := document{
		ID: d.ID, Number: d.Number, Version: d.Version, Digest: d.Digest(), Title: d.Title, Body: d.Body,
		Text: []string{title, normal(d.Body), normal(d.Number)}, TitleText: title,
		Type: d.Type, Category: d.Category, Categories: d.Categories, District: d.District, Department: d.Department,
		Departments: d.Departments, State: d.State, Channel: d.Channel, Urgency: d.Urgency,
		CreatedAt: search.Millis(d.CreatedAt), DueAt: search.Millis(d.DueAt), Place: d.Place,
	}
	if d.Location != nil {
		out.Location = pointOf(*d.Location)
	}
	return out
}

// operation is one line or two of a bulk request.
type operation struct {
	id    string
	lines []byte
}

type target struct {
	ID          string `json:"_id"`
	Version     int64  `json:"version"`
	VersionType string `json:"version_type"`
}

func putOperation(d search.Document) (operation, error) {
	head, err := json.Marshal(object{"index": target{d.ID, d.Version, "external_gte"}})
	if err != nil {
		return operation{}, err
	}
	body, err := json.Marshal(fromDocument(d))
	if err != nil {
		return operation{}, err
	}
	return operation{d.ID, bytes.Join([][]byte{head, body, nil}, []byte{'\n'})}, nil
}

func deleteOperation(d search.Deletion) (operation, error) {
	head, err := json.Marshal(object{"delete": target{d.ID, d.Version, "external_gte"}})
	return operation{d.ID, append(head, '\n')}, err
}

// Put writes documents in bulk requests.
func (x *Index) Put(ctx context.Context, docs []search.Document) error {
	return write(ctx, x, docs, putOperation)
}

// Delete removes documents in bulk requests.
func (x *Index) Delete(ctx context.Context, deletions []search.Deletion) error {
	return write(ctx, x, deletions, deleteOperation)
}

// write sends operations to the alias and to the index that is being built, if any.
func write[T any](ctx context.Context, x *Index, items []T, operationOf func(T) (operation, error)) error {
	if err := x.ensure(ctx); err != nil {
		return err
	}
	ops, err := operations(items, operationOf)
	if err != nil {
		return err
	}
	x.swapping.RLock()
	defer x.swapping.RUnlock()
	if err := x.bulk(ctx, x.prefix, ops); err != nil || x.building == "" {
		return x.gone(err)
	}
	return x.bulk(ctx, x.building, ops)
}

func operations[T any](items []T, operationOf func(T) (operation, error)) ([]operation, error) {
	ops := make([]operation, len(items))
	for i, item := range items {
		var err error
		if ops[i], err = operationOf(item); err != nil {
			return nil, fmt.Errorf("encode document: %w", err)
		}
	}
	return ops, nil
}

// bulk sends operations in requests of bounded size. Those that the cluster puts off are sent again, a
// bounded number of times. esutil.BulkIndexer would not: it retries no single documents, and
// forgets those that an answer leaves out.
func (x *Index) bulk(ctx context.Context, index string, ops []operation) error {
	for len(ops) > 0 {
		n, size := 0, 0
		for n < len(ops) && (n == 0 || size+len(ops[n].lines) <= x.opts.BulkBytes) {
			size += len(ops[n].lines)
			n++
		}
		part := ops[:n]
		ops = ops[n:]
		for attempt := 0; len(part) > 0; attempt++ {
			busy, err := x.send(ctx, index, part)
			if err != nil {
				return err
			}
			if len(busy) > 0 && attempt == x.opts.Retries {
				return fmt.Errorf("%w: elasticsearch put off %d documents %d times", search.ErrUnavailable, len(busy), attempt+1)
			}
			if part = busy; len(part) == 0 {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", search.ErrUnavailable, context.Cause(ctx))
			case <-time.After(time.Duration(attempt+1) * 200 * time.Millisecond):
			}
		}
	}
	return nil
}

type itemResult struct {
	Status int `json:"status"`
	Error  struct {
		Type string `json:"type"`
	} `json:"error"`
}

// send makes one request and returns the operations to send again.
func (x *Index) send(ctx context.Context, index string, ops []operation) (busy []operation, err error) {
	var body bytes.Buffer
	for _, op := range ops {
		body.Write(op.lines)
	}
	var answer struct {
		Items []map[string]itemResult `json:"items"`
	}
	req := esapi.BulkRequest{
		Index: index, RequireAlias: new(index == x.prefix), Body: &body,
		FilterPath: []string{"items.*.status", "items.*.error.type"},
	}
	if err := x.call(ctx, req, &answer); err != nil {
		return nil, err
	}
	if len(answer.Items) != len(ops) {
		return nil, fmt.Errorf("%w: elasticsearch answered for %d of %d documents", search.ErrUnavailable, len(answer.Items), len(ops))
	}
	for i, item := range answer.Items {
		for action, r := range item {
			switch {
			case r.Status < 300, r.Status == http.StatusConflict: // a conflict: a newer version is there
			case r.Status == http.StatusNotFound && action == "delete" && r.Error.Type == "":
			case r.Status == http.StatusTooManyRequests || r.Status == http.StatusServiceUnavailable:
				busy = append(busy, ops[i])
			default:
				err = errors.Join(err, fmt.Errorf("document %s: %w", ops[i].id, &statusError{Status: r.Status, Kind: r.Error.Type}))
			}
		}
	}
	return busy, err
}
