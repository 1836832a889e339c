package invite

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A stream is one connection of TCP, TLS, WS or WSS. sipgo's own transports
// shake hands in the loop that accepts, so that one slow peer stops all, take
// WebSocket control frames for SIP, dial whatever a Via names when a
// connection is gone, and put no bound on time. So handshakes, framing and
// limits are done here, and sipgo's TCP transport is handed a net.Conn whose
// Read gives whole SIP messages that passed inspection.
type stream struct {
	net.Conn // TCP, or TLS over it
	e        *Endpoint
	network  string // tcp, tls, ws, wss
	peer     netip.AddrPort
	source   string   // peer as sipgo knows it
	local    net.Addr // what sipgo files it under as well
	name     string   // TLS server name that was verified; connections that we made
	asked    string   // destination that was dialled
	dialled  bool
	messages messageReader

	rest     []byte // of the present message, for sipgo
	writing  sync.Mutex
	used     atomic.Bool // a call or a registration came over it
	since    time.Time   // the connection, or its last message
	greeted  bool        // a message came over it
	attached sync.Once
	ready    chan struct{}
	closing  sync.Once
	gone     chan struct{}
	closed   func()
}

// messageReader takes SIP messages off a connection, each whole. It sets the
// read deadlines, and answers keep-alives with the stream's pong.
type messageReader interface {
	next(s *stream) ([]byte, error)
	frame(message []byte) []byte // as it goes over the wire
}

// Errors that end a stream.
var (
	errFraming  = errors.New("invite: not a stream of SIP messages")
	errTooLarge = errors.New("invite: message too large")
	errScanner  = errors.New("invite: a scanner")
)

