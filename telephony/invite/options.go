package invite

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Errors of the package. They are wrapped; compare with errors.Is.
var (
	// ErrEnded says that the session is over.
	ErrEnded = errors.New("invite: session has ended")
	// ErrState says that the session cannot do this in its present state.
	ErrState = errors.New("invite: not possible in this state")
	// ErrGlare says that a re-INVITE of the peer is being handled, or that the
	// peer kept refusing ours with 491 (RFC 3261 section 14.1).
	ErrGlare = errors.New("invite: re-INVITE glare")
	// ErrLimit says that the endpoint has as many sessions as it may have.
	ErrLimit = errors.New("invite: too many sessions")
	// ErrStopped says that the endpoint is not running.
	ErrStopped = errors.New("invite: endpoint is not running")
	// ErrTimers says that another endpoint of this process runs with other
	// timers: sipgo keeps its transaction timers per process.
	ErrTimers = errors.New("invite: another endpoint of this process uses other SIP timers")
)

// StatusError is a final response that refused a request.
type StatusError struct {
	Code   int
	Reason string
}

// Error implements error.
func (e *StatusError) Error() string { return "invite: refused with " + statusLine(e.Code, e.Reason) }

// Listen names one listening socket.
type Listen struct {
	Network string // "udp", "tcp", "tls", "ws" or "wss"
	Addr    string // "host:port"; port 0 takes a free one
}

// Timers are the protocol's timers; zero fields take the values of RFC 3261
// (or of the endpoints that already run in this process).
type Timers struct {
	T1 time.Duration // round-trip estimate, 500 ms
	T2 time.Duration // longest retransmission interval, 4 s
	T4 time.Duration // lifetime of a message in the network, 5 s
	// TimerC bounds an INVITE of ours between provisional responses, 3 min
	// (RFC 3261 section 16.6 step 11); the INVITE is then cancelled.
	TimerC time.Duration
	// Incoming bounds how long an inbound INVITE may stay without a final
	// response, 5 min; it is then refused with 480.
	Incoming time.Duration
	// Reply bounds how long the application may take to answer a re-INVITE,
	// 5 s; it is then refused with 500.
	Reply time.Duration
}

// Limits bound what the network may make an endpoint hold; zero fields take
// the defaults.
type Limits struct {
	Sessions int // sessions, closing ones included; 10,000
	// Transactions bounds server transactions: 80,000, which is 1,250 calls a second. Each answered request
	// is remembered for 64*T1; beyond the bound new requests outside a dialog
	// get 503 and are forgotten at once.
	Transactions int
	Message      int // octets of one SIP message; 16,384
	Peers        int // UDP peers remembered before the table starts afresh; 20,000
	// Connections bounds those of TCP, TLS, WS and WSS that were accepted:
	// 2,000 in all, PerSource of one address, 200.
	Connections, PerSource int
	// Handshakes bounds TLS and WebSocket handshakes in progress: 256 in all,
	// HandshakesPerSource of one address, 64. Each may take Handshake, 5 s.
	Handshakes, HandshakesPerSource int
	Handshake                       time.Duration
	// HandshakeRate bounds how many begin in a second, over ten seconds: 200
	// in all, HandshakeRatePerSource of one address, 20. What is beyond is
	// closed before any work.
	HandshakeRate, HandshakeRatePerSource int
	FirstMessage                          time.Duration // from the connection to its first message; 15 s
	MessageTime                           time.Duration // from the first octet of a message to its last; 10 s
	// IdleStranger closes a connection without a message for this long over
	// which no call and no registration was accepted, 2 min; IdleTCP one that
	// is silent, 1 h.
	IdleStranger, IdleTCP time.Duration
	Connect               time.Duration // to connect and shake hands with a peer; 10 s
}

