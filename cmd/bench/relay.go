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
	"os/exec"
	"strings"
)

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

// bareRelay runs the bare relay in a process of its own under the load of as many calls.
func bareRelay(ctx context.Context, r *run, calls int) (m relayed, err error) {
	p, err := newProbes()
	if err != nil {
		return m, err
	}
	defer p.close()
	ps, err := newParties(2*calls, p)
	if err != nil {
		return m, err
	}
	defer ps.close()
	targets := make([]string, len(ps.legs))
	for i := range targets {
		targets[i] = fmt.Sprintf("127.0.0.1:%d", ps.legs[i^1].Port()) // what comes in at a port leaves for the other phone
	}
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"relay"}, targets...)...) //nolint:gosec // this program
	input, err := cmd.StdinPipe()
	if err != nil {
		return m, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return m, err
	}
	if err := cmd.Start(); err != nil {
		return m, err
	}
	defer func() {
		_ = input.Close()
		err = errors.Join(err, cmd.Wait())
	}()
	ports, err := readPorts(output, len(targets))
	if err != nil {
		return m, err
	}
	for i, leg := range ps.legs {
		leg.Offer()
		if err := leg.Accept(answerAt(ports[i].Port())); err != nil {
			return m, err
		}
	}
	return ps.measure(ctx, r, cmd.Process.Pid, p)
}
