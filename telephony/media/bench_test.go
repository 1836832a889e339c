package media

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
)

// loadEnv makes the test binary a generator of RTP in a process of its own, so that the bridge's processor time can be told from that of the load.
const loadEnv = "HOTLINE_TEST_RTP_LOAD"

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(loadEnv) != "":
		err = generateLoad(os.Getenv(loadEnv))
	case os.Getenv(recordEnv) != "":
		err = recordForEver(os.Getenv(recordEnv))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generateLoad opens phones, prints their ports, reads the port that each is to send to, and sends 50 packets a second from each until its
// input ends. The phones read what comes, so that waking them is paid for by who sends, as with real ones on the same machine.
func generateLoad(count string) error {
	var phones int
	if _, err := fmt.Sscan(count, &phones); err != nil {
		return err
	}
	conns := make([]*net.UDPConn, phones)
	for i := range conns {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		conns[i] = conn
		go func() {
			buf := make([]byte, maxDatagram)
			for {
				if _, _, err := conn.ReadFromUDPAddrPort(buf); err != nil {
					return
				}
			}
		}()
		fmt.Println(conn.LocalAddr().(*net.UDPAddr).Port)
	}
	in := bufio.NewReader(os.Stdin)
	dests := make([]netip.AddrPort, phones)
	for i := range dests {
		var port uint16
		if _, err := fmt.Fscanln(in, &port); err != nil {
			return err
		}
		dests[i] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = in.ReadByte()
	}()
	packet := make([]byte, 12+FrameSamples)
	ticker := time.NewTicker(FrameTime / 10)
	defer ticker.Stop()
	// A tenth of the phones each 2 ms, as real ones are spread.
	for step := 0; ; step++ {
		for i := step % 10; i < phones; i += 10 {
			n := step / 10
			ts := uint32(n * FrameSamples)
			copy(packet, []byte{0x80, 8, byte(n >> 8), byte(n), byte(ts >> 24), byte(ts >> 16), byte(ts >> 8), byte(ts), 0, 0, 0, byte(i)})
			if _, err := conns[i].WriteToUDPAddrPort(packet, dests[i]); err != nil {
				return err
			}
		}
		select {
		case <-ended:
			return nil
		case <-ticker.C:
		}
	}
}

// BenchmarkBridge reports the processor time (user and system) of this process for one packet received and sent on, at
// 300 calls at once; PCMA on one side is PCMU on the other.
func BenchmarkBridge(b *testing.B) {
	for _, name := range []string{"plain", "recorded"} {
		b.Run(name, func(b *testing.B) { benchmarkBridge(b, 300, name == "recorded") })
	}
}

func benchmarkBridge(b *testing.B, calls int, record bool) {
	ports, err := NewPorts(PortOptions{})
	require.NoError(b, err)
	defer ports.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", loadEnv, 2*calls))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	defer func() {
		require.NoError(b, in.Close())
		require.NoError(b, cmd.Wait())
	}()
	lines := bufio.NewScanner(out)
	legs := make([]*Leg, 2*calls)
	var reply strings.Builder
	for i := range legs {
		require.True(b, lines.Scan())
		legs[i], err = ports.Open(LegOptions{})
		require.NoError(b, err)
		_, err = legs[i].Answer(session(fmt.Sprintf("m=audio %s RTP/AVP %d", lines.Text(), 8*(i%2))))
		require.NoError(b, err)
		fmt.Fprintln(&reply, legs[i].Port())
	}
	dir := b.TempDir()
	for i := 0; i < len(legs); i += 2 {
		bridge := Connect(legs[i], legs[i+1])
		if !record {
			continue
		}
		r, err := NewRecorder(filepath.Join(dir, fmt.Sprint(i)), RecorderOptions{})
		require.NoError(b, err)
		bridge.Record(r)
		defer func() {
			_, err := r.Close()
			require.NoError(b, err)
		}()
	}
	_, err = in.Write([]byte(reply.String()))
	require.NoError(b, err)
	total := func() (sent, lost uint64) {
		for _, leg := range legs {
			s := leg.Stats()
			sent, lost = sent+s.Sent, lost+s.Lost
		}
		return sent, lost
	}
	for sent, _ := total(); sent < uint64(len(legs)); sent, _ = total() {
		time.Sleep(10 * FrameTime)
	}
	b.ResetTimer()
	start, _ := total()
	before := processorTime(b)
	sent := start
	for sent < start+uint64(b.N) {
		time.Sleep(10 * FrameTime)
		sent, _ = total()
	}
	spent := processorTime(b) - before
	b.StopTimer()
	_, lost := total()
	b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(sent-start), "cpu-µs/packet")
	b.ReportMetric(float64(lost), "lost")
}

func processorTime(b *testing.B) time.Duration {
	var use syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// BenchmarkConference reports the processor time of one frame of one member: packet taken, jitter buffer, level control, mix and sending, but
// not the receiving of the datagram. 10 conferences of 16 who all talk.
func BenchmarkConference(b *testing.B) {
	ports, err := NewPorts(PortOptions{})
	require.NoError(b, err)
	defer ports.Close()
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(b, err)
	defer sink.Close()
	ports.player.still = true // frames are made by hand
	law := make([]byte, FrameSamples)
	pcm := make([]int16, FrameSamples)
	var conferences []*Conference
	for range 10 {
		c := NewConference(ports, ConferenceOptions{})
		conferences = append(conferences, c)
		for i := range MaxMembers {
			leg, err := ports.Open(LegOptions{})
			require.NoError(b, err)
			_, err = leg.Answer(session(fmt.Sprintf("m=audio %d RTP/AVP %d", sink.LocalAddr().(*net.UDPAddr).Port, 8*(i%2))))
			require.NoError(b, err)
			_, err = c.Join(leg, MemberOptions{})
			require.NoError(b, err)
		}
	}
	at, frame := time.Now(), 0
	before := processorTime(b)
	for b.Loop() {
		at = at.Add(FrameTime)
		Tone(300, -10, 0).Fill(pcm, frame*FrameSamples)
		PCMA.Encode(law, pcm)
		frame++
		for _, c := range conferences {
			for _, m := range c.members {
				m.inbox.put(kindPCMA, &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(frame), Timestamp: uint32(frame * FrameSamples)}, Payload: law}, at)
			}
			c.step(at, 0)
		}
	}
	spent := processorTime(b) - before
	b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(b.N*10*MaxMembers), "cpu-µs/member-frame")
	for _, c := range conferences {
		c.Close()
	}
}
