package testbed

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony/media"
)

// baresipConfig needs the voice file, the address of the control port and the
// folder of recordings.
const baresipConfig = `poll_method		epoll
sip_listen		127.0.0.1:0
call_local_timeout	120
call_max_calls		4
audio_player		aubridge,ear
audio_source		aufile,%[1]s
audio_alert		aubridge,alert
ausrc_srate		8000
auplay_srate		8000
ausrc_channels		1
auplay_channels		1
audio_txmode		thread
audio_level		no
ausrc_format		s16
auplay_format		s16
auenc_format		s16
audec_format		s16
rtp_ports		40000-49998
jitter_buffer_delay	1-5
module_path		/usr/lib/baresip/modules
module			g711.so
module			sndfile.so
module			aubridge.so
module			aufile.so
module_tmp		uuid.so
module_app		account.so
module_app		menu.so
module_app		ctrl_tcp.so
ctrl_tcp_listen		%[2]s
snd_path		%[3]s
`

// BaresipOptions of a phone.
type BaresipOptions struct {
	// Account is a line of baresip's file of accounts.
	Account string
	// Tone is what it says all the time.
	Tone float64
	// Settings are more lines of its configuration.
	Settings string
}

// Baresip is a phone as a process.
type Baresip struct {
	t      testing.TB
	folder string // of its recordings
	conn   net.Conn
	events chan BaresipEvent
}

// BaresipEvent is what the phone tells.
type BaresipEvent struct {
	Type  string    `json:"type"`
	Param string    `json:"param"`
	Came  time.Time `json:"-"`
}

// StartBaresip starts a phone.
func StartBaresip(t testing.TB, opts BaresipOptions) *Baresip {
	t.Helper()
	dir := t.TempDir()
	voice := filepath.Join(dir, "voice.wav")
	WriteTone(t, voice, opts.Tone, 3*time.Minute)
	control := fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	folder := filepath.Join(dir, "heard")
	require.NoError(t, os.Mkdir(folder, 0o700))
	config := fmt.Sprintf(baresipConfig, voice, control, folder) + opts.Settings
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "accounts"), []byte(opts.Account+"\n"), 0o600))
	p := &Baresip{t: t, folder: folder, events: make(chan BaresipEvent, 1000)}
	process := Launch(t, dir, "baresip is a package of Debian", "baresip", "-4", "-f", dir, "-v")
	t.Cleanup(func() {
		if p.conn != nil {
			_ = p.conn.Close()
		}
	})
	Await(t, "baresip's control port", func() bool {
		select {
		case <-process.Done():
			require.FailNow(t, "baresip has ended")
		default:
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var err error
		p.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", control)
		return err == nil
	})
	go p.read()
	return p
}

// read takes baresip's events, JSON in netstrings.
func (p *Baresip) read() {
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
		e := BaresipEvent{Came: time.Now()}
		if json.Unmarshal(raw[:n], &e) == nil && e.Type != "" {
			select {
			case p.events <- e:
			default:
			}
		}
	}
}

// Command has baresip do something; params may be empty.
func (p *Baresip) Command(name, params string) {
	p.t.Helper()
	raw, err := json.Marshal(map[string]string{"command": name, "params": params})
	require.NoError(p.t, err)
	_, err = fmt.Fprintf(p.conn, "%d:%s,", len(raw), raw)
	require.NoError(p.t, err)
}

// Await takes events until one of a type comes.
func (p *Baresip) Await(kind string) BaresipEvent {
	p.t.Helper()
	for {
		if e := p.Next(kind); e.Type == kind {
			return e
		}
	}
}

// Next takes one event; kind is what is waited for.
func (p *Baresip) Next(kind string) BaresipEvent {
	p.t.Helper()
	return Next(p.t, "baresip's "+kind, p.events)
}

// Hears tells whether a frequency is most of what came last, while the call runs.
func (p *Baresip) Hears(frequency float64, last time.Duration) bool {
	p.t.Helper()
	pcm := p.running()
	pcm = pcm[max(0, len(pcm)-int(last*media.SampleRate/time.Second)):]
	amplitude := media.Goertzel(pcm, media.SampleRate, frequency)
	// A pure tone's amplitude is √2 times the RMS of the whole.
	return len(pcm) > 0 && amplitude > 0.01 && amplitude > 1.2*media.RMS(pcm)
}

// running is what baresip has recorded since its stream was set up last. The
// file's header is not finished before the call is.
func (p *Baresip) running() []int16 {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(p.folder, "*dec.wav"))
	require.NoError(p.t, err)
	if len(names) == 0 {
		return nil
	}
	raw, err := os.ReadFile(names[len(names)-1])
	require.NoError(p.t, err)
	const header = 44
	if len(raw) <= header {
		return nil
	}
	pcm := make([]int16, (len(raw)-header)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[header+2*i:]))
	}
	return pcm
}

// Heard is what baresip recorded of the other side since its stream was set up
// last. It is complete once the call is over.
func (p *Baresip) Heard() []int16 {
	p.t.Helper()
	var samples []int16
	Await(p.t, "baresip's recording", func() bool {
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
