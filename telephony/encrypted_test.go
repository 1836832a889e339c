package telephony_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/vault"
)

// With a key, neither the spool nor the blob store ever holds sound that can be heard; whoever may listen hears it.
func TestEncryptedRecording(t *testing.T) {
	keys, err := vault.ParseKeys(strings.Repeat("5c", 32))
	require.NoError(t, err)
	r := newRig(t, func(c *telephony.Config) { c.RecordingKeys = keys })
	citizen, _, id := talk(r)
	path := filepath.Join(r.cfg.SpoolDir, id+".wav")
	began := time.Now()
	r.await("a second of the talk", func() bool { return time.Since(began) > time.Second })
	spooled, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(spooled), "WAVE")
	citizen.Hangup()
	cdr := r.endedCall()
	r.awaitClean()
	require.Equal(t, keys.Name(), cdr.Recording.Key)
	for name, blob := range r.blobs.files {
		require.NotContains(t, string(blob), "WAVE", name)
	}
	body, info, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, telephony.RecordingStored, info.State)
	whole, err := io.ReadAll(body)
	require.NoError(t, err)
	sum := sha256.Sum256(whole)
	require.Equal(t, hex.EncodeToString(sum[:]), info.SHA256)
	require.EqualValues(t, len(whole), info.Size)
	_, err = body.Seek(0, io.SeekStart)
	require.NoError(t, err)
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	half := len(wav.Channels[0]) / 2
	require.Greater(t, media.Goertzel(wav.Channels[0][half:half+1600], media.SampleRate, toneCaller), 0.1)
	require.Greater(t, media.Goertzel(wav.Channels[1][half:half+1600], media.SampleRate, toneSeat), 0.1)
	require.NoError(t, body.Close())
}

// What a killed process leaves encrypted is made whole with the key, and left alone without it.
func TestRepairOfAnEncryptedRecording(t *testing.T) {
	keys, err := vault.ParseKeys(strings.Repeat("5c", 32))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		keys  *vault.Keys
		moved bool
	}{"with the key": {keys, true}, "without": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			r := prepareRig(t)
			r.cfg.RecordingKeys = c.keys
			require.NoError(t, os.MkdirAll(r.cfg.SpoolDir, 0o750))
			path := filepath.Join(r.cfg.SpoolDir, "talked.wav")
			f, err := keys.Create(path)
			require.NoError(t, err)
			rec, err := media.NewRecorder(filepath.Join(t.TempDir(), "x.wav"), media.RecorderOptions{})
			require.NoError(t, err)
			whole, err := rec.Close()
			require.NoError(t, err)
			header, err := os.ReadFile(whole.Path)
			require.NoError(t, err)
			_, err = f.WriteAt(append(header[:58], make([]byte, 16000)...), 0) // a second that the header does not know of
			require.NoError(t, err)
			require.NoError(t, f.Close())
			r.start()
			r.await("moved, or not", func() bool { return r.center.Counts().Spooled == 0 })
			_, err = os.Stat(path)
			require.Equal(t, c.moved, os.IsNotExist(err))
		})
	}
}
