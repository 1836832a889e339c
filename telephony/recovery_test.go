package telephony_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// What a killed process leaves is put in order at the next start: the call is
// closed with its cause, the recording made whole and moved.
func TestRepairAfterCrash(t *testing.T) {
	r := prepareRig(t)
	started := time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)
	for _, id := range []string{"talked", "waited"} {
		events := []telephony.Event{
			{At: started, CallID: id, Type: telephony.EvStarted, Data: []byte(`{"direction":"inbound","caller":"13800138000","line":"12345"}`)},
			{At: started.Add(time.Second), CallID: id, Type: telephony.EvQueued, Data: []byte(`{"queue":"default"}`)},
		}
		if id == "talked" {
			events = append(events,
				telephony.Event{At: started.Add(2 * time.Second), CallID: id, Seat: "8001", User: "agent1", Type: telephony.EvSeat},
				telephony.Event{At: started.Add(2 * time.Second), CallID: id, Seat: "8001", User: "agent1", Type: telephony.EvBridged})
		}
		cdr := telephony.NewCDR(id)
		require.NoError(t, cdr.Apply(events[0]))
		require.NoError(t, r.store.SaveCall(t.Context(), cdr, nil))
		require.NoError(t, r.store.AppendEvents(t.Context(), events))
	}
	// A recording of 0.5 s whose header still says that it is empty.
	require.NoError(t, os.MkdirAll(r.cfg.SpoolDir, 0o750))
	path := filepath.Join(r.cfg.SpoolDir, "talked.wav")
	rec, err := media.NewRecorder(path, media.RecorderOptions{})
	require.NoError(t, err)
	_, err = rec.Close()
	require.NoError(t, err)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.Write(make([]byte, 8000))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(filepath.Join(r.cfg.SpoolDir, "junk.wav"), []byte("no recording"), 0o600))

	r.start()
	ended := map[string]telephony.CDR{}
	for range 2 {
		c := r.endedCall()
		ended[c.ID] = c
	}
	talked, waited := ended["talked"], ended["waited"]
	require.Equal(t, telephony.CauseCrash, talked.Cause)
	require.Equal(t, telephony.PartySystem, talked.EndedBy)
	require.Equal(t, "8001", talked.Seat)
	require.False(t, talked.Missed)
	require.False(t, talked.EndedAt.Before(talked.BridgedAt.Add(490*time.Millisecond)), "as long as its recording")
	require.True(t, waited.Missed)
	require.Equal(t, started.Add(time.Second), waited.EndedAt, "the last that is known")
	require.Len(t, r.events.missedSeen(), 1)
	r.await("recording moved", func() bool { return r.center.Counts().Spooled == 0 })
	body, info, err := r.center.Recording(t.Context(), "talked")
	require.NoError(t, err)
	require.Equal(t, telephony.RecordingStored, info.State)
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(wav.Channels[0]), 4000)
	open, err := r.store.OpenCalls(t.Context(), "", 10)
	require.NoError(t, err)
	require.Empty(t, open)
	require.FileExists(t, filepath.Join(r.cfg.SpoolDir, "junk.wav"), "what is not understood is not deleted")
	require.NoFileExists(t, path)
}

// A blob store that is away costs nothing but time.
func TestRecordingWaitsForTheBlobStore(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001")
	r.blobs.setFail(true)
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	at := r.next(calls)
	require.NoError(t, at.Answer())
	r.awaitTalking()
	_, _, err := r.center.Recording(t.Context(), r.center.Live()[0].ID)
	require.ErrorIs(t, err, telephony.ErrConflict)
	c.Hangup()
	id := r.endedCall().ID
	r.await("call gone", func() bool { return r.center.Counts().Calls == 0 })
	require.Equal(t, 1, r.center.Counts().Spooled)
	body, info, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err, "it is heard from the spool")
	require.Equal(t, telephony.RecordingSpooled, info.State)
	require.NoError(t, body.Close())
	r.blobs.setFail(false)
	r.awaitClean()
	_, info, err = r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, telephony.RecordingStored, info.State)
}

// lines collects log lines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A missing prompt is told at start-up, and a tone is heard in its place.
func TestMissingPromptIsAToneAndAWarning(t *testing.T) {
	r := prepareRig(t)
	set := toneSet()
	delete(set, "welcome.wav")
	set["music.wav"] = &fstest.MapFile{Data: []byte("not sound")}
	r.cfg.Prompts = set
	log := &lines{}
	center, err := telephony.New(r.cfg, r.store, r.events, r.blobs, telephony.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	require.Contains(t, log.String(), "welcome.wav")
	require.Contains(t, log.String(), "music.wav")
	require.NotContains(t, log.String(), "busy.wav")
	require.NoError(t, center.Start(t.Context()))
	r.center = center
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.NoError(t, center.Stop(ctx))
	})
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.WaitTone(r.ctx(), 660))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	require.NoError(t, c.WaitTone(r.ctx(), 440))
	c.Hangup()
	r.endedCall()
	r.awaitClean()
	require.NotContains(t, log.String(), "13800138000", "numbers are masked in logs")
	require.Contains(t, log.String(), "138****8000")
}

// The shipped prompts are all there.
func TestShippedPromptsLoad(t *testing.T) {
	r := prepareRig(t)
	r.cfg.Prompts = nil
	log := &lines{}
	_, err := telephony.New(r.cfg, r.store, r.events, r.blobs, telephony.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	require.Empty(t, log.String())
}

// Start-up errors say what is wrong and what to do.
func TestStartUpErrors(t *testing.T) {
	taken, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, tc := range map[string]struct {
		change func(*telephony.Config)
		want   string
	}{
		"no spool":       {func(c *telephony.Config) { c.SpoolDir = "" }, "spool directory"},
		"spool is file":  {func(c *telephony.Config) { c.SpoolDir = filepath.Join(file, "x") }, "give a folder that can be written"},
		"bad listen":     {func(c *telephony.Config) { c.Listen = []string{"quic://127.0.0.1:5060"} }, "use udp, tcp, tls, ws or wss"},
		"no address":     {func(c *telephony.Config) { c.Listen = []string{"somewhere"} }, "want IP:port"},
		"ports":          {func(c *telephony.Config) { c.RTPLow, c.RTPHigh = 70000, 70010 }, "RTP ports"},
		"public ip":      {func(c *telephony.Config) { c.PublicIP = "here" }, "public IP"},
		"unknown queue":  {func(c *telephony.Config) { c.Lines = []telephony.Line{{Number: "1", Queue: "x"}} }, "no queue"},
		"twice a queue":  {func(c *telephony.Config) { c.Queues = []telephony.QueueConfig{{Name: "a"}, {Name: "a"}} }, "names must be given and differ"},
		"twice a number": {func(c *telephony.Config) { c.Lines = []telephony.Line{{Number: "1"}, {Number: "1"}} }, "numbers must be given and differ"},
		"port in use":    {func(c *telephony.Config) { c.Listen = []string{"udp://" + taken.LocalAddr().String()} }, taken.LocalAddr().(*net.UDPAddr).AddrPort().String()},
	} {
		t.Run(name, func(t *testing.T) {
			r := prepareRig(t)
			tc.change(&r.cfg)
			c, err := telephony.New(r.cfg, r.store, r.events, r.blobs, telephony.Options{})
			if err == nil {
				err = c.Start(t.Context())
				require.NoError(t, c.Stop(t.Context()))
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}
