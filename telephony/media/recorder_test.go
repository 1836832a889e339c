package media

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// speak puts a tone on a channel as a stream of packets, the clock moved along with them.
func speak(r *Recorder, c *clock, channel int, codec Codec, frequency float64, ssrc, ts uint32, frames int) {
	pcm, data := make([]int16, FrameSamples), make([]byte, FrameSamples)
	for i := range frames {
		Tone(frequency, -10, 0).Fill(pcm, i*FrameSamples)
		codec.Encode(data, pcm)
		c.advance(FrameTime)
		r.write(channel, codec, data, ssrc, ts+uint32(i*FrameSamples), c.now())
	}
}

func readRecording(t *testing.T, path string) WAV {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	wav, err := ReadWAV(file)
	require.NoError(t, err)
	require.Len(t, wav.Channels, 2)
	require.Equal(t, SampleRate, wav.Rate)
	return wav
}

func section(pcm []int16, from, to time.Duration) []int16 {
	return pcm[timeSamples(from):timeSamples(to)]
}

func TestRecorderPlacesAudio(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "a.wav")
	r, err := NewRecorder(path, RecorderOptions{Now: c.now})
	require.NoError(t, err)
	c.advance(500 * time.Millisecond)
	speak(r, c, 0, PCMA, 440, 1, 4_294_967_000, 50) // 0.5 s to 1.5 s, its timestamps wrap
	speak(r, c, 1, PCMU, 1000, 2, 77, 50)           // 1.5 s to 2.5 s
	c.advance(time.Second)
	speak(r, c, 0, PCMA, 700, 3, 5, 25) // another stream at 3.5 s
	rec, err := r.Close()
	require.NoError(t, err)
	require.Equal(t, 4*time.Second, rec.Duration)
	require.Zero(t, rec.Dropped)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	require.Equal(t, hex.EncodeToString(sum[:]), rec.SHA256)
	require.EqualValues(t, len(data), rec.Size)
	again, err := r.Close()
	require.NoError(t, err)
	require.Equal(t, rec, again)

	wav := readRecording(t, path)
	ms := time.Millisecond
	require.Less(t, RMS(section(wav.Channels[0], 0, 490*ms)), 0.001)
	require.InDelta(t, 0.316, Goertzel(section(wav.Channels[0], 500*ms, 1500*ms), SampleRate, 440), 0.01)
	require.Less(t, RMS(section(wav.Channels[0], 1510*ms, 3490*ms)), 0.001)
	require.InDelta(t, 0.316, Goertzel(section(wav.Channels[0], 3500*ms, 4000*ms), SampleRate, 700), 0.01)
	require.InDelta(t, 0.316, Goertzel(section(wav.Channels[1], 1500*ms, 2500*ms), SampleRate, 1000), 0.01)
	require.Less(t, RMS(section(wav.Channels[1], 0, 1490*ms)), 0.001)
}

func TestRecorderOrdersLateAndDoublePackets(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "a.wav")
	r, err := NewRecorder(path, RecorderOptions{Now: c.now})
	require.NoError(t, err)
	loud := make([]byte, FrameSamples)
	for i := range loud {
		loud[i] = 0xAA // full scale
	}
	c.advance(FrameTime)
	r.write(0, PCMA, loud, 1, 0, c.now())
	c.advance(2 * FrameTime)
	r.write(0, PCMA, loud, 1, 2*FrameSamples, c.now())
	r.write(0, PCMA, loud, 1, FrameSamples, c.now()) // came late
	r.write(0, PCMA, loud, 1, FrameSamples, c.now()) // and twice
	// Timestamps that leap by an hour are placed by arrival.
	c.advance(FrameTime)
	r.write(0, PCMA, loud, 1, 3600*SampleRate, c.now())
	c.advance(20 * FrameTime)
	rec, err := r.Close()
	require.NoError(t, err)
	require.Equal(t, 24*FrameTime, rec.Duration)
	wav := readRecording(t, path)
	for i, s := range wav.Channels[0] {
		want := 0
		if i < 4*FrameSamples {
			want = 32256
		}
		require.InDelta(t, want, s, 8, "sample %d", i)
	}
}

func TestRecorderEndsByItself(t *testing.T) {
	c := newClock()
	r, err := NewRecorder(filepath.Join(t.TempDir(), "a.wav"), RecorderOptions{Now: c.now, Max: time.Second})
	require.NoError(t, err)
	speak(r, c, 0, PCMA, 440, 1, 0, 100)
	rec, err := r.Close()
	require.NoError(t, err)
	require.Equal(t, time.Second, rec.Duration)
	require.EqualValues(t, SampleRate, rec.Dropped)
}

