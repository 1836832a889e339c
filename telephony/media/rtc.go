package media

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

const (
	// rtcHandshake is the longest that ICE and DTLS may take together.
	rtcHandshake = 20 * time.Second
	// rtcSilent is how long nothing at all, not even ICE's own checks, may come before the party is given up.
	rtcSilent = 25 * time.Second
	// maxFlight bounds what of the party's DTLS waits to be read.
	maxFlight = 64 << 10
)

// rtcSource stands for the party of a WebRTC leg where another leg has the address of its packets (192.0.0.8 is nobody's, RFC 7600 §4.8):
// what comes over ICE is the party's wherever it comes from, and nothing that comes over the RTP port is.
func rtcSource() netip.AddrPort { return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 0, 8}), 9) }

// rtcTransport is the ICE and DTLS of a WebRTC leg. SRTP, RTCP and all above are those of any leg.
type rtcTransport struct {
	leg        *Leg
	host       *rtcHost
	agent      *ice.Agent
	lite       bool
	ufrag, pwd string
	started    *rtcParams // of the party; guarded by Leg.negMu, as is
	setup      string     // this side's part in DTLS

	ctx    context.Context
	cancel context.CancelFunc
	link   sync.WaitGroup // ICE's and DTLS's goroutine
	reader sync.WaitGroup
	conn   atomic.Pointer[ice.Conn]
	flight *packetio.Buffer // the party's DTLS
	ready  atomic.Bool      // keys are there
	failed atomic.Bool
	remote atomic.Pointer[string]
}

// openRTC makes a leg one of WebRTC. Its own ports stay as they are, and hear nothing. Errors as of rtcHost.join.
func (l *Leg) openRTC() (*rtcTransport, error) {
	if r := l.rtc.Load(); r != nil {
		return r, nil
	}
	h := &l.ports.rtc
	if h.full {
		// As browsers do: a port each, by which the other side tells them apart.
		h = &rtcHost{full: true, maxLegs: 1}
	}
	public := l.ports.public
	if l.opts.PublicIP.IsValid() {
		public = l.opts.PublicIP.Unmap()
	}
	mux, err := h.join(l.ports.bind, public, l.now)
	if err != nil {
		return nil, err
	}
	r := &rtcTransport{leg: l, host: h, lite: !h.full, flight: packetio.NewBuffer()}
	r.flight.SetLimitSize(maxFlight)
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if err := r.gather(mux); err != nil {
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
	// Until there are keys nothing is taken.
	l.unsealer.Store(&unsealer{})
	l.inMu.Lock()
	l.in.party, l.in.locked, l.in.signal = rtcSource(), rtcSource(), netip.Addr{}
	l.inMu.Unlock()
	return r, nil
}

func (r *rtcTransport) gather(mux ice.UDPMux) error {
	silent, keep := rtcSilent, 2*time.Second
	agent, err := ice.NewAgent(&ice.AgentConfig{ //nolint:staticcheck // the options that replace it are not all there yet
		Lite: r.lite, UDPMux: mux, IncludeLoopback: true, MulticastDNSMode: ice.MulticastDNSModeDisabled,
		NetworkTypes: []ice.NetworkType{ice.NetworkTypeUDP4}, CandidateTypes: []ice.CandidateType{ice.CandidateTypeHost},
		FailedTimeout: &silent, KeepaliveInterval: &keep, LoggerFactory: quietLoggers(),
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoTransport, err)
	}
	r.agent = agent
	done := make(chan struct{})
	var once sync.Once
	err = errors.Join(agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			once.Do(func() { close(done) })
		}
	}), agent.OnConnectionStateChange(func(s ice.ConnectionState) {
		if s == ice.ConnectionStateFailed {
			r.fail(fmt.Errorf("%w: ICE", ErrTransport))
		}
	}), agent.GatherCandidates())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoTransport, err)
	}
	select {
	case <-done:
	case <-time.After(rtcHandshake):
		return fmt.Errorf("%w: no candidates", ErrNoTransport)
	}
	if r.ufrag, r.pwd, err = agent.GetLocalUserCredentials(); err != nil {
		return fmt.Errorf("%w: %w", ErrNoTransport, err)
	}
	return nil
}

// start begins ICE and DTLS with the party; later descriptions of it must not name another transport. offered: this side made the offer. The
// caller holds negMu. It gives this side's part in DTLS.
func (r *rtcTransport) start(p *rtcParams, offered bool) (setup string, err error) {
	if r.started != nil {
		if r.started.ufrag != p.ufrag || r.started.pwd != p.pwd {
			return "", fmt.Errorf("%w: ICE cannot be restarted within a call", ErrNoTransport)
		}
		return r.setup, nil
	}
	setup = "active"
	if p.setup == "active" {
		setup = "passive"
	} else if offered && p.setup == "actpass" {
		return "", fmt.Errorf("%w: a=setup of an answer", ErrNoTransport)
	}
	if !r.lite {
		for _, text := range p.candidates {
			c, err := ice.UnmarshalCandidate(text)
			if err != nil || strings.HasSuffix(c.Address(), ".local") || c.Component() != ice.ComponentRTP {
				continue
			}
			if err := r.agent.AddRemoteCandidate(c); err != nil {
				return "", fmt.Errorf("%w: a=candidate", ErrNoTransport)
			}
		}
	}
	r.started, r.setup = p, setup
	ctx, cancel := context.WithTimeout(r.ctx, rtcHandshake)
	// A full side controls where the other is lite, else the one that made the offer (RFC 8445 §6.1.1).
	connect := r.agent.Accept
	if !r.lite && (p.lite || offered) {
		connect = r.agent.Dial
	}
	r.link.Go(func() {
		defer cancel()
		conn, err := connect(ctx, p.ufrag, p.pwd)
		if err != nil {
			r.fail(fmt.Errorf("%w: ICE: %w", ErrTransport, err))
			return
		}
		r.conn.Store(conn)
		r.reader.Go(func() { r.read(conn) })
		if err := r.handshake(ctx, conn, p, setup == "active"); err != nil {
			r.fail(fmt.Errorf("%w: DTLS: %w", ErrTransport, err))
		}
	})
	return setup, nil
}

