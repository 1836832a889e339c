package media

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// gatherTime is how long packets gather while there is much to do. It is the most that a reader adds to a packet's way.
const gatherTime = 2 * time.Millisecond

// PortOptions say where RTP is received. The zero value listens on 127.0.0.1 at ports that the system chooses.
type PortOptions struct {
	// IP is the address that sockets are bound to; "" is 127.0.0.1.
	IP string
	// PublicIP is the address written into session descriptions; "" is IP, or where IP is unspecified the first
	// address of this machine that is not loopback.
	PublicIP string
	// Low and High bound the ports, both included. Both 0: the system chooses, in pairs of even and odd.
	Low, High int
	// Relatch is how long a locked source must be silent before another may take over; 0 is 3 s.
	Relatch time.Duration
	// RTCPort is the UDP port that all WebRTC legs share; 0 is one that the system chooses. It is opened with the first of them.
	RTCPort int
	// RTCLegs is how many of them there may be at once; 0 is 2,000.
	RTCLegs int
	// FullICE makes WebRTC legs look for the party themselves, as a browser does. The zero value is a server that is found (ICE-lite).
	FullICE bool
	// Urgent lets the threads that read RTP run before others, as far as the system permits.
	Urgent bool
	Now    func() time.Time
	Log    *slog.Logger
}

// Ports is a range of RTP ports and the ticker that plays to the legs on them. Safe for concurrent use.
type Ports struct {
	bind, public netip.Addr
	low, high    int
	relatch      time.Duration
	urgent       bool
	now          func() time.Time
	log          *slog.Logger
	player       *player
	rtc          rtcHost
	reporter     reporter

	mu   sync.Mutex
	next int // the even port to try first
	// readers share the sockets. One could carry all, but on a machine that is busy otherwise one thread gets too small
	// a share of the processors, and sockets overflow: two lose nothing where one lost 3 % of the packets.
	readers []*reader
	legs    map[int]*Leg
	closed  bool
}

// Readers is how many threads read the RTP of a Ports: a share of the processors that the process may use.
func Readers() int { return max(2, runtime.GOMAXPROCS(0)/4) }

