package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"hotline/ticketing"
)

// newAPI sets huma up: JSON alone, no pages from a CDN, no $schema links, and
// problems of our shape.
func newAPI(app *fiber.App, version string) huma.API {
	conf := huma.DefaultConfig("hotline", version)
	conf.OpenAPIPath, conf.DocsPath, conf.SchemasPath = "", "", ""
	conf.CreateHooks = nil
	conf.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	conf.Info.Description = "12345 citizen hotline. JSON in snake_case, times in RFC 3339 with zone, refusals as RFC 9457 problems with a code."
	conf.Transformers = []huma.Transformer{shapeProblems}
	conf.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName},
		"bearer":  {Type: "http", Scheme: "bearer"},
	}
	return humafiber.New(app, conf)
}

// shapeProblems gives huma's own refusals the shape of ours, and all the trace id.
func shapeProblems(ctx huma.Context, _ string, v any) (any, error) {
	var p Problem
	switch e := v.(type) {
	case *huma.ErrorModel:
		p = *fromHuma(e)
	case *Problem:
		p = *e
	default:
		return v, nil
	}
	r := requestOf(ctx.Context())
	p.TraceID = r.trace
	if p.Status >= 500 {
		r.cause = p.cause
	}
	return &p, nil
}

// access says who may call an operation.
type access struct {
	public bool
	right  string           // of the table of rights
	roles  []ticketing.Role // any of these; empty: everyone who is signed in
}

var (
	anyone    = access{public: true}
	signedIn  = access{}
	centre    = holding(ticketing.RightCentre)
	handlers  = holding(ticketing.RightTicketRead)
	watchers  = holding(ticketing.RightTicketReads)
	intake    = holding(ticketing.RightTicketOpen)
	floor     = holding(ticketing.RightCallLead)
	operators = holding(ticketing.RightCallAct)
)

// holding is everyone who holds a right of the table.
func holding(right string) access {
	return access{right: right, roles: ticketing.RightNamed(right).Roles()}
}

func (a access) allows(roles []ticketing.Role) bool {
	return len(a.roles) == 0 || slices.ContainsFunc(roles, func(r ticketing.Role) bool { return slices.Contains(a.roles, r) })
}

// operation is huma's, with the parts that most of ours share.
type operation struct {
	method, path string
	id, tag      string
	summary      string
	description  string
	status       int   // of success; 200, or 204 without a body
	maxBody      int64 // bytes; 256 KiB
	who          access
	scope        ticketing.Scope // that lets a key of another system in; empty: none does
	early        bool            // allowed before a password was changed or a second factor set up
	export       bool            // data leaves in bulk: it goes on record, though nothing is changed
	quiet        bool            // a write of no consequence, such as the lease of a page: it goes not on record
}

// handle registers an operation. Its errors become problems here and nowhere else.
func handle[I, O any](s *Server, op operation, h func(ctx context.Context, in *I) (*O, error)) {
	s.operations = append(s.operations, op)
	if op.maxBody == 0 {
		op.maxBody = 256 << 10
	}
	o := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Summary: op.summary, Tags: []string{op.tag},
		Description: op.description, DefaultStatus: op.status, MaxBodyBytes: op.maxBody, BodyReadTimeout: -1,
		Middlewares: huma.Middlewares{s.authenticate(&op)},
	}
	if !op.who.public {
		o.Security = []map[string][]string{{"session": {}}, {"bearer": {}}}
		if len(op.who.roles) > 0 {
			names := make([]string, len(op.who.roles))
			for i, r := range op.who.roles {
				names[i] = string(r)
			}
			o.Description = strings.TrimSpace(o.Description + "\n\nRoles: " + strings.Join(names, ", ") + ".")
		}
	}
	huma.Register(s.api, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err = s.onRecord(ctx, &op, s.problemOf(ctx, err)); err != nil {
			return nil, s.toProblem(ctx, err)
		}
		return out, nil
	})
}

// problemOf is toProblem where there may be no error.
func (s *Server) problemOf(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return s.toProblem(ctx, err)
}

// toProblem is the one mapping of the domain's errors to problems.
func (s *Server) toProblem(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return byStatus(http.StatusServiceUnavailable).because(err)
	}
	for _, known := range []func(error) *Problem{s.ticketProblem(ctx), searchProblem, alertProblem, topicProblem, assistProblem, callProblem} {
		if p := known(err); p != nil {
			return p
		}
	}
	return internal(err)
}

