package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hotline/cmd/hotline/drill"
)

// packetSize is G.711 of 20 ms with its RTP header, in bytes.
const packetSize = 172

// relayPort is one side of the bare relay.
type relayPort struct {
	conn *net.UDPConn
	peer *relayPort
	to   netip.AddrPort
}

// serveRelay is the baseline in a process of its own: pairs of UDP sockets, one
// goroutine each, that pass on what comes in. No SIP, no RTP, no recording. It
// prints its ports and counts until its standard input ends.
func serveRelay(words []string) error {
	targets, err := addresses(words)
	if err != nil {
		return err
	}
	if len(targets)%2 != 0 {
		return errors.New("relay: the targets must come in pairs")
	}
	var ports []*relayPort
	for range targets {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		ports = append(ports, &relayPort{conn: conn})
	}
	var names []string
	for i, p := range ports {
		p.peer = ports[i^1]
		p.to = targets[i]
		names = append(names, p.conn.LocalAddr().String())
	}
	if _, err := fmt.Println(strings.Join(names, " ")); err != nil {
		return err
	}
	for _, p := range ports {
		go p.forward()
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is the signal
	return nil
}

func (p *relayPort) forward() {
	buffer := make([]byte, 1500)
	for {
		n, _, err := p.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		// A packet that cannot be passed on shows in the receiver's count.
		_, _ = p.peer.conn.WriteToUDPAddrPort(buffer[:n], p.peer.to)
	}
}

// phones are 2·pairs sockets that send a packet each 20 ms and count what comes.
type phones struct {
	conns    []*net.UDPConn
	received []int64
	mu       sync.Mutex
}

func newPhones(n int) (*phones, []netip.AddrPort, error) {
	p := &phones{received: make([]int64, n)}
	var at []netip.AddrPort
	for range n {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			p.close()
			return nil, nil, err
		}
		p.conns = append(p.conns, conn)
		at = append(at, conn.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	return p, at, nil
}

func (p *phones) close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *phones) total() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := int64(0)
	for _, n := range p.received {
		sum += n
	}
	return sum
}

func (p *phones) listen(i int) {
	buffer := make([]byte, 1500)
	for {
		if _, _, err := p.conns[i].ReadFromUDPAddrPort(buffer); err != nil {
			return
		}
		p.mu.Lock()
		p.received[i]++
		p.mu.Unlock()
	}
}

// talk sends from every socket to its relay port until the context ends, and
// says how many packets it sent. The
// sockets take turns within the 20 ms, as phones that began at any moment do.
func (p *phones) talk(ctx context.Context, to []netip.AddrPort) (sent int64) {
	packet := make([]byte, packetSize)
	const slots = 20
	for tick, next := 0, time.Now(); ctx.Err() == nil; tick++ {
		for i := tick % slots; i < len(p.conns); i += slots {
			if _, err := p.conns[i].WriteToUDPAddrPort(packet, to[i]); err == nil {
				sent++
			}
		}
		next = next.Add(time.Millisecond)
		drill.Sleep(ctx, time.Until(next))
	}
	return sent
}

// readPorts reads the addresses that a relay prints.
func readPorts(from io.Reader, n int) ([]netip.AddrPort, error) {
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil {
		return nil, err
	}
	ports, err := addresses(strings.Fields(line))
	if err == nil && len(ports) != n {
		err = fmt.Errorf("the relay opened %d ports, not %d", len(ports), n)
	}
	return ports, err
}

func addresses(words []string) ([]netip.AddrPort, error) {
	list := make([]netip.AddrPort, len(words))
	for i, w := range words {
		var err error
		if list[i], err = netip.ParseAddrPort(w); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// drops reads how many datagrams the system threw away at the sockets of a
// range of ports, because their program did not fetch them in time (udp(7),
// /proc/net/udp).
func drops(low, high int) (int64, error) {
	raw, err := os.ReadFile(filepath.Clean("/proc/net/udp"))
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 13 || !strings.Contains(fields[1], ":") {
			continue
		}
		var port int
		var n int64
		if _, err := fmt.Sscanf(fields[1][strings.IndexByte(fields[1], ':')+1:], "%X", &port); err != nil {
			continue
		}
		if _, err := fmt.Sscan(fields[len(fields)-1], &n); err != nil || port < low || port > high {
			continue
		}
		sum += n
	}
	return sum, nil
}
