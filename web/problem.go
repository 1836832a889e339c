package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

const problemType = "application/problem+json"

// Problem is the body of every refusal (RFC 9457).
type Problem struct {
	Type     string       `json:"type" doc:"Kind of problem, as a URN" example:"urn:hotline:problem:not_found"`
	Title    string       `json:"title" doc:"Short name of the status"`
	Status   int          `json:"status" doc:"HTTP status code"`
	Code     string       `json:"code" doc:"Machine-readable kind of problem" example:"not_found"`
	Detail   string       `json:"detail" doc:"What happened and what to do next"`
	DetailZh string       `json:"detail_zh,omitempty" doc:"The same in Chinese, where the domain says it"`
	TraceID  string       `json:"trace_id,omitempty" doc:"Name this when asking for help; the server's log has it too"`
	Errors   []FieldError `json:"errors,omitempty" nullable:"false" doc:"What is wrong with which field; values are never repeated"`
	Current  *Ticket      `json:"current,omitempty" doc:"With 409: the ticket as it stands now"`

	retryAfter int   // seconds; 0: not said
	cause      error // for the log only
}

// FieldError says what is wrong with one field.
type FieldError struct {
	Location  string `json:"location" doc:"Such as body.appeal.title or query.limit"`
	Message   string `json:"message"`
	MessageZh string `json:"message_zh,omitempty"`
}

// Error makes a Problem an error; the cause is for logs.
func (p *Problem) Error() string {
	if p.cause != nil {
		return p.Code + ": " + p.cause.Error()
	}
	return p.Code + ": " + p.Detail
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus tells huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders tells huma the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	return h
}

// ContentType makes huma answer with the media type of RFC 9457.
func (p *Problem) ContentType(string) string { return problemType }

// problem makes one; detail says what to do.
func problem(status int, code, detail string) *Problem {
	return &Problem{
		Type: "urn:hotline:problem:" + code, Title: http.StatusText(status),
		Status: status, Code: code, Detail: detail,
	}
}

func (p *Problem) because(err error) *Problem { p.cause = err; return p }

func (p *Problem) after(seconds int) *Problem { p.retryAfter = max(1, seconds); return p }

// byStatus is the problem of a refusal that comes from fiber, fasthttp or huma,
// and not from a handler.
func byStatus(status int) *Problem {
	switch status {
	case http.StatusBadRequest:
		return problem(status, "bad_request", "The request could not be read. Check that the body is valid JSON and the headers are well formed.")
	case http.StatusUnauthorized:
		return problem(status, "unauthenticated", "Sign in (POST /api/v1/session) and send the cookie or the bearer token.")
	case http.StatusForbidden:
		return problem(status, "forbidden", "Your roles do not allow this. Ask the security administrator for the role.")
	case http.StatusNotFound:
		return problem(status, "not_found", "There is nothing at this address that you may see. Check the address; /openapi.json lists all.")
	case http.StatusMethodNotAllowed:
		return problem(status, "method_not_allowed", "This address does not know the method; the Allow header lists those it knows.")
	case http.StatusNotAcceptable:
		return problem(status, "not_acceptable", "Answers are application/json; accept that.")
	case http.StatusRequestTimeout:
		return problem(status, "request_timeout", "The request did not arrive in time. Send it again, faster.")
	case http.StatusRequestEntityTooLarge:
		return problem(status, "body_too_large", "The body is larger than this address takes. Send a smaller one.")
	case http.StatusUnsupportedMediaType:
		return problem(status, "unsupported_media_type", "Send the body as application/json, without Content-Encoding.")
	case http.StatusUnprocessableEntity:
		return problem(status, "invalid", "Some fields are missing or wrong; errors names each. Correct them and send again.")
	case http.StatusTooManyRequests:
		return problem(status, "too_many_requests", "Too many requests. Wait as long as Retry-After says.")
	case http.StatusRequestHeaderFieldsTooLarge:
		return problem(status, "headers_too_large", "The request's headers are too large. Send fewer cookies or shorter headers.")
	case http.StatusServiceUnavailable:
		return problem(status, "unavailable", "A part of the platform is not available at the moment. Try again shortly.").after(5)
	}
	if status >= 400 && status < 500 {
		return problem(status, "refused", "The request was refused: "+strings.ToLower(http.StatusText(status))+".")
	}
	return internal(nil)
}

// internal is a fault of the server; the cause goes to the log only.
func internal(err error) *Problem {
	return problem(http.StatusInternalServerError, "internal",
		"Something went wrong on the server. Try again; if it stays, tell the administrator the trace_id.").because(err)
}

// fromHuma turns huma's own errors (validation, body size, media type) into problems.
func fromHuma(m *huma.ErrorModel) *Problem {
	p := byStatus(m.Status)
	if m.Status == http.StatusBadRequest || m.Status >= 500 {
		return p
	}
	for _, e := range m.Errors {
		if e == nil {
			continue
		}
		p.Errors = append(p.Errors, FieldError{Location: clip(e.Location, 120), Message: withoutValue(e.Message)})
		if len(p.Errors) == 50 {
			break
		}
	}
	return p
}

// withoutValue drops what a validator's message may repeat of the input: the
// wrapped parser error after "expected string to be RFC 5322 email: …".
func withoutValue(msg string) string {
	for _, prefix := range []string{"expected string to be", "expected duration", "invalid value"} {
		if strings.HasPrefix(msg, prefix) {
			msg, _, _ = strings.Cut(msg, ": ")
		}
	}
	return clip(msg, 200)
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// fromFiber turns an error that reached fiber's error handler into a problem.
func fromFiber(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var fe *fiber.Error
	if errors.As(err, &fe) {
		return byStatus(fe.Code)
	}
	return internal(err)
}
