package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/media"
)

// fill writes a file out of testdata with its [[names]] replaced.
func fill(t *testing.T, name, to string, values map[string]string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	text := string(raw)
	for k, v := range values {
		text = strings.ReplaceAll(text, "[["+k+"]]", v)
	}
	require.NotContains(t, text, "[[")
	require.NoError(t, os.WriteFile(to, []byte(text), 0o600))
	return to
}

func freePort(t *testing.T, network string) int {
	t.Helper()
	if network == "tcp" {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), network, "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		return l.Addr().(*net.TCPAddr).Port
	}
	for { // an even one, as RTP wants it
		l, err := (&net.ListenConfig{}).ListenPacket(t.Context(), network, "127.0.0.1:0")
		require.NoError(t, err)
		port := l.LocalAddr().(*net.UDPAddr).Port
		_ = l.Close()
		if port%2 == 0 {
			return port
		}
	}
}

func tone(frequency float64, d time.Duration) []int16 {
	src := media.Tone(frequency, -12, d)
	pcm := make([]int16, src.Len())
	src.Fill(pcm, 0)
	return pcm
}

// voicePcap writes a tone as A-law in RTP packets, in the form that sipp plays.
func voicePcap(t *testing.T, path string, pcm []int16) {
	t.Helper()
	var out bytes.Buffer
	put := func(order binary.ByteOrder, v any) { require.NoError(t, binary.Write(&out, order, v)) }
	put(binary.LittleEndian, []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 65535, 1})
	const head = 14 + 20 + 8 + 12
	for i := 0; (i+1)*media.FrameSamples <= len(pcm); i++ {
		body := make([]byte, media.FrameSamples)
		media.PCMA.Encode(body, pcm[i*media.FrameSamples:(i+1)*media.FrameSamples])
		at := time.Duration(i) * media.FrameTime
		size := uint32(head + len(body))
		put(binary.LittleEndian, []uint32{uint32(at / time.Second), uint32(at % time.Second / time.Microsecond), size, size})
		frame := make([]byte, head)
		copy(frame[12:], []byte{0x08, 0x00, 0x45, 0}) // Ethernet carries IPv4
		binary.BigEndian.PutUint16(frame[16:], uint16(size-14))
		copy(frame[22:], []byte{64, 17}) // UDP
		copy(frame[26:], []byte{127, 0, 0, 1, 127, 0, 0, 1})
		binary.BigEndian.PutUint16(frame[34:], 4000)
		binary.BigEndian.PutUint16(frame[36:], 4000)
		binary.BigEndian.PutUint16(frame[38:], uint16(size-34))
		frame[42], frame[43] = 0x80, byte(media.PCMA)
		binary.BigEndian.PutUint16(frame[44:], uint16(i))
		binary.BigEndian.PutUint32(frame[46:], uint32(i*media.FrameSamples))
		binary.BigEndian.PutUint32(frame[50:], 0x12345)
		out.Write(frame)
		out.Write(body)
	}
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
}

// citizen is a call by sipp.
type citizen struct {
	media uint16 // its RTP port
	ended chan error
}