// authenticate finds the session, checks the roles and bounds the time.
func (s *Server) authenticate(op *operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		timed, cancel := context.WithTimeout(ctx.Context(), s.opts.RequestTimeout)
		defer cancel()
		r := requestOf(timed)
		r.path = pathOf(ctx)
		timed = ticketing.WithOrigin(timed, originOf(r))
		if op.who.public && (op.scope == "" || !bearsKey(ctx)) {
			next(huma.WithContext(ctx, timed))
			return
		}
		id, err := s.identify(timed, ctx)
		if err != nil {
			s.refuse(ctx, s.toProblem(timed, err))
			return
		}
		r.user = id.user.ID
		identified(timed, id)
		if err := s.limit(timed, "user:"+id.user.ID, s.opts.PerUser); err != nil {
			s.refuse(ctx, s.toProblem(timed, err))
			return
		}
		if p := s.mayCall(op, id); p != nil {
			s.refuse(ctx, s.recordRefusal(timed, op, id, p))
			return
		}
		next(huma.WithContext(ctx, context.WithValue(timed, identityKey{}, id)))
	}
}

// bearsKey tells whether a request brings the key of a system.
func bearsKey(hc huma.Context) bool {
	_, token, _ := strings.Cut(hc.Header("Authorization"), " ")
	return strings.HasPrefix(strings.TrimSpace(token), keyPrefix)
}

// mayCall tells why somebody may not call an operation; nil when they may.
func (s *Server) mayCall(op *operation, id identity) *Problem {
	if id.key != nil {
		if op.scope == "" || !slices.Contains(id.key.Scopes, op.scope) {
			return problem(http.StatusForbidden, "scope", "The key's scopes do not allow this. Ask the security administrator for another key.")
		}
		return nil
	}
	if p := s.limited(id); p != nil && !op.early {
		return p
	}
	if !op.who.allows(id.user.Roles) {
		return byStatus(http.StatusForbidden)
	}
	return nil
}

// refuse answers a request that no handler gets.
func (s *Server) refuse(ctx huma.Context, p *Problem) {
	v, _ := shapeProblems(ctx, "", p)
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="hotline"`)
	}
	for name, values := range p.GetHeaders() {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = huma.DefaultJSONFormat.Marshal(ctx.BodyWriter(), v) // into the response's buffer: cannot fail
}

// shanghai is the zone of every time that the API gives; no daylight saving since 1991.
var shanghai = time.FixedZone("CST", 8*60*60)

// cst brings a time to the millisecond and the zone of the API.
func cst(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Truncate(time.Millisecond).In(shanghai)
}

// body is an answer with a JSON body.
type body[T any] struct {
	Body T
}

func answer[T any](v T) *body[T] { return &body[T]{Body: v} }

// Page is the shape of every list.
type Page[T any] struct {
	Items       []T    `json:"items" nullable:"false"`
	NextCursor  string `json:"next_cursor" doc:"Give it as cursor for the next page; empty on the last"`
	Total       int    `json:"total"`
	TotalCapped bool   `json:"total_capped" doc:"Counting stopped at total"`
}

func page[T any](items []T) *body[Page[T]] {
	if items == nil {
		items = []T{}
	}
	return answer(Page[T]{Items: items, Total: len(items)})
}

func convert[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

// streams describes the two answers that are not JSON.
func streams(doc *huma.OpenAPI) {
	event := doc.Components.Schemas.Schema(reflect.TypeFor[LiveEvent](), true, "LiveEvent")
	wav := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	for path, content := range map[string]map[string]*huma.MediaType{
		"/api/v1/events":               {"text/event-stream": {Schema: event}},
		"/api/v1/calls/{id}/recording": {"audio/wav": {Schema: wav}},
	} {
		if item := doc.Paths[path]; item != nil && item.Get != nil {
			item.Get.Responses["200"] = &huma.Response{Description: "Stream", Content: content}
		}
	}
}

// document renders OpenAPI 3.1 with Problem as the shape of errors.
func document(api huma.API) ([]byte, error) {
	doc := api.OpenAPI()
	schemas := doc.Components.Schemas
	ref := schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	streams(doc)
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for code, resp := range op.Responses {
				if code == "default" || code[0] == '4' || code[0] == '5' {
					resp.Description = "Problem (RFC 9457)"
					resp.Content = map[string]*huma.MediaType{problemType: {Schema: ref}}
				}
			}
		}
	}
	delete(schemas.Map(), "ErrorModel")
	delete(schemas.Map(), "ErrorDetail")
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("web: OpenAPI: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("web: OpenAPI: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// OpenAPI gives the document without a running server.
func OpenAPI() ([]byte, error) {
	s, err := build(Deps{}, Options{}.withDefaults())
	if err != nil {
		return nil, err
	}
	s.cancel()
	return s.document, nil
}
