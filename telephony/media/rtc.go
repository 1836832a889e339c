package media

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

const (
	// rtcHandshake is the longest that DTLS, and a phone's ICE, may take.
	rtcHandshake = 20 * time.Second
	// rtcSilent is how long nothing of ICE's checks may come before the party is given up (RFC 7675 §5.1: 30 s).
	rtcSilent = 30 * time.Second
	// rtcWait is how long the first check may take: the answer may be sent only when somebody else has picked up.
	rtcWait = 3 * time.Minute
	// rtcGoodbye is how long the signalling may take to say what DTLS has said already: that the party has left.
	rtcGoodbye = 2 * time.Second
	// maxFlight bounds what of the party's DTLS waits to be read.
	maxFlight = 64 << 10
	// maxPaths is how many addresses of one party are answered at a time.
	maxPaths = 8
)

// rtcSource stands for the party of a WebRTC leg where another leg has the address of its packets (192.0.0.8 is nobody's, RFC 7600 §4.8):
// what comes over ICE is the party's wherever it comes from, and nothing that comes over the RTP port is.
func rtcSource() netip.AddrPort { return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 0, 8}), 9) }

// rtcTransport is the ICE and DTLS of a WebRTC leg. SRTP, RTCP and all above are those of any leg. A server's is the lite side on the port
// that all share, a phone's a full agent.
type rtcTransport struct {
	leg     *Leg
	host    *rtcHost
	agent   *rtcAgent  // a phone's
	started *rtcParams // of the party; guarded by Leg.negMu, as is
	setup   string     // this side's part in DTLS

	ctx    context.Context
	cancel context.CancelFunc
	link   sync.WaitGroup   // DTLS's goroutine
	flight *packetio.Buffer // the party's DTLS
	ready  atomic.Bool      // keys are there
	failed atomic.Bool

	sock *socket // the shared one, aimed at the party; guarded by Leg.outMu

	mu        sync.Mutex
	own       []credentials // the newest first; what was before it is good until the party uses the new ones
	theirs    string        // the party's user fragment; "" before its description
	paths     []netip.AddrPort
	selected  netip.AddrPort
	since     time.Time // the negotiation was complete
	connected time.Time // the first valid check came
	heard     time.Time // the last one came
	begin     func()    // starts DTLS, once there is a path
}

// openRTC makes a leg one of WebRTC. Its own ports stay as they are, and hear nothing. Errors: ErrNoPorts, ErrClosed, ErrNoTransport.
func (l *Leg) openRTC() (*rtcTransport, error) {
	if r := l.rtc.Load(); r != nil {
		return r, nil
	}
	public := l.ports.public
	if l.opts.PublicIP.IsValid() {
		public = l.opts.PublicIP.Unmap()
	}
	h := &l.ports.rtc
	if err := h.join(l.ports, public); err != nil {
		return nil, err
	}
	r := &rtcTransport{leg: l, host: h, flight: packetio.NewBuffer()}
	r.flight.SetLimitSize(maxFlight)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	var err error
	if h.full {
		r.agent, err = r.newAgent(l.ports.bind, public)
	} else {
		err = h.hub.take(r)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	l.outMu.Lock()
	closed := l.out.closed
	if !closed {
		l.rtc.Store(r)
		l.out.rtc = r
	}
	l.outMu.Unlock()
	if closed {
		r.close()
		return nil, ErrClosed
	}
	// Until there are keys nothing is taken: it waits.
	l.unsealer.Store(&unsealer{keyless: true})
	l.inMu.Lock()
	l.in.party, l.in.locked, l.in.signal = rtcSource(), rtcSource(), netip.Addr{}
	l.inMu.Unlock()
	return r, nil
}

// start begins ICE and DTLS with the party. Later descriptions of it may restart ICE, where the leg is the server's, but not DTLS. offered: this
// side made the offer. The caller holds negMu. It gives this side's part in DTLS.
func (r *rtcTransport) start(p *rtcParams, offered bool) (setup string, err error) {
	if r.agent == nil && p.lite {
		return "", fmt.Errorf("%w: both sides are ICE-lite", ErrNoTransport)
	}
	if r.started != nil {
		return r.setup, r.restart(p, offered)
	}
	setup = "active"
	if p.setup == "active" {
		setup = "passive"
	} else if offered && p.setup == "actpass" {
		return "", fmt.Errorf("%w: a=setup of an answer", ErrNoTransport)
	}
	client := setup == "active"
	if r.agent == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.ctx.Err() != nil {
			return "", ErrClosed // the leg is being closed
		}
		r.started, r.setup, r.theirs, r.since = p, setup, p.ufrag, r.leg.now()
		r.begin = func() { r.link.Go(func() { r.connect(p, client, func(context.Context) error { return nil }) }) }
		r.beginIfFound()
		return setup, nil
	}
	if err := r.agent.look(p); err != nil {
		return "", err
	}
	r.started, r.setup = p, setup
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return "", ErrClosed // the leg is being closed
	}
	r.link.Go(func() {
		r.connect(p, client, func(ctx context.Context) error { return r.agent.connect(ctx, r, p, p.lite || offered) })
	})
	return setup, nil
}