// Options of an Endpoint; the zero value listens nowhere but can be completed.
type Options struct {
	Listen    []Listen
	PublicIP  string // address told to peers in Via and Contact; the socket's own when empty
	UserAgent string // User-Agent and Server header; none when empty
	// FollowContact sends requests within a dialog to the address in the
	// peer's Contact instead of the address its messages come from. The
	// default suits peers behind NAT; Route headers win in both cases.
	FollowContact bool
	// Methods lists further methods outside a dialog that Handler.Request
	// wants; REGISTER and OPTIONS always reach it, others are refused.
	Methods []sip.RequestMethod
	// Admit is asked for each datagram and each connection before anything is
	// parsed, and for each new request over a connection; false drops it. It
	// must be fast and must not block.
	Admit func(src netip.AddrPort, network string) bool
	// TLS has the certificate of tls and wss listeners; GetCertificate lets it
	// change. DialTLS has the roots and, for all peers, the server name of
	// connections that are made; the system's roots when nil.
	TLS, DialTLS *tls.Config
	// Origins lists the pages, as "https://host:port", whose scripts may open
	// a WebSocket; all when empty. Peers that are no browsers name none.
	Origins []string
	// Scanners lists words that mark a scanner when a request's User-Agent or
	// From has them, in any case: it gets no answer, and over a connection it
	// loses that.
	Scanners []string
	// FlowClosed is told when a connection is gone. It must not block.
	FlowClosed func(peer netip.AddrPort, network string)
	Timers     Timers
	Limits     Limits
	// Reliable says when provisional responses ask for a PRACK.
	Reliable Reliability
	Session  SessionTimer
	Now      func() time.Time // time.Now when nil
	Log      *slog.Logger     // slog.Default when nil
}

// Handler is what the application decides.
type Handler interface {
	// Invite is called on a goroutine of its own for each new inbound
	// session. It rings, answers or rejects; a session that it leaves
	// unanswered is refused with 500.
	Invite(s *Session)
	// Request is called on a goroutine of its own for each request outside a
	// dialog that is not an INVITE. Without a final response when it returns,
	// the request is refused with 500.
	Request(req *sip.Request, src netip.AddrPort, tx Responder)
}

// Responder answers one request.
type Responder interface {
	// Respond sends a response made by the caller.
	Respond(res *sip.Response) error
	// Reply makes a response out of the request and sends it; an empty reason
	// takes the usual phrase of the code.
	Reply(code int, reason string, headers ...sip.Header) error
}

// Credentials answer digest challenges (RFC 8760: MD5 or SHA-256, as asked).
type Credentials struct {
	User   string
	Secret string
}

// Outgoing describes a call to make.
type Outgoing struct {
	To          sip.Uri // Request-URI and To
	From        sip.Uri // caller; the endpoint's own address when Host is empty
	FromName    string
	Destination string // "ip:port" to send to (a binding's source address); from To when empty
	Transport   string // as Listen.Network; from To when empty: sips, the transport parameter, else udp
	Flow        bool   // only over the connection that Destination has with us; ErrFlow when it is gone
	ServerName  string // that the certificate must have, over tls and wss; the host of Destination when empty
	Offer       []byte // SDP offer; required
	Headers     []sip.Header
	Credentials *Credentials
	RingTimeout time.Duration // without an answer after this the call is cancelled; none when 0
	// ResponseTimeout bounds how long the INVITE may stay without any
	// response: the call then ends with 408 long before Timer B. None when 0.
	ResponseTimeout time.Duration
	// Redirect is asked whether a contact of a 3xx may be called instead, and
	// where that is ("ip:port"; "" takes the contact's own address). It must
	// not block. Without it a 3xx ends the call; five are followed at most.
	Redirect func(contact sip.Uri) (destination string, ok bool)
}

// Stats counts what an endpoint holds; all but the totals are zero after the
// last call and its longest timer.
type Stats struct {
	Sessions int // sessions that are not over
	Closing  int // sessions over for the application, still finishing with the peer
	Client   int // client transactions
	Server   int // server transactions
	Tasks    int // background goroutines of the endpoint
	Peers    int // UDP peers known at present
	Conns    int // connections of TCP, TLS, WS and WSS

	Total   int64 // sessions made so far
	Refused int64 // messages dropped or refused by a limit or as malformed
	Forks   int64 // extra 2xx that were acknowledged and ended
	Crossed int64 // 2xx that crossed our CANCEL and were ended
	NoACK   int64 // own 2xx that was never acknowledged
}