// Read implements net.Conn. The first call means that sipgo has the
// connection in its pool.
func (s *stream) Read(b []byte) (int, error) {
	s.attached.Do(func() {
		s.e.streams.attach(s)
		close(s.ready)
	})
	for len(s.rest) == 0 {
		m, err := s.messages.next(s)
		if err != nil {
			if errors.Is(err, errTooLarge) || errors.Is(err, errFraming) || errors.Is(err, errScanner) {
				s.e.refused.Add(1)
			}
			return 0, io.EOF // sipgo needs no reason, and closes
		}
		if s.rest, err = s.pass(m); err != nil {
			return 0, io.EOF
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// pass inspects a message: nil is one that was dropped or refused.
func (s *stream) pass(m []byte) ([]byte, error) {
	code := s.e.inspect(m, false)
	if code == passMessage {
		s.greeted, s.since = true, time.Now()
		return m, nil
	}
	s.e.refused.Add(1)
	if code == dropScanner {
		return nil, errScanner
	}
	if code > 0 {
		if answer := rawReply(m, code); answer != nil {
			_, err := s.Write(answer)
			return nil, err
		}
	}
	return nil, nil
}

// Write implements net.Conn: one whole SIP message. A write that fails ends
// the connection, for half a message may have left.
func (s *stream) Write(b []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	if _, err := s.Conn.Write(s.messages.frame(b)); err != nil {
		_ = s.Close()
		return 0, err
	}
	return len(b), nil
}

// writeTimeout bounds how long a peer that takes nothing may hold a writer.
const writeTimeout = 10 * time.Second

// Close implements net.Conn.
func (s *stream) Close() error {
	err := error(nil)
	s.closing.Do(func() {
		if t, ok := s.Conn.(interface{ NetConn() net.Conn }); ok {
			// Closing TLS politely waits up to 5 s for a peer that takes nothing.
			_ = s.SetWriteDeadline(time.Now().Add(time.Second))
			defer func() { _ = t.NetConn().Close() }()
		}
		err = s.Conn.Close()
		s.closed()
		close(s.gone)
	})
	return err
}

// LocalAddr implements net.Conn. sipgo files a connection under its local
// address too, where each one that a listener accepts would replace the last
// and catch what is meant for the server; so these name the peer.
func (s *stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr implements net.Conn.
func (s *stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.peer) }

// idle is the read deadline between messages. Keep-alives of a stranger do
// not move it.
func (s *stream) idle() time.Time {
	l := &s.e.opts.Limits
	switch {
	case s.dialled || s.used.Load():
		return time.Now().Add(l.IdleTCP)
	case s.greeted:
		return s.since.Add(min(l.IdleStranger, l.IdleTCP))
	}
	return s.since.Add(min(l.FirstMessage, l.IdleTCP))
}

// within is the read deadline for the rest of a message that has begun.
func (s *stream) within() time.Time { return time.Now().Add(s.e.opts.Limits.MessageTime) }

// byteStream frames SIP over TCP and TLS by Content-Length (RFC 3261 section 18.3).
type byteStream struct{ r *bufio.Reader }

func newByteStream(r io.Reader) *byteStream { return &byteStream{r: bufio.NewReaderSize(r, 4096)} }

func (*byteStream) frame(m []byte) []byte { return m }

func (f *byteStream) next(s *stream) ([]byte, error) {
	if err := f.skipKeepAlives(s); err != nil {
		return nil, err
	}
	if err := s.SetReadDeadline(s.within()); err != nil {
		return nil, err
	}
	limit := s.e.opts.Limits.Message
	m, length := make([]byte, 0, 1024), -1
	for lines := 0; ; lines++ {
		start := len(m)
		for {
			part, err := f.r.ReadSlice('\n')
			m = append(m, part...)
			if len(m) > limit {
				return nil, s.tooLarge(m)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, err
			}
		}
		line := bytes.TrimRight(m[start:], "\r\n")
		if lines == 0 && !startLine(line) {
			return nil, errFraming
		}
		if len(line) == 0 {
			break
		}
		if n, ok := contentLength(line); ok {
			length = n
		}
	}
	if length < 0 {
		if answer := rawReply(m, sip.StatusBadRequest); answer != nil {
			_, _ = s.Write(answer)
		}
		return nil, errFraming
	}
	if len(m)+length > limit {
		return nil, s.tooLarge(m)
	}
	body := len(m)
	m = append(m, make([]byte, length)...)
	_, err := io.ReadFull(f.r, m[body:])
	return m, err
}

// skipKeepAlives waits for the first octet of a message. A double CRLF is
// answered by one CRLF (RFC 5626 section 4.4.1), as many as came at once by one.
func (f *byteStream) skipKeepAlives(s *stream) error {
	if err := s.SetReadDeadline(s.idle()); err != nil {
		return err
	}
	for crlf := 0; ; {
		c, err := f.r.ReadByte()
		if err != nil {
			return err
		}
		switch c {
		case '\r':
		case '\n':
			crlf++
		default:
			return f.r.UnreadByte()
		}
		if crlf >= 2 && f.r.Buffered() == 0 {
			crlf = 0
			if _, err := s.Write([]byte("\r\n")); err != nil {
				return err
			}
			if err := s.SetReadDeadline(s.idle()); err != nil {
				return err
			}
		}
	}
}

// tooLarge refuses what will not be read to its end.
func (s *stream) tooLarge(m []byte) error {
	if i := bytes.LastIndexByte(m, '\n'); i > 0 && !bytes.HasPrefix(m, []byte("SIP/")) {
		if answer := rawReply(append(m[:i+1:i+1], '\r', '\n'), sip.StatusMessageTooLarge); answer != nil {
			_, _ = s.Write(answer)
		}
	}
	return errTooLarge
}

// startLine tells whether a line begins a SIP message of any version.
func startLine(line []byte) bool {
	if bytes.HasPrefix(line, []byte("SIP/")) {
		return true
	}
	i := bytes.LastIndexByte(line, ' ')
	method, _, _ := bytes.Cut(line, []byte(" "))
	return i > 0 && bytes.HasPrefix(line[i+1:], []byte("SIP/")) && isToken(method)
}

// contentLength reads the header of that name; what is no number is refused
// as one that is too large.
func contentLength(line []byte) (int, bool) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	name = bytes.TrimSpace(name)
	if !ok || !bytes.EqualFold(name, []byte("Content-Length")) && !bytes.EqualFold(name, []byte("l")) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
	if err != nil {
		return 1 << 30, true
	}
	return int(n), true
}