// restart takes a later description of the party.
func (r *rtcTransport) restart(p *rtcParams, offered bool) error {
	if !sameCertificate(r.started.fingerprints, p.fingerprints) {
		return fmt.Errorf("%w: the certificate changed within a call", ErrNoTransport)
	}
	if r.started.ufrag == p.ufrag && r.started.pwd == p.pwd {
		return nil
	}
	if r.agent != nil {
		return fmt.Errorf("%w: ICE cannot be restarted within a call", ErrNoTransport)
	}
	r.started = p
	r.mu.Lock()
	defer r.mu.Unlock()
	r.theirs = p.ufrag
	if !offered { // new credentials on both sides; the audio goes on meanwhile (RFC 8445 §9)
		r.forgetFormer()
		r.own = append([]credentials{r.host.hub.credentials(r)}, r.own...)
	}
	return nil
}

func sameCertificate(a, b []fingerprint) bool {
	for _, f := range a {
		for _, g := range b {
			if f.hash == g.hash && bytes.Equal(f.value, g.value) {
				return true
			}
		}
	}
	return false
}

// connect finds a path and agrees on keys, and stays until the leg is closed or the party leaves.
func (r *rtcTransport) connect(p *rtcParams, client bool, find func(context.Context) error) {
	ctx, cancel := context.WithTimeout(r.ctx, rtcHandshake)
	defer cancel()
	if err := find(ctx); err != nil {
		r.fail(fmt.Errorf("%w: ICE: %w", ErrTransport, err))
		return
	}
	if err := r.handshake(ctx, p, client); err != nil {
		r.fail(fmt.Errorf("%w: DTLS: %w", ErrTransport, err))
		return
	}
	select {
	case <-r.ctx.Done():
	case <-time.After(rtcGoodbye):
		r.fail(errLeft)
	}
}

// arrived takes what came along a path, on the goroutine that read it (RFC 7983 §7: the first byte tells DTLS from RTP).
func (r *rtcTransport) arrived(data []byte, now time.Time, packet *rtp.Packet, pcm []int16) {
	switch {
	case len(data) == 0:
	case data[0] >= 20 && data[0] <= 63:
		// What does not fit is sent again.
		_, _ = r.flight.Write(data)
	case data[0] >= 128 && data[0] <= 191 && !r.failed.Load():
		r.leg.datagram(data, rtcSource(), now, packet, pcm)
	}
}

// flightConn is the DTLS within what goes along the path.
type flightConn struct {
	*packetio.Buffer
	rtc *rtcTransport
}

// ReadFrom implements net.PacketConn.
func (c flightConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.Read(p)
	return n, c.LocalAddr(), err
}

// WriteTo implements net.PacketConn. What cannot be sent is as good as lost, and sent again.
func (c flightConn) WriteTo(p []byte, _ net.Addr) (int, error) {
	if c.rtc.agent != nil {
		_ = c.rtc.agent.send(p)
		return len(p), nil
	}
	c.rtc.mu.Lock()
	path := c.rtc.selected
	c.rtc.mu.Unlock()
	_, _ = c.rtc.host.hub.conn.WriteToUDPAddrPort(p, path)
	return len(p), nil
}

// LocalAddr implements net.PacketConn; paths change, and DTLS need not know them.
func (c flightConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(rtcSource()) }

