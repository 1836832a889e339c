package media

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

// defaultRTCLegs is how many WebRTC legs there may be at once.
const defaultRTCLegs = 2000

// rtcHost is what the WebRTC legs of a Ports share: one UDP port, and one certificate. It is opened with the first of them. Where ICE is full each leg has its own.
type rtcHost struct {
	port, maxLegs int
	full          bool

	mu          sync.Mutex
	legs        int
	closed      bool
	mux         *ice.UDPMuxDefault
	addr        netip.AddrPort // as it is told to parties
	certificate tls.Certificate
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
func (h *rtcHost) join(bind, public netip.Addr, now func() time.Time) (*ice.UDPMuxDefault, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case h.legs >= h.maxLegs:
		return nil, fmt.Errorf("%w: %d WebRTC legs", ErrNoPorts, h.legs)
	case !public.Is4():
		return nil, fmt.Errorf("%w: WebRTC needs an IPv4 address", ErrNoTransport)
	case h.mux != nil:
		h.legs++
		return h.mux, nil
	}
	if err := h.certify(now()); err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(bind, uint16(h.port))))
	if err != nil {
		return nil, fmt.Errorf("%w: port for WebRTC: %w", ErrNoPorts, err)
	}
	h.addr = netip.AddrPortFrom(public, conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	h.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{
		UDPConn: namedConn{conn, net.UDPAddrFromAddrPort(h.addr)}, Logger: quietLoggers().NewLogger("ice"),
	})
	h.legs++
	return h.mux, nil
}

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
	h.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	h.fingerprint = strings.Join(parts, ":")
	return nil
}

func (h *rtcHost) close() error {
	h.mu.Lock()
	mux := h.mux
	h.mux, h.closed = nil, true
	h.mu.Unlock()
	if mux == nil {
		return nil
	}
	if err := mux.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("media: WebRTC port: %w", err)
	}
	return nil
}