// read takes what comes over ICE until it ends (RFC 7983 §7: the first byte tells DTLS from RTP).
func (r *rtcTransport) read(conn *ice.Conn) {
	buf, pcm := make([]byte, maxDatagram), make([]int16, maxPayload)
	var packet rtp.Packet
	source := rtcSource()
	for {
		n, err := conn.Read(buf)
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue // larger than any of ours
			}
			return
		}
		switch {
		case n == 0:
		case buf[0] >= 20 && buf[0] <= 63:
			// What does not fit is sent again.
			_, _ = r.flight.Write(buf[:n])
		case buf[0] >= 128 && buf[0] <= 191:
			r.leg.datagram(buf[:n], source, r.leg.now(), &packet, pcm)
		}
	}
}

// flightConn is the DTLS within what goes over ICE.
type flightConn struct {
	*packetio.Buffer
	conn *ice.Conn
}

// ReadFrom implements net.PacketConn.
func (c flightConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.Read(p)
	return n, c.conn.RemoteAddr(), err
}

// WriteTo implements net.PacketConn.
func (c flightConn) WriteTo(p []byte, _ net.Addr) (int, error) { return c.conn.Write(p) }

// LocalAddr implements net.PacketConn.
func (c flightConn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// SetDeadline implements net.PacketConn; writing does not wait.
func (c flightConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn.
func (c flightConn) SetWriteDeadline(time.Time) error { return nil }

// handshake agrees on keys with the owner of the certificate that the party's SDP names (RFC 5763), and stays until the leg is closed.
func (r *rtcTransport) handshake(ctx context.Context, conn *ice.Conn, p *rtcParams, client bool) error {
	config := &dtls.Config{ //nolint:staticcheck // one for both parts
		Certificates: r.host.certificates(), InsecureSkipVerify: true, ClientAuth: dtls.RequireAnyClientCert,
		SRTPProtectionProfiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80},
		ExtendedMasterSecret:   dtls.RequireExtendedMasterSecret, LoggerFactory: quietLoggers(),
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
	secure, err := open(flightConn{r.flight, conn}, conn.RemoteAddr(), config)
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
	if err := r.use(local, remote, conn.RemoteAddr().String()); err != nil {
		return err
	}
	<-r.ctx.Done()
	return nil
}

func exportKeys(secure *dtls.Conn, client bool) (local, remote *cryptoKey, err error) {
	state, ok := secure.ConnectionState()
	if profile, chosen := secure.SelectedSRTPProtectionProfile(); !ok || !chosen || profile != dtls.SRTP_AES128_CM_HMAC_SHA1_80 {
		return nil, nil, ErrNoKey
	}
	config := srtp.Config{Profile: srtp.ProtectionProfileAes128CmHmacSha1_80}
	if err := config.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return nil, nil, err
	}
	key := func(master, salt []byte) *cryptoKey {
		k := &cryptoKey{suite: suites()[0]}
		copy(k.bytes[copy(k.bytes[:], master):], salt)
		return k
	}
	return key(config.Keys.LocalMasterKey, config.Keys.LocalMasterSalt), key(config.Keys.RemoteMasterKey, config.Keys.RemoteMasterSalt), nil
}

// use begins to send and to take sound.
func (r *rtcTransport) use(local, remote *cryptoKey, from string) error {
	l := r.leg
	l.negMu.Lock()
	defer l.negMu.Unlock()
	if err := l.setKeys(local, remote); err != nil {
		return err
	}
	l.neg.local, l.neg.remote = local, remote
	r.remote.Store(&from)
	r.ready.Store(true)
	return nil
}

func (h *rtcHost) certificates() []tls.Certificate {
	h.mu.Lock()
	defer h.mu.Unlock()
	return []tls.Certificate{h.certificate}
}

// send sends a packet that is encrypted already.
func (r *rtcTransport) send(packet []byte) error {
	conn := r.conn.Load()
	if conn == nil || !r.ready.Load() {
		return net.ErrClosed
	}
	_, err := conn.Write(packet)
	return err
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
	r.cancel()
	// DTLS says goodbye over ICE, so ICE goes last.
	r.link.Wait()
	_ = r.flight.Close()
	if r.agent != nil {
		_ = r.agent.GracefulClose()
	}
	r.reader.Wait()
	r.host.leave()
	if r.host.full {
		if err := r.host.close(); err != nil {
			r.leg.log.Warn("WebRTC port not closed", "error", err)
		}
	}
}
