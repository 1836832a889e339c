package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/cmd/hotline/testbed"

	"hotline/telephony/media"
)

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
	voicePcap(t, voice, testbed.Tone(frequency, 2*time.Minute))
	scenario := testbed.Fill(t, filepath.Join("testdata", "citizen.xml"), filepath.Join(dir, "citizen.xml"), map[string]string{
		"voice": voice, "digit": "/usr/share/sip-tester/dtmf_2833_2.pcap",
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*testbed.Patience)
	cmd := exec.CommandContext(ctx, "sipp", node, "-sf", scenario, "-s", line, "-key", "caller", caller, "-i", "127.0.0.1",
		"-mi", "127.0.0.1", "-mp", strconv.Itoa(mediaPort), "-p", strconv.Itoa(testbed.FreePort(t)), "-m", "1", "-nostdin", "-trace_err")
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

// sitDown starts baresip, registered at the node as a seat, speaking a tone.
func sitDown(t *testing.T, node, seat, secret string, frequency float64) *testbed.Baresip {
	t.Helper()
	return testbed.StartBaresip(t, testbed.BaresipOptions{Tone: frequency, Account: fmt.Sprintf(
		"<sip:%s@%s;transport=udp>;auth_pass=%s;regint=300;audio_codecs=PCMU/8000/1;answermode=manual", seat, node, secret)})
}
