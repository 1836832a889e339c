package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
)

// rtcAgent is full ICE, for legs that are a phone's: a port each, as browsers have, by which a lite side tells them apart.
type rtcAgent struct {
	agent      *ice.Agent
	mux        *ice.UDPMuxDefault
	addr       netip.AddrPort
	ufrag, pwd string
	conn       atomic.Pointer[ice.Conn]
	reader     sync.WaitGroup
}

// newAgent opens a port and finds its address.
func (r *rtcTransport) newAgent(bind, public netip.Addr) (*rtcAgent, error) {
	conn, err := listenRTC(bind, 0)
	if err != nil {
		return nil, err
	}
	a := &rtcAgent{addr: netip.AddrPortFrom(public, localPort(conn))}
	a.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{
		UDPConn: namedConn{conn, net.UDPAddrFromAddrPort(a.addr)}, Logger: quietLoggers().NewLogger("ice"),
	})
	if err := a.gather(r); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *rtcAgent) gather(r *rtcTransport) error {
	silent, keep := rtcSilent, 2*time.Second
	agent, err := ice.NewAgent(&ice.AgentConfig{ //nolint:staticcheck // the options that replace it are not all there yet
		UDPMux: a.mux, IncludeLoopback: true, MulticastDNSMode: ice.MulticastDNSModeDisabled,
		NetworkTypes: []ice.NetworkType{ice.NetworkTypeUDP4}, CandidateTypes: []ice.CandidateType{ice.CandidateTypeHost},
		FailedTimeout: &silent, KeepaliveInterval: &keep, LoggerFactory: quietLoggers(),
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoTransport, err)
	}
	a.agent = agent
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
	if a.ufrag, a.pwd, err = agent.GetLocalUserCredentials(); err != nil {
		return fmt.Errorf("%w: %w", ErrNoTransport, err)
	}
	return nil
}

// connect looks for a path to the party and then takes what comes along it. A full side controls where the other is lite, else the one that
// made the offer (RFC 8445 §6.1.1).
func (a *rtcAgent) connect(ctx context.Context, r *rtcTransport, p *rtcParams, controls bool) error {
	connect := a.agent.Accept
	if controls {
		connect = a.agent.Dial
	}
	conn, err := connect(ctx, p.ufrag, p.pwd)
	if err != nil {
		return err
	}
	a.conn.Store(conn)
	a.reader.Go(func() { a.read(conn, r) })
	return nil
}

// look tells the agent where the party may be.
func (a *rtcAgent) look(p *rtcParams) error {
	for _, text := range p.candidates {
		c, err := ice.UnmarshalCandidate(text)
		if err != nil || strings.HasSuffix(c.Address(), ".local") || c.Component() != ice.ComponentRTP {
			continue
		}
		if err := a.agent.AddRemoteCandidate(c); err != nil {
			return fmt.Errorf("%w: a=candidate", ErrNoTransport)
		}
	}
	return nil
}

// read takes what comes over ICE until it ends.
func (a *rtcAgent) read(conn *ice.Conn, r *rtcTransport) {
	buf, pcm := make([]byte, maxDatagram), make([]int16, maxPayload)
	var packet rtp.Packet
	for {
		n, err := conn.Read(buf)
		if err != nil {
			if errors.Is(err, io.ErrShortBuffer) {
				continue // larger than any of ours
			}
			return
		}
		r.arrived(buf[:n], r.leg.now(), &packet, pcm)
	}
}

func (a *rtcAgent) send(packet []byte) error {
	conn := a.conn.Load()
	if conn == nil {
		return net.ErrClosed
	}
	_, err := conn.Write(packet)
	return err
}

// remote is where the party is; "" before it was found.
func (a *rtcAgent) remote() string {
	conn := a.conn.Load()
	if conn == nil {
		return ""
	}
	return conn.RemoteAddr().String()
}

func (a *rtcAgent) close() {
	if a.agent != nil {
		_ = a.agent.GracefulClose()
	}
	a.reader.Wait()
	_ = a.mux.Close()
}
