package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gabriel-vasile/mimetype"
	"github.com/valyala/fasthttp"

	"hotline/ticketing"
)

// Blobs keeps the contents of files; cmd has it.
type Blobs interface {
	Put(ctx context.Context, name string, r io.Reader) error
	// Open opens a blob; fs.ErrNotExist when there is none.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, error)
}

// maxAttachment bounds a file, in bytes.
const maxAttachment = 20 << 20

// attachmentTypes are the types that a file may have by its content.
var attachmentTypes = []string{
	"image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/bmp", "application/pdf", "audio/mpeg", "audio/wav", "audio/x-m4a", "audio/amr",
	"audio/ogg", "video/mp4", "video/quicktime", "video/webm", "video/3gpp", "text/plain", "text/csv", "application/msword", "application/vnd.ms-excel",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document", xlsxType, "application/vnd.ms-powerpoint",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

type attachInput struct {
	Ref
	Name    string `query:"name" minLength:"1" maxLength:"255" doc:"The file's name"`
	RawBody []byte `contentType:"application/octet-stream"`
}

type attachmentRef struct {
	Number string `path:"number" minLength:"1" maxLength:"64"`
	ID     string `path:"id" minLength:"1" maxLength:"64"`
}

func (s *Server) attachmentRoutes() {
	op := func(method, path, id, summary string, status int) operation {
		return operation{method: method, path: "/api/v1/tickets/{number}/attachments" + path, id: id, tag: "tickets", who: handlers, summary: summary,
			status: status, maxBody: maxAttachment}
	}
	handle(s, op(http.MethodPost, "", "attach", "Put a file on a ticket: its bytes are the body, 20 MiB at most; its type is what the content says", http.StatusCreated), s.attach)
	handle(s, op(http.MethodGet, "/{id}", "attachment", "Open a file; the look is recorded", 0), s.openAttachment)
	handle(s, op(http.MethodDelete, "/{id}", "detach", "Take a file off: who put it there, or a lead", 0), s.detach)
}

// boundBodies lets only files be larger than other bodies, and only where
// somebody who may be signed in sends them.
func (s *Server) boundBodies() {
	s.app.Server().HeaderReceived = func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
		c := fasthttp.RequestConfig{MaxRequestBodySize: s.opts.BodyLimit}
		path, _, _ := strings.Cut(string(h.RequestURI()), "?")
		switch {
		case len(h.Peek("Authorization")) == 0 && len(h.Cookie(cookieName)) == 0:
		case strings.HasPrefix(path, "/api/v1/tickets/") && strings.HasSuffix(path, "/attachments"):
			c.MaxRequestBodySize = max(maxAttachment, s.opts.BodyLimit)
		case strings.HasPrefix(path, "/api/v1/lists/"):
			c.MaxRequestBodySize = max(maxList, s.opts.BodyLimit)
		case strings.HasPrefix(path, "/api/v1/catalogue"):
			c.MaxRequestBodySize = max(maxCatalogue, s.opts.BodyLimit)
		}
		return c
	}
}

func errNoBlobs() *Problem {
	return problem(http.StatusServiceUnavailable, "no_files", "This node keeps no files. Ask a node with the store of files.")
}

// attachmentName is where a file's content is: by its hash, so that the same
// file is kept once.
func attachmentName(hash string) string { return "attachments/" + hash[:2] + "/" + hash }

func (s *Server) attach(ctx context.Context, in *attachInput) (*body[Attachment], error) {
	if s.deps.Blobs == nil {
		return nil, errNoBlobs()
	}
	if len(in.RawBody) == 0 {
		return nil, problem(http.StatusUnprocessableEntity, "invalid", "The file is empty. Send its bytes as the body.")
	}
	kind := mimetype.Detect(in.RawBody)
	accepted := ""
	for _, known := range attachmentTypes {
		if kind.Is(known) {
			accepted = known
		}
	}
	if accepted == "" {
		return nil, problem(http.StatusUnsupportedMediaType, "file_type", "Files of this type are not taken. Send a picture, a PDF, a sound, a film, a text or an office document.")
	}
	who := actorOf(ctx)
	if _, err := s.deps.Tickets.Ticket(ctx, who, in.Number); err != nil { // before anything is stored
		return nil, err
	}
	if err := s.scanned(ctx, in.RawBody); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(in.RawBody)
	hash := hex.EncodeToString(sum[:])
	if err := s.deps.Blobs.Put(ctx, attachmentName(hash), bytes.NewReader(in.RawBody)); err != nil {
		return nil, byStatus(http.StatusServiceUnavailable).because(err)
	}
	f, err := s.deps.Tickets.Attach(ctx, who, in.Number, ticketing.Attachment{Name: in.Name, Type: accepted, Size: int64(len(in.RawBody)), Hash: hash})
	if err != nil {
		return nil, err
	}
	return answer(s.attachmentView(ctx, f)), nil
}

func (s *Server) attachmentView(ctx context.Context, a ticketing.Attachment) Attachment {
	return Attachment{ID: a.ID, Name: a.Name, Type: a.Type, Size: a.Size, Hash: a.Hash, By: a.By, ByName: s.names.of(ctx, a.By), At: cst(a.At)}
}

func (s *Server) openAttachment(ctx context.Context, in *attachmentRef) (*huma.StreamResponse, error) {
	if s.deps.Blobs == nil {
		return nil, errNoBlobs()
	}
	f, err := s.deps.Tickets.Attachment(ctx, actorOf(ctx), in.Number, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := s.deps.Blobs.Open(ctx, attachmentName(f.Hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem(http.StatusNotFound, "file_lost", "The file's content is not in the store any more. Tell the administrator.")
	}
	if err != nil {
		return nil, byStatus(http.StatusServiceUnavailable).because(err)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxAttachment+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, byStatus(http.StatusServiceUnavailable).because(err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.Hash {
		return nil, internal(fmt.Errorf("attachment %s of %s: the content does not have its hash", f.ID, in.Number))
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", f.Type)
		hc.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
		hc.SetHeader("Content-Security-Policy", "sandbox; default-src 'none'")
		hc.SetHeader("Cache-Control", "private, no-store")
		hc.SetStatus(http.StatusOK)
		_, _ = hc.BodyWriter().Write(data) // who has gone needs no file
	}}, nil
}

func (s *Server) detach(ctx context.Context, in *attachmentRef) (*struct{}, error) {
	return nil, s.deps.Tickets.Detach(ctx, actorOf(ctx), in.Number, in.ID)
}