// citizenCalls lets sipp call a line, press 2 and speak a tone until the other
// side hangs up.
func citizenCalls(t *testing.T, node, line, caller string, mediaPort int, frequency float64) citizen {
	t.Helper()
	dir := t.TempDir()
	voice := filepath.Join(dir, "voice.pcap")
	voicePcap(t, voice, tone(frequency, 2*time.Minute))
	scenario := fill(t, "citizen.xml", filepath.Join(dir, "citizen.xml"), map[string]string{
		"voice": voice, "digit": "/usr/share/sip-tester/dtmf_2833_2.pcap",
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	cmd := exec.CommandContext(ctx, "sipp", node, "-sf", scenario, "-s", line, "-key", "caller", caller, "-i", "127.0.0.1",
		"-mi", "127.0.0.1", "-mp", strconv.Itoa(mediaPort), "-p", strconv.Itoa(freePort(t, "udp")), "-m", "1", "-nostdin", "-trace_err")
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start(), "sipp is in Debian's package sip-tester")
	c := citizen{media: uint16(mediaPort), ended: make(chan error, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := cmd.Wait()
		if err != nil {
			told, _ := filepath.Glob(filepath.Join(dir, "*_errors.log"))
			for _, name := range told {
				raw, _ := os.ReadFile(name)
				out.Write(raw)
			}
			err = fmt.Errorf("%w: %s", err, out.Bytes())
		}
		c.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c
}

// seatPhone is baresip sitting at a seat.
type seatPhone struct {
	t      *testing.T
	folder string // of its recordings
	conn   net.Conn
	events chan phoneEvent
}

type phoneEvent struct {
	Type string `json:"type"`
	came time.Time
}

// sitDown starts baresip, registered at the node as a seat, speaking a tone.
func sitDown(t *testing.T, node, seat, secret string, frequency float64) *seatPhone {
	t.Helper()
	dir := t.TempDir()
	var wav bytes.Buffer
	require.NoError(t, media.WriteWAV(&wav, tone(frequency, 3*time.Minute)))
	voice := filepath.Join(dir, "voice.wav")
	require.NoError(t, os.WriteFile(voice, wav.Bytes(), 0o600))
	control := fmt.Sprintf("127.0.0.1:%d", freePort(t, "tcp"))
	folder := filepath.Join(dir, "heard")
	require.NoError(t, os.Mkdir(folder, 0o700))
	fill(t, "baresip.config", filepath.Join(dir, "config"), map[string]string{"voice": voice, "control": control, "folder": folder})
	account := fmt.Sprintf("<sip:%s@%s;transport=udp>;auth_pass=%s;regint=300;audio_codecs=PCMU/8000/1;answermode=manual\n", seat, node, secret)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "accounts"), []byte(account), 0o600))

	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "baresip", "-4", "-f", dir, "-v")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start(), "baresip is a package of Debian")
	p := &seatPhone{t: t, folder: folder, events: make(chan phoneEvent, 100)}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if p.conn != nil {
			_ = p.conn.Close()
		}
		if t.Failed() {
			t.Logf("baresip said:\n%s", out.Bytes())
		}
	})
	await(t, "baresip's control port", func() bool {
		var err error
		p.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", control)
		return err == nil
	})
	go p.read()
	return p
}

// read takes baresip's events, JSON in netstrings.
func (p *seatPhone) read() {
	defer close(p.events)
	in := bufio.NewReader(p.conn)
	for {
		length, err := in.ReadString(':')
		n, convErr := strconv.Atoi(strings.TrimSuffix(length, ":"))
		if errors.Join(err, convErr) != nil || n < 0 || n > 1<<20 {
			return
		}
		raw := make([]byte, n+1) // with the comma
		if _, err := io.ReadFull(in, raw); err != nil {
			return
		}
		e := phoneEvent{came: time.Now()}
		if json.Unmarshal(raw[:n], &e) == nil && e.Type != "" {
			select {
			case p.events <- e:
			default:
			}
		}
	}
}

func (p *seatPhone) command(name string) {
	p.t.Helper()
	raw, err := json.Marshal(map[string]string{"command": name})
	require.NoError(p.t, err)
	_, err = fmt.Fprintf(p.conn, "%d:%s,", len(raw), raw)
	require.NoError(p.t, err)
}

// await takes events until one of a type comes.
func (p *seatPhone) await(kind string) phoneEvent {
	p.t.Helper()
	for {
		if e := next(p.t, kind, p.events); e.Type == kind {
			return e
		}
	}
}

// heard is what baresip recorded of the other side.
func (p *seatPhone) heard() []int16 {
	p.t.Helper()
	var samples []int16
	await(p.t, "baresip's recording", func() bool {
		names, err := filepath.Glob(filepath.Join(p.folder, "*dec.wav"))
		require.NoError(p.t, err)
		if len(names) == 0 {
			return false
		}
		f, err := os.Open(names[len(names)-1])
		require.NoError(p.t, err)
		defer func() { _ = f.Close() }()
		wav, err := media.ReadWAV(f)
		if err != nil || len(wav.Channels) == 0 {
			return false
		}
		require.Equal(p.t, media.SampleRate, wav.Rate)
		samples = wav.Channels[0]
		return len(samples) > 0
	})
	return samples
}