// The file is read while the recorder still holds it open, as it would be found after a kill.
func TestRecordingIsReadableWhileOpen(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "a.wav")
	r, err := NewRecorder(path, RecorderOptions{Now: c.now})
	require.NoError(t, err)
	require.Empty(t, readRecording(t, path).Channels[0], "an empty file is a file")
	speak(r, c, 0, PCMA, 440, 1, 0, 200)
	eventually(t, "flushed by its own goroutine", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() > recordingHeaderSize
	})
	eventually(t, "header", func() bool { return len(readRecording(t, path).Channels[0]) > 0 })
	wav := readRecording(t, path)
	require.InDelta(t, 4, float64(len(wav.Channels[0]))/SampleRate, 0.001)
	require.InDelta(t, 0.316, Goertzel(wav.Channels[0], SampleRate, 440), 0.01)

	// What was appended after the last header was written is found by Repair; half a sample is cut off.
	killed := filepath.Join(t.TempDir(), "killed.wav")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	data = append(data, make([]byte, 2*SampleRate+1)...)
	require.NoError(t, os.WriteFile(killed, data, 0o600))
	rec, err := Repair(killed, nil)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, rec.Duration)
	require.Len(t, readRecording(t, killed).Channels[1], timeSamples(rec.Duration))
	same, err := Repair(killed, nil)
	require.NoError(t, err)
	require.Equal(t, rec, same)
	_, err = r.Close()
	require.NoError(t, err)

	for name, content := range map[string][]byte{"empty": nil, "cut": data[:20]} {
		short := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(short, content, 0o600))
		rec, err := Repair(short, nil)
		require.NoError(t, err)
		require.Zero(t, rec.Duration)
		require.Empty(t, readRecording(t, short).Channels[0])
	}
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(other, []byte("a letter, and not a recording of a call; longer than a header is"), 0o600))
	_, err = Repair(other, nil)
	require.ErrorIs(t, err, ErrBadWAV)
	_, err = Repair(filepath.Join(t.TempDir(), "absent"), nil)
	require.Error(t, err)
}

// recordEnv makes the test binary a process that records a tone to the named file until it is killed.
const recordEnv = "HOTLINE_TEST_RECORD"

func recordForEver(path string) error {
	r, err := NewRecorder(path, RecorderOptions{})
	if err != nil {
		return err
	}
	pcm, data := make([]int16, FrameSamples), make([]byte, FrameSamples)
	ticker := time.NewTicker(FrameTime)
	defer ticker.Stop()
	for i := 0; ; i++ {
		<-ticker.C
		Tone(440, -10, 0).Fill(pcm, i*FrameSamples)
		PCMA.Encode(data, pcm)
		r.write(i%2, PCMA, data, uint32(i%2), uint32(i*FrameSamples), time.Now())
	}
}

func TestRecordingSurvivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "killed.wav")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), recordEnv+"="+path)
	require.NoError(t, cmd.Start())
	defer func() { require.Error(t, cmd.Wait()) }()
	eventually(t, "two flushes", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() > recordingHeaderSize+3*SampleRate
	})
	require.NoError(t, cmd.Process.Kill())
	heard := readRecording(t, path)
	rec, err := Repair(path, nil)
	require.NoError(t, err)
	require.Greater(t, rec.Duration, 1500*time.Millisecond)
	wav := readRecording(t, path)
	require.GreaterOrEqual(t, len(wav.Channels[0]), len(heard.Channels[0]))
	require.Len(t, wav.Channels[0], timeSamples(rec.Duration))
	for _, pcm := range wav.Channels {
		// Every second packet is this channel's, so half of the tone's amplitude.
		require.InDelta(t, 0.158, Goertzel(pcm[SampleRate/2:SampleRate], SampleRate, 440), 0.03)
	}
}

func TestRecorderOnABadDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	_, err := NewRecorder(filepath.Join(t.TempDir(), "absent", "a.wav"), RecorderOptions{})
	require.Error(t, err)
	c := newClock()
	r, err := NewRecorder(path, RecorderOptions{Now: c.now})
	require.NoError(t, err)
	_, err = NewRecorder(path, RecorderOptions{})
	require.ErrorIs(t, err, os.ErrExist, "a recording is never overwritten")
	require.NoError(t, r.file.Close())
	speak(r, c, 0, PCMA, 440, 1, 0, 10)
	_, err = r.Close()
	require.Error(t, err)
	require.Error(t, r.Err())
}

// Two phones with different laws talk through a bridge; each must be heard by the other and in its own channel.
func TestBridgeRecordsEachVoiceInItsChannel(t *testing.T) {
	ports := testPorts(t, PortOptions{})
	path := filepath.Join(t.TempDir(), "call.wav")
	var phones, legs [2]*Leg
	for i, codec := range []Codec{PCMA, PCMU} {
		phone, err := ports.Open(LegOptions{Codecs: []Codec{codec}})
		require.NoError(t, err)
		leg, err := ports.Open(LegOptions{})
		require.NoError(t, err)
		answer, err := leg.Answer(phone.Offer())
		require.NoError(t, err)
		require.NoError(t, phone.Accept(answer))
		phones[i], legs[i] = phone, leg
	}
	r, err := NewRecorder(path, RecorderOptions{})
	require.NoError(t, err)
	bridge := Connect(legs[0], legs[1])
	bridge.Record(r)
	tones := [2]float64{440, 1000}
	heard := [2]chan []int16{make(chan []int16, 1000), make(chan []int16, 1000)}
	for i, phone := range phones {
		phone.Receive(func(pcm []int16) { heard[i] <- append([]int16(nil), pcm...) })
		phone.Play(Tone(tones[i], -10, 0), true)
	}
	for i := range phones {
		var pcm []int16
		for len(pcm) < SampleRate {
			pcm = append(pcm, soon(t, heard[i])...)
		}
		f, level := Dominant(pcm, SampleRate)
		require.InDelta(t, tones[1-i], f, 5)
		require.InDelta(t, 0.316, level, 0.03)
	}
	bridge.Close()
	bridge.Record(nil)
	for _, phone := range phones {
		phone.Close()
	}
	rec, err := r.Close()
	require.NoError(t, err)
	require.Greater(t, rec.Duration, time.Second)
	wav := readRecording(t, path)
	for i, pcm := range wav.Channels {
		f, level := Dominant(section(pcm, 200*time.Millisecond, time.Second), SampleRate)
		require.InDelta(t, tones[i], f, 5)
		require.InDelta(t, 0.316, level, 0.03)
		require.Less(t, Goertzel(section(pcm, 200*time.Millisecond, time.Second), SampleRate, tones[1-i]), 0.01)
	}
}
