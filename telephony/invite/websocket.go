package invite

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// wsProtocol is the WebSocket subprotocol of SIP (RFC 7118 section 4).
const wsProtocol = "sip"

// wsHandshake bounds the octets of an upgrade request.
const wsHandshake = 16 << 10

// upgrade answers the HTTP request that opens a WebSocket. The peer must ask
// for the subprotocol sip, and come from a page that is allowed.
func (e *Endpoint) upgrade(rw io.ReadWriter) error {
	asked, from := false, ""
	reject := func(code int, why string) error {
		return ws.RejectConnectionError(ws.RejectionStatus(code), ws.RejectionReason(why))
	}
	u := ws.Upgrader{
		Protocol: func(p []byte) bool {
			asked = asked || strings.EqualFold(string(p), wsProtocol)
			return strings.EqualFold(string(p), wsProtocol)
		},
		OnHeader: func(key, value []byte) error {
			if strings.EqualFold(string(key), "Origin") {
				from = string(value)
			}
			return nil
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			switch {
			case !asked:
				return nil, reject(http.StatusBadRequest, "the WebSocket subprotocol must be sip (RFC 7118)")
			case !originAllowed(e.opts.Origins, from):
				return nil, reject(http.StatusForbidden, "pages of this origin may not call here")
			}
			return nil, nil
		},
	}
	_, err := u.Upgrade(struct {
		io.Reader
		io.Writer
	}{io.LimitReader(rw, wsHandshake), rw})
	if err != nil {
		return fmt.Errorf("invite: websocket: %w", err)
	}
	return nil
}

// originAllowed checks the Origin that a browser names (RFC 6455 section
// 10.2); programs name none. An empty list allows all.
func originAllowed(allowed []string, origin string) bool {
	return len(allowed) == 0 || origin == "" ||
		slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(strings.TrimSuffix(a, "/"), origin) })
}

// webSocket frames SIP over WS and WSS: one message a WebSocket message (RFC
// 7118 section 5).
type webSocket struct {
	r    *bufio.Reader
	side ws.State // what we are
	part []byte   // of a fragmented message
	busy bool     // within a fragmented message
}

func newWebSocket(r io.Reader, side ws.State) *webSocket {
	return &webSocket{r: bufio.NewReaderSize(r, 4096), side: side}
}

func (w *webSocket) frame(m []byte) []byte { return w.compile(ws.OpText, m) }

func (w *webSocket) compile(op ws.OpCode, payload []byte) []byte {
	f := ws.NewFrame(op, true, payload)
	if w.side.ClientSide() {
		f = ws.MaskFrame(f) // RFC 6455 section 5.3; it copies the payload
	}
	return ws.MustCompileFrame(f)
}

func (w *webSocket) next(s *stream) ([]byte, error) {
	for {
		m, err := w.read(s)
		var bad ws.ProtocolError
		switch {
		case errors.As(err, &bad):
			w.goodbye(s, ws.StatusProtocolError)
			return nil, errFraming
		case errors.Is(err, errTooLarge):
			w.goodbye(s, ws.StatusMessageTooBig)
			return nil, err
		case err != nil:
			return nil, err
		}
		switch {
		case len(m) > 4 || len(bytes.Trim(m, "\r\n")) > 0:
			return withLength(m), nil
		case bytes.Equal(m, []byte("\r\n\r\n")): // RFC 5626 keep-alive
			if _, err := s.Write(m[:2]); err != nil {
				return nil, err
			}
		}
	}
}

// read gives the next whole data message.
func (w *webSocket) read(s *stream) ([]byte, error) {
	limit := int64(s.e.opts.Limits.Message)
	for {
		deadline := s.idle()
		if w.busy {
			deadline = s.within()
		}
		if err := s.SetReadDeadline(deadline); err != nil {
			return nil, err
		}
		if _, err := w.r.Peek(1); err != nil {
			return nil, err
		}
		if err := s.SetReadDeadline(s.within()); err != nil {
			return nil, err
		}
		h, err := ws.ReadHeader(w.r)
		if err != nil {
			return nil, err
		}
		state := w.side
		if w.busy {
			state = state.Set(ws.StateFragmented)
		}
		if err := ws.CheckHeader(h, state); err != nil {
			return nil, err
		}
		if h.Length > limit || int64(len(w.part))+h.Length > limit {
			return nil, errTooLarge
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(w.r, payload); err != nil {
			return nil, err
		}
		if h.Masked {
			ws.Cipher(payload, h.Mask, 0)
		}
		if h.OpCode.IsControl() {
			if err := w.control(s, h.OpCode, payload); err != nil {
				return nil, err
			}
			continue
		}
		w.part = append(w.part, payload...)
		if w.busy = !h.Fin; w.busy {
			continue
		}
		m := w.part
		w.part = nil
		return m, nil
	}
}

func (w *webSocket) control(s *stream, op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		return s.raw(w.compile(ws.OpPong, payload))
	case ws.OpClose:
		w.goodbye(s, ws.StatusNormalClosure)
		return io.EOF
	}
	return nil
}

// goodbye sends a close frame; the connection ends whether it arrives or not.
func (w *webSocket) goodbye(s *stream, code ws.StatusCode) {
	_ = s.raw(w.compile(ws.OpClose, ws.NewCloseFrameBody(code, "")))
}

// raw writes what is no SIP message.
func (s *stream) raw(b []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := s.Conn.Write(b)
	return err
}

// withLength gives a message the Content-Length that sipgo's stream parser
// needs and RFC 7118 section 5.2.3 lets clients leave out, and cuts off what
// is behind the body.
func withLength(m []byte) []byte {
	end := bytes.Index(m, []byte("\r\n\r\n"))
	if end < 0 {
		return m
	}
	size := len(m) - end - 4
	for line := range bytes.SplitSeq(m[:end], []byte("\r\n")) {
		if n, ok := contentLength(line); ok {
			return m[:end+4+min(n, size)]
		}
	}
	out := make([]byte, 0, len(m)+32)
	out = append(out, m[:end]...)
	out = append(out, "\r\nContent-Length: "+strconv.Itoa(size)...)
	return append(out, m[end:]...)
}
