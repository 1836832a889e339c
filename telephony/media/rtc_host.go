package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/logging"
)

// defaultRTCLegs is how many WebRTC legs there may be at once.
const defaultRTCLegs = 2000

// rtcHost is what the WebRTC legs of a Ports share: one UDP port, opened with the first of them, and one certificate. Where ICE is full each
// leg has a port of its own.
type rtcHost struct {
	port, maxLegs int
	full          bool

	mu          sync.Mutex
	legs        int
	closed      bool
	hub         *hub // set once
	certificate *tls.Certificate
	fingerprint string
}

// namedConn is a socket that goes by another address: that which parties know.
type namedConn struct {
	net.PacketConn
	addr net.Addr
}

// LocalAddr implements net.PacketConn.
func (c namedConn) LocalAddr() net.Addr { return c.addr }

// quietLoggers keep the libraries' own words, which may name addresses, out of the log; what matters comes back as an error.
func quietLoggers() logging.LoggerFactory { return &logging.DefaultLoggerFactory{Writer: io.Discard} }

// join counts a leg in and opens the port for the first. Errors: ErrNoPorts, ErrClosed, ErrNoTransport.
func (h *rtcHost) join(ports *Ports, public netip.Addr) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return ErrClosed
	case h.legs >= h.maxLegs:
		return fmt.Errorf("%w: %d WebRTC legs", ErrNoPorts, h.legs)
	case !public.Is4():
		return fmt.Errorf("%w: WebRTC needs an IPv4 address", ErrNoTransport)
	}
	if h.certificate == nil {
		if err := h.certify(ports.now()); err != nil {
			return err
		}
	}
	if h.hub == nil && !h.full {
		conn, err := listenRTC(ports.bind, h.port)
		if err != nil {
			return err
		}
		h.hub = newHub(ports, conn)
	}
	h.legs++
	return nil
}

// listenRTC opens a port of IPv4.
func listenRTC(bind netip.Addr, port int) (*net.UDPConn, error) {
	if bind == netip.IPv6Unspecified() {
		bind = netip.IPv4Unspecified()
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(bind, uint16(port))))
	if err != nil {
		return nil, fmt.Errorf("%w: port for WebRTC: %w", ErrNoPorts, err)
	}
	return conn, nil
}

func localPort(conn *net.UDPConn) uint16 { return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

func (h *rtcHost) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.legs--
}

// certify makes the certificate: its fingerprint in the SDP vouches for it, so nobody need sign it.
func (h *rtcHost) certify(now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("media: certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(random32())), Subject: pkix.Name{CommonName: "hotline"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(10, 0, 0), SignatureAlgorithm: x509.ECDSAWithSHA256,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("media: certificate: %w", err)
	}
	h.certificate = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	h.fingerprint = strings.Join(parts, ":")
	return nil
}

// certificates are what DTLS shows.
func (h *rtcHost) certificates() []tls.Certificate {
	h.mu.Lock()
	defer h.mu.Unlock()
	return []tls.Certificate{*h.certificate}
}

// close ends the reading of the port; all legs must be closed.
func (h *rtcHost) close() {
	h.mu.Lock()
	hub := h.hub
	h.closed = true
	h.mu.Unlock()
	if hub != nil {
		hub.close()
	}
}