// SetDeadline implements net.PacketConn; writing does not wait.
func (c flightConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn.
func (c flightConn) SetWriteDeadline(time.Time) error { return nil }

// handshake agrees on keys with the owner of the certificate that the party's SDP names (RFC 5763), and stays until the leg is closed or the
// party leaves, which is no error.
func (r *rtcTransport) handshake(ctx context.Context, p *rtcParams, client bool) error {
	config := &dtls.Config{ //nolint:staticcheck // one for both parts
		Certificates: r.host.certificates(), InsecureSkipVerify: true, ClientAuth: dtls.RequireAnyClientCert,
		// The first costs a third of the second.
		SRTPProtectionProfiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80},
		// The address has proved itself in a check of ICE, so that the cookie's round trip is saved.
		InsecureSkipVerifyHello: true, FlightInterval: 300 * time.Millisecond,
		ExtendedMasterSecret: dtls.RequireExtendedMasterSecret, LoggerFactory: quietLoggers(),
		VerifyPeerCertificate: func(certificates [][]byte, _ [][]*x509.Certificate) error {
			for _, f := range p.fingerprints {
				if len(certificates) > 0 && f.of(certificates[0]) {
					return nil
				}
			}
			return errFingerprint
		},
	}
	open := dtls.Server //nolint:staticcheck // takes the same config as Client
	if client {
		open = dtls.Client //nolint:staticcheck // as above
	}
	secure, err := open(flightConn{r.flight, r}, flightConn{}.LocalAddr(), config)
	if err != nil {
		return err
	}
	defer func() { _ = secure.Close() }() // tells the party; that it may not hear it has no consequence
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	local, remote, err := exportKeys(secure, client)
	if err != nil {
		return err
	}
	if err := r.use(local, remote); err != nil {
		return err
	}
	// The association ends with an EOF; other errors are about single packets.
	said := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(said)
		_ = secure.Close()
	})
	defer func() {
		if !stop() {
			<-said // before its path is closed
		}
	}()
	buf := make([]byte, maxDatagram)
	for err = nil; !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, dtls.ErrConnClosed); {
		_, err = secure.Read(buf)
	}
	return nil
}

// Ends of a connection that stood, and of one that never did.
var (
	errLeft    = fmt.Errorf("%w: the party has left", ErrTransport)
	errNoCheck = fmt.Errorf("%w: ICE: no check comes from the party", ErrTransport)
)

func exportKeys(secure *dtls.Conn, client bool) (local, remote *cryptoKey, err error) {
	profile, chosen := secure.SelectedSRTPProtectionProfile()
	state, ok := secure.ConnectionState()
	if !ok || !chosen {
		return nil, nil, ErrNoKey
	}
	s := suites()[0]
	if profile == dtls.SRTP_AEAD_AES_128_GCM {
		s = suite{"AEAD_AES_128_GCM", srtp.ProtectionProfileAeadAes128Gcm}
	}
	config := srtp.Config{Profile: s.profile}
	if err := config.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return nil, nil, err
	}
	key := func(master, salt []byte) *cryptoKey {
		k := &cryptoKey{suite: s}
		copy(k.bytes[copy(k.bytes[:], master):], salt)
		return k
	}
	return key(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt), key(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt), nil
}

// use begins to send and to take sound.
func (r *rtcTransport) use(local, remote *cryptoKey) error {
	l := r.leg
	l.negMu.Lock()
	defer l.negMu.Unlock()
	if err := l.setKeys(local, remote); err != nil {
		return err
	}
	l.neg.local, l.neg.remote = local, remote
	r.ready.Store(true)
	if r.agent == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.aim()
	}
	return nil
}

// send sends a packet that is encrypted already; the caller holds Leg.outMu.
func (r *rtcTransport) send(packet []byte) error {
	if !r.ready.Load() {
		return net.ErrClosed
	}
	if r.agent != nil {
		return r.agent.send(packet)
	}
	return r.sock.send(packet)
}

// source is the party's address; "" before it is known.
func (r *rtcTransport) source() string {
	if r.agent != nil {
		return r.agent.remote()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.selected.IsValid() {
		return ""
	}
	return r.selected.String()
}

// waiting tells that sound cannot be sent yet, but will be.
func (r *rtcTransport) waiting() bool { return r != nil && !r.ready.Load() && !r.failed.Load() }

// fail ends the leg's sound for good and tells whoever opened the leg, once.
func (r *rtcTransport) fail(err error) {
	if r.ctx.Err() != nil || !r.failed.CompareAndSwap(false, true) {
		return
	}
	r.ready.Store(false)
	r.leg.log.Warn("WebRTC transport failed", "error", err)
	if fn := r.leg.opts.OnFail; fn != nil {
		// On a goroutine of its own: it may close the leg, which waits for this one.
		go fn(err)
	}
}

// close ends the transport; when it returns nothing of it is left.
func (r *rtcTransport) close() {
	r.mu.Lock()
	r.begin = nil
	r.cancel()
	r.mu.Unlock()
	// DTLS says goodbye along the path, so that goes last.
	r.link.Wait()
	_ = r.flight.Close()
	switch {
	case r.agent != nil:
		r.agent.close()
	case r.host.hub != nil:
		r.host.hub.drop(r)
	}
	r.host.leave()
}
