package interop

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/app"
	"hotline/cmd/hotline/testbed"
	"hotline/telephony/phone"
)

// kamailio starts the proxy with a configuration out of testdata and returns where it listens.
func (s *stage) kamailio(name string, values map[string]string) string {
	s.Helper()
	dir := s.TempDir()
	modules, err := filepath.Glob("/usr/lib/*/kamailio/modules")
	require.NoError(s, err)
	require.NotEmpty(s, modules, "kamailio is a package of Debian: run .ci/setup")
	listen := fmt.Sprintf("127.0.0.1:%d", testbed.FreePort(s))
	values["listen"], values["modules"] = listen, modules[0]
	file := testbed.Fill(s, filepath.Join("testdata", name+".cfg"), filepath.Join(dir, "kamailio.cfg"), values)
	// -DD keeps it in the foreground, -m is shared memory in MB.
	process := testbed.Launch(s, dir, "kamailio is a package of Debian", "kamailio", "-f", file, "-DD", "-m", "64", "-M", "8",
		"-Y", dir, "-w", dir, "-P", filepath.Join(dir, "pid"))
	testbed.Await(s, "kamailio's answer", func() bool {
		select {
		case <-process.Done():
			require.FailNow(s, "kamailio has ended")
		default:
		}
		return answers(s, listen)
	})
	return listen
}

// answers tells whether a SIP server takes datagrams: it refuses an OPTIONS that may go no further.
func answers(s *stage, addr string) bool {
	conn, err := (&net.Dialer{}).DialContext(s.Context(), "udp", addr)
	require.NoError(s, err)
	defer func() { _ = conn.Close() }()
	local := conn.LocalAddr().String()
	if _, err := fmt.Fprintf(conn, "OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bK-up\r\nMax-Forwards: 0\r\n"+
		"From: <sip:up@%[2]s>;tag=up\r\nTo: <sip:%[1]s>\r\nCall-ID: up@%[2]s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", addr, local); err != nil {
		return false
	}
	if err := conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 2048))
	return err == nil
}

// edge is the proxy between phones and the node.
func (s *stage) edge() string {
	s.Helper()
	node := s.addr("udp")
	return s.kamailio("kamailio-edge", map[string]string{"node": node.String(), "port": strconv.Itoa(int(node.Port()))})
}

// spread: two nodes behind the proxy, each with a seat; the calls go to them in
// turn, and all to one when the other is gone.
func spread(s *stage) {
	other := &stage{T: s.T, bed: startBed(s.T, make([]cell, s.n+1)), n: s.n, line: s.line}
	list := filepath.Join(s.TempDir(), "dispatcher.list")
	require.NoError(s, os.WriteFile(list, fmt.Appendf(nil, "1 sip:%s\n1 sip:%s\n", s.addr("udp"), other.addr("udp")), 0o600))
	proxy := s.kamailio("kamailio-spread", map[string]string{"list": list})

	here, there := s.ourSeat(0, toneForeign), other.ourSeat(0, toneThird)
	call := func() (*phone.Call, *phone.Call, bool) {
		c := s.ourCitizen(phone.Options{Registrar: proxy})
		select {
		case seat := <-here:
			return c, seat, true
		case seat := <-there:
			return c, seat, false
		case <-testbed.Within(s).Done():
			require.FailNow(s, "no seat is called")
			return nil, nil, false
		}
	}
	count := map[bool]int{}
	for range 4 {
		c, seat, first := call()
		count[first]++
		s.hears(c, map[bool]float64{true: toneForeign, false: toneThird}[first], "from the seat, through the proxy")
		s.hears(seat, toneOurs, "from the citizen, through the proxy")
		if count[first] == 1 {
			c.Hangup()
		} else {
			seat.Hangup() // a request against the proxy's direction
		}
		<-c.Done()
		<-seat.Done()
	}
	require.Equal(s, map[bool]int{true: 2, false: 2}, count)

	stop(s, other.node)
	for range 2 {
		c, seat, first := call()
		require.True(s, first)
		s.hears(c, toneForeign, "from the seat that is left")
		s.hears(seat, toneOurs, "from the citizen, through the proxy")
		c.Hangup()
		<-seat.Done()
	}
	s.over()
}

// stop ends a node before its test does.
func stop(s *stage, n *app.App) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), testbed.Patience)
	defer cancel()
	require.NoError(s, n.Stop(ctx))
}

func kamailioCells() []cell {
	const peer = "Kamailio 5.6"
	var all []cell
	for _, a := range []access{{network: "udp"}, {network: "tcp"}} {
		seat := a
		seat.seat = true
		over := map[string]string{"udp": "UDP", "tcp": "TCP and UDP"}[a.network]
		all = append(all, cell{
			peer: peer, over: over, media: "RTP", as: "outbound proxy, Record-Route", name: "outbound proxy of a seat", shows: "baresip: " + seatShows,
			play: func(s *stage) {
				seat := seat
				seat.proxy = s.edge()
				s.atSeat(s.baresip(s.provide(0), seat), seat)
			},
		}, cell{
			peer: peer, over: over, media: "RTP", as: "outbound proxy, Record-Route", name: "outbound proxy of a citizen", shows: "pjsip: " + citizenShows,
			play: func(s *stage) {
				a := a
				a.proxy = s.edge()
				s.asCitizen(s.pjsua("13633334444", a), a)
			},
		})
	}
	return append(all, cell{
		peer: peer, over: "UDP", media: "RTP", as: "load spreader of the trunk", name: "spread",
		shows: "two nodes take calls in turn; sound both ways; BYE from either side; a node that is gone is left out", play: spread,
	})
}