// NewPorts checks the options and makes the range. No socket is opened before Open.
func NewPorts(opts PortOptions) (*Ports, error) {
	if opts.IP == "" {
		opts.IP = "127.0.0.1"
	}
	bind, err := netip.ParseAddr(opts.IP)
	if err != nil {
		return nil, fmt.Errorf("media: RTP address %q: %w", opts.IP, err)
	}
	public := bind.Unmap()
	if opts.PublicIP != "" {
		if public, err = netip.ParseAddr(opts.PublicIP); err != nil {
			return nil, fmt.Errorf("media: public address %q: %w", opts.PublicIP, err)
		}
	} else if public.IsUnspecified() {
		public = machineAddr(public.Is6())
	}
	low, high := opts.Low, opts.High
	if low != 0 || high != 0 {
		low += low & 1
		if low < 2 || high > 65535 || high < low+1 {
			return nil, fmt.Errorf("media: RTP ports %d-%d: need a range of at least one even and odd pair within 2-65535", opts.Low, opts.High)
		}
	}
	p := &Ports{
		bind: bind.Unmap(), public: public.Unmap(), low: low, high: high, next: low,
		relatch: opts.Relatch, urgent: opts.Urgent, now: Steady(opts.Now), log: opts.Log, legs: make(map[int]*Leg),
		readers: make([]*reader, Readers()),
	}
	if p.relatch <= 0 {
		p.relatch = 3 * time.Second
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.player = newPlayer(p.now)
	p.rtc.port, p.rtc.maxLegs, p.rtc.full = opts.RTCPort, opts.RTCLegs, opts.FullICE
	if p.rtc.maxLegs <= 0 {
		p.rtc.maxLegs = defaultRTCLegs
	}
	p.reporter.stop = make(chan struct{})
	return p, nil
}

// machineAddr is the first address of this machine that others can reach, else loopback.
func machineAddr(six bool) netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			ip := prefix.Addr().Unmap()
			if ip.IsGlobalUnicast() && ip.Is4() != six {
				return ip
			}
		}
	}
	if six {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// Open takes a port pair and starts receiving on it. Errors: ErrNoPorts, ErrClosed; ErrNoTransport where WebRTC is to be offered.
func (p *Ports) Open(opts LegOptions) (*Leg, error) {
	if opts.WebRTC == OfferWebRTC {
		opts.Noise = RefuseNoise
	}
	leg, err := p.open(opts)
	if err == nil && opts.WebRTC == OfferWebRTC {
		if _, err = leg.openRTC(); err != nil {
			leg.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	return leg, nil
}

func (p *Ports) open(opts LegOptions) (*Leg, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	rtpConn, rtcpConn, port, err := p.bindPair()
	if err != nil {
		return nil, err
	}
	sock, err := openSocket(rtpConn)
	if err != nil {
		return nil, errors.Join(err, rtcpConn.Close())
	}
	rtcpSock, err := openSocket(rtcpConn)
	if err != nil {
		return nil, errors.Join(err, sock.close())
	}
	leg := newLeg(p, opts, sock, rtcpSock, port)
	if err := p.read(leg); err != nil {
		return nil, errors.Join(err, sock.close(), rtcpSock.close())
	}
	p.legs[port] = leg
	p.reports()
	return leg, nil
}

// read hands the leg to one of the readers; they are made when they are first needed. The caller holds mu.
func (p *Ports) read(leg *Leg) error {
	i := leg.port / 2 % len(p.readers)
	if p.readers[i] == nil {
		r, err := newReader(p.now, p.urgent)
		if err != nil {
			return err
		}
		p.readers[i] = r
	}
	leg.reader = p.readers[i]
	return leg.reader.add(leg)
}

// bindPair goes round the range, so that a port rests as long as possible before another call gets it.
func (p *Ports) bindPair() (rtpConn, rtcpConn *net.UDPConn, port int, err error) {
	if p.low == 0 {
		return p.bindAnyPair()
	}
	for range (p.high - p.low + 1) / 2 {
		port = p.next
		if p.next += 2; p.next+1 > p.high {
			p.next = p.low
		}
		if _, taken := p.legs[port]; taken {
			continue
		}
		// A port that another program holds is passed over.
		if rtpConn, rtcpConn, err = p.listenPair(port); err == nil {
			return rtpConn, rtcpConn, port, nil
		}
	}
	if err != nil {
		return nil, nil, 0, fmt.Errorf("%w: %w", ErrNoPorts, err)
	}
	return nil, nil, 0, ErrNoPorts
}

func (p *Ports) bindAnyPair() (rtpConn, rtcpConn *net.UDPConn, port int, err error) {
	for range 64 {
		var probe *net.UDPConn
		if probe, err = p.listen(0); err != nil {
			break
		}
		port = probe.LocalAddr().(*net.UDPAddr).Port &^ 1
		if err = probe.Close(); err != nil {
			break
		}
		if rtpConn, rtcpConn, err = p.listenPair(port); err == nil {
			return rtpConn, rtcpConn, port, nil
		}
	}
	return nil, nil, 0, fmt.Errorf("%w: %w", ErrNoPorts, err)
}

func (p *Ports) listenPair(port int) (rtpConn, rtcpConn *net.UDPConn, err error) {
	if rtpConn, err = p.listen(port); err != nil {
		return nil, nil, err
	}
	if rtcpConn, err = p.listen(port + 1); err != nil {
		return nil, nil, errors.Join(err, rtpConn.Close())
	}
	return rtpConn, rtcpConn, nil
}

func (p *Ports) listen(port int) (*net.UDPConn, error) {
	network := "udp4"
	if p.bind.Is6() {
		network = "udp"
	}
	return net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.bind, uint16(port))))
}

// Now is the clock of the legs: that of the options at the start, and steady from then on.
func (p *Ports) Now() time.Time { return p.now() }

// InUse is the number of port pairs that legs hold now.
func (p *Ports) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.legs)
}

// Close closes every leg and the range; it waits for their goroutines.
func (p *Ports) Close() {
	p.mu.Lock()
	p.closed = true
	legs := make([]*Leg, 0, len(p.legs))
	for _, leg := range p.legs {
		legs = append(legs, leg)
	}
	p.mu.Unlock()
	for _, leg := range legs {
		leg.Close()
	}
	p.player.close()
	p.rtc.close()
	p.mu.Lock()
	if p.reporter.stop != nil {
		close(p.reporter.stop)
		p.reporter.stop = nil
	}
	p.mu.Unlock()
	p.reporter.idle.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.readers {
		if r != nil {
			r.close()
			p.readers[i] = nil
		}
	}
}

func (p *Ports) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.legs, port)
}

func random32() uint32 {
	var b [4]byte
	// crypto/rand.Read never fails since Go 1.24; it ends the program instead.
	_, _ = rand.Read(b[:])
	return binary.BigEndian.Uint32(b[:])
}
