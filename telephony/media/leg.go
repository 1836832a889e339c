package media

import (
	"crypto/rand"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// LegOptions describe one party. The zero value offers PCMA and PCMU with telephone events.
type LegOptions struct {
	// Codecs in the order of preference; empty is PCMA, PCMU.
	Codecs []Codec
	// NoEvents leaves telephone-event out of offers and answers.
	NoEvents bool
	// Noise says whether comfort noise is negotiated, with which a party may stop sending while its user is silent.
	Noise NoiseUse
	// Security says whether audio is encrypted (SRTP).
	Security SecurityUse
	// WebRTC says whether the party is a browser. What a browser needs goes over one port that all such legs share; comfort noise is
	// left out.
	WebRTC WebRTCUse
	// OnFail is told once, on a goroutine of its own, when the transport of a WebRTC leg failed; the leg is of no use then, and still to be closed.
	OnFail func(error)
	// SignalIP is where the party's signalling comes from. RTP from it is trusted like RTP from the address in its SDP:
	// behind a NAT the SDP names a private address.
	SignalIP netip.Addr
	// PublicIP replaces the address of Ports in this leg's session descriptions.
	PublicIP netip.Addr
	// Name appears in logs; it must not hold personal data.
	Name string
}

// Leg is one RTP stream in each direction between the server and one party. Methods are safe for concurrent use.
type Leg struct {
	ports  *Ports
	reader *reader
	opts   LegOptions
	port   int
	sock   *socket
	ctrl   control
	now    func() time.Time
	log    *slog.Logger

	negMu sync.Mutex
	neg   negotiation

	rx atomic.Pointer[receiveMap]
	tx atomic.Pointer[sendMap]

	inMu sync.Mutex
	in   inbound

	outMu sync.Mutex
	out   outbound

	unsealer atomic.Pointer[unsealer] // nil: in the clear; its inside is guarded by inMu
	early    atomic.Bool              // packets wait in in.early
	reports  reportKeys
	rtc      atomic.Pointer[rtcTransport] // nil: plain RTP or SRTP over the leg's own ports
	bridge   atomic.Pointer[Leg]
	mix      atomic.Pointer[Member]
	tap      atomic.Pointer[tap]
	listener atomic.Pointer[func(pcm []int16)]
	digits   chan Digit

	closing   chan struct{}
	closeOnce sync.Once
	done      chan struct{}
}

// tap says where a leg's received audio is recorded.
type tap struct {
	recorder *Recorder
	channel  int
}

func newLeg(p *Ports, opts LegOptions, sock, rtcpSock *socket, port int) *Leg {
	if len(opts.Codecs) == 0 {
		opts.Codecs = []Codec{PCMA, PCMU}
	}
	l := &Leg{
		ports: p, opts: opts, port: port, sock: sock, ctrl: control{sock: rtcpSock, cname: rand.Text()}, now: p.now,
		log:     p.log.With("leg", opts.Name, "port", port),
		digits:  make(chan Digit, 64),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	l.out = newOutbound()
	l.neg = newNegotiation(l)
	l.in.relatch = p.relatch
	l.in.signal = opts.SignalIP.Unmap()
	return l
}

// Port is the UDP port on which RTP is received.
func (l *Leg) Port() int { return l.port }

// Digits delivers each digit that the party presses once, at its beginning; closed when the leg is closed. Up to 64
// digits wait; more are dropped.
func (l *Leg) Digits() <-chan Digit { return l.digits }

// Receive calls fn with the audio of each packet, in order of arrival, on the goroutine that also reads other legs: fn must be
// quick, must not wait for other audio, must not keep pcm and must not open or close any leg. nil ends it.
func (l *Leg) Receive(fn func(pcm []int16)) {
	if fn == nil {
		l.listener.Store(nil)
		return
	}
	l.listener.Store(&fn)
}

// Record copies the audio received from this leg's party to a channel (0 or 1) of r; a nil r ends it.
func (l *Leg) Record(r *Recorder, channel int) {
	if r == nil {
		l.tap.Store(nil)
		return
	}
	l.tap.Store(&tap{recorder: r, channel: channel & 1})
}

// Done is closed when the leg is closed and nothing of it is left.
func (l *Leg) Done() <-chan struct{} { return l.done }

// unbridge ends a bridge that the leg is part of, unmix its part in a conference.
func (l *Leg) unbridge() {
	if peer := l.bridge.Swap(nil); peer != nil {
		peer.bridge.CompareAndSwap(l, nil)
	}
}

func (l *Leg) unmix() {
	if m := l.mix.Load(); m != nil {
		m.Leave()
	}
}

func (l *Leg) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// Close ends playback, bridge and conference, closes the sockets and gives the ports back. It returns when no packet of the leg is
// being worked on any more. Idempotent.
func (l *Leg) Close() {
	l.closeOnce.Do(func() {
		close(l.closing)
		l.ports.player.stopLeg(l)
		l.unbridge()
		l.unmix()
		l.goodbye()
		l.reader.remove(l)
		l.outMu.Lock()
		l.out.closed, l.out.dest = true, netip.AddrPort{}
		// Errors of closing a UDP socket have no consequence that could be acted upon.
		_ = l.sock.close()
		l.outMu.Unlock()
		_ = l.ctrl.sock.close()
		l.closeRTC()
		l.ports.release(l.port)
		close(l.digits)
		close(l.done)
	})
	<-l.done
}

// closeRTC ends the transport of a WebRTC leg.
func (l *Leg) closeRTC() {
	if r := l.rtc.Load(); r != nil {
		r.close()
	}
}
