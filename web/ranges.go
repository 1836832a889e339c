package web

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

// ranged is a file, or one range of it (RFC 9110 section 14).
type ranged struct {
	file        io.ReadSeekCloser
	size        int64
	first, last int64
	partial     bool
}

// serveRange finds the range that is asked for. More than one range, and units
// other than bytes, are ignored, as the RFC allows: the whole file is sent.
func serveRange(file io.ReadSeekCloser, header string) (*ranged, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	r := &ranged{file: file, size: size, last: size - 1}
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	if isBytes && !strings.Contains(spec, ",") {
		if err := r.parse(strings.TrimSpace(spec)); err != nil {
			return nil, err
		}
	}
	if _, err := file.Seek(r.first, io.SeekStart); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *ranged) parse(spec string) error {
	from, to, ok := strings.Cut(spec, "-")
	if !ok {
		return nil
	}
	first, errFirst := strconv.ParseInt(from, 10, 64)
	last, errLast := strconv.ParseInt(to, 10, 64)
	switch {
	case from == "" && errLast == nil && last >= 0: // the last n bytes
		if last == 0 || r.size == 0 {
			return r.unsatisfiable()
		}
		r.first = max(0, r.size-last)
	case errFirst == nil && first >= 0 && (to == "" || errLast == nil && last >= first):
		if first >= r.size {
			return r.unsatisfiable()
		}
		r.first = first
		if to != "" {
			r.last = min(last, r.size-1)
		}
	default:
		return nil // not a range: ignored
	}
	r.partial = true
	return nil
}

func (r *ranged) unsatisfiable() error {
	return problem(http.StatusRequestedRangeNotSatisfiable, "bad_range", fmt.Sprintf("The recording has %d bytes; ask for bytes within it.", r.size))
}

// send hands the file to the response, which closes it.
func (r *ranged) send(hc huma.Context, c *fiber.Ctx) {
	status := http.StatusOK
	if r.partial {
		status = http.StatusPartialContent
		hc.SetHeader("Content-Range", fmt.Sprintf("bytes %d-%d/%d", r.first, r.last, r.size))
	}
	hc.SetStatus(status)
	length := r.last - r.first + 1
	c.Context().SetBodyStream(&piece{Reader: io.LimitReader(r.file, length), Closer: r.file}, int(length))
}

type piece struct {
	io.Reader
	io.Closer
}
