package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// files serves a tree of embedded files. Each is read and packed once.
type files struct {
	source fs.FS
	cache  sync.Map // path → *file
}

type file struct {
	data, packed []byte
	etag, kind   string
}

// kinds are the media types of what the pages are made of; the machine's own
// table may lack or twist them.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".wav": "audio/wav", ".mp3": "audio/mpeg", ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
}

func (f *files) load(name string) (*file, error) {
	if v, ok := f.cache.Load(name); ok {
		if one, ok := v.(*file); ok {
			return one, nil
		}
	}
	if !fs.ValidPath(name) || path.Base(name)[0] == '.' {
		return nil, fs.ErrNotExist
	}
	info, err := fs.Stat(f.source, name)
	if err != nil || info.IsDir() {
		return nil, fs.ErrNotExist
	}
	data, err := fs.ReadFile(f.source, name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	one := &file{data: data, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, kind: kinds[path.Ext(name)]}
	if one.kind == "" {
		one.kind = mime.TypeByExtension(path.Ext(name))
	}
	def(&one.kind, "application/octet-stream")
	if strings.Contains(one.kind, "text") || strings.Contains(one.kind, "json") || strings.Contains(one.kind, "svg") {
		one.packed = pack(data)
	}
	f.cache.Store(name, one)
	return one, nil
}

// pack compresses; nil when it is not worth it.
func pack(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return nil
	}
	if err := w.Close(); err != nil || b.Len() >= len(data) {
		return nil
	}
	return b.Bytes()
}

func (f *files) serve(c *fiber.Ctx, name string) error {
	one, err := f.load(name)
	if errors.Is(err, fs.ErrNotExist) {
		return byStatus(http.StatusNotFound)
	}
	if err != nil {
		return internal(err)
	}
	c.Set(fiber.HeaderContentType, one.kind)
	c.Set(fiber.HeaderETag, one.etag)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if strings.HasPrefix(name, "assets/") { // their names change with their content
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	} else {
		c.Set(fiber.HeaderCacheControl, "no-cache")
	}
	if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), one.etag) {
		return c.SendStatus(http.StatusNotModified)
	}
	if one.packed != nil && strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(one.packed)
	}
	return c.Send(one.data)
}

// pages serves the three single-page programs: each finds its own way by the path.
type pages struct{ files *files }

// notPages begin addresses that never are pages; unknown ones there are 404.
var notPages = []string{"/api", "/docs", "/open311", "/wechat", "/metrics", "/healthz", "/readyz", "/openapi.json", "/assets"}

func (p *pages) serve(c *fiber.Ctx) error {
	if c.Method() != http.MethodGet && c.Method() != http.MethodHead {
		return c.Next()
	}
	at := c.Path()
	name := strings.TrimPrefix(path.Clean(at), "/")
	if name != "" && name != "." {
		if _, err := p.files.load(name); err == nil {
			return p.files.serve(c, name)
		}
	}
	for _, prefix := range notPages {
		if at == prefix || strings.HasPrefix(at, prefix+"/") {
			return c.Next()
		}
	}
	page := "portal.html"
	switch {
	case at == "/desk" || strings.HasPrefix(at, "/desk/"):
		page = "desk.html"
	case at == "/wall" || strings.HasPrefix(at, "/wall/"):
		page = "wall.html"
	case path.Ext(at) != "":
		return c.Next()
	}
	if _, err := p.files.load(page); err != nil {
		c.Set(fiber.HeaderContentType, kinds[".html"])
		return c.Status(http.StatusServiceUnavailable).SendString("<!doctype html><html lang=\"en\"><title>hotline</title><h1>UI not built</h1>" +
			"<p>Run <code>make ui</code>, then build the binary again. The API works: see <a href=\"/docs\">/docs</a>.</p></html>\n")
	}
	return p.files.serve(c, page)
}
