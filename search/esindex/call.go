package esindex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"hotline/search"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 64 << 20

// statusError is an answer that refuses. Kind is Elasticsearch's name of the error; its
// reason is left out, because it may quote the query.
type statusError struct {
	Status int
	Kind   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("elasticsearch answered %d %s", e.Status, e.Kind)
}

func isStatus(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.Status == status
}

func isKind(err error, kind string) bool {
	var e *statusError
	return errors.As(err, &e) && e.Kind == kind
}

// call makes a request and reads its JSON answer into out.
func (x *Index) call(ctx context.Context, req esapi.Request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, x.opts.Timeout)
	defer cancel()
	res, err := req.Do(ctx, x.client)
	if err != nil {
		return fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%w: read answer: %w", search.ErrUnavailable, err)
	}
	if len(raw) > maxAnswer {
		return fmt.Errorf("%w: the answer is longer than %d bytes", search.ErrUnavailable, maxAnswer)
	}
	if res.IsError() {
		return refusal(res.StatusCode, raw)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%w: this is not an answer of Elasticsearch: %w", search.ErrUnavailable, err)
	}
	return nil
}

func refusal(status int, raw []byte) error {
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	var cause struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(raw, &body) // a proxy's page has no such parts, the status says enough
	_ = json.Unmarshal(body.Error, &cause)
	err := error(&statusError{Status: status, Kind: cause.Type})
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	}
	return err
}
