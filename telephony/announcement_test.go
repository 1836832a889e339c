package telephony_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/phone"
	"hotline/telephony/prompts"
)

// A line's announcement is heard from the next call on, for its time, before the flow or in its place, and in the next process too.
func TestALineAnnounces(t *testing.T) {
	r := newRig(t, func(c *telephony.Config) {
		c.Lines = []telephony.Line{{Number: "12345"}, {Number: "12315"}}
		c.Prompts = prompts.Over(fstest.MapFS{
			"welcome.wav": spoken(t, toneWelcome), "festivals/spring.wav": spoken(t, toneNext), "flood.wav": spoken(t, toneThird),
		})
	})
	put := func(a telephony.Announcement) telephony.Announcement {
		t.Helper()
		a.Line, a.By = "12345", "lead1"
		a, err := r.center.Announce(t.Context(), a)
		require.NoError(t, err)
		return a
	}
	hears := func(tones ...float64) *phone.Call {
		t.Helper()
		c := r.dial(r.phone(phone.Options{}))
		for _, tone := range tones {
			require.NoError(t, c.WaitTone(r.ctx(), tone))
		}
		return c
	}
	a := put(telephony.Announcement{Say: []string{"festivals/spring"}})
	require.False(t, a.From.IsZero())
	hears(toneNext, toneWelcome).Hangup()
	r.endedCall()
	put(telephony.Announcement{Say: []string{"flood"}, Ends: true})
	r.done(hears(toneThird))
	require.Equal(t, telephony.CauseFlow, r.endedCall().Cause)

	require.NoError(t, r.center.Stop(t.Context()))
	r.start()
	require.Len(t, r.center.Announcements(), 1)
	r.done(hears(toneThird))
	r.endedCall()
	put(telephony.Announcement{Say: []string{"flood"}, From: time.Now().Add(time.Hour)})
	hears(toneWelcome).Hangup()
	r.endedCall()
	put(telephony.Announcement{Say: []string{"flood"}, Until: time.Now().Add(time.Hour)})
	require.NoError(t, r.center.TakeOff(t.Context(), "12345", "lead1"))
	require.Empty(t, r.center.Announcements())
	require.ErrorIs(t, r.center.TakeOff(t.Context(), "12345", "lead1"), telephony.ErrNotFound)
	hears(toneWelcome).Hangup()
	r.endedCall()
	r.awaitClean()
	for name, bad := range map[string]telephony.Announcement{
		"nothing said": {Line: "12345"},
		"no prompt":    {Line: "12345", Say: []string{"none"}},
		"no name":      {Line: "12345", Say: []string{"../welcome"}},
		"over":         {Line: "12345", Say: []string{"flood"}, Until: time.Now().Add(-time.Hour)},
		"backwards":    {Line: "12345", Say: []string{"flood"}, From: time.Now().Add(2 * time.Hour), Until: time.Now().Add(time.Hour)},
	} {
		_, err := r.center.Announce(t.Context(), bad)
		require.ErrorIs(t, err, telephony.ErrInvalid, name)
	}
	_, err := r.center.Announce(t.Context(), telephony.Announcement{Line: "999", Say: []string{"flood"}})
	require.ErrorIs(t, err, telephony.ErrNotFound)
}
