package telephony_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

const toneThird = 2000.0

// talk connects a citizen with seat 8001, each playing its tone.
func talk(r *rig) (citizen, seat *phone.Call, id string) {
	r.t.Helper()
	_, calls := r.seat("8001")
	citizen = r.dial(r.phone(phone.Options{}))
	require.NoError(r.t, citizen.SendDigits(r.ctx(), "0"))
	seat = r.next(calls)
	require.NoError(r.t, seat.Answer())
	r.hearEachOther(citizen, seat)
	return citizen, seat, r.center.Live()[0].ID
}

// hears waits until all of the tones are heard at once and none of the others.
func (r *rig) hears(c *phone.Call, want ...float64) {
	r.t.Helper()
	r.await("tones", func() bool {
		for _, f := range []float64{toneCaller, toneSeat, toneThird, toneMusic} {
			heard, wanted := c.Hears(f), false
			for _, w := range want {
				wanted = wanted || w == f
			}
			if (wanted && heard < 0.015) || (!wanted && heard > 0.004) {
				return false
			}
		}
		return true
	})
}

func TestThreeWayCall(t *testing.T) {
	r := newRig(t)
	citizen, seat, id := talk(r)
	_, department := r.seat("8002")
	party, err := r.center.AddParty(t.Context(), id, "8002", "agent1")
	require.NoError(t, err)
	third := r.next(department)
	require.Equal(t, "8001", third.Remote())
	r.await("ringing noted", func() bool { return !r.center.Live()[0].Parties[0].RingingAt.IsZero() })
	r.hears(citizen, toneSeat) // the two talk on while it rings
	require.NoError(t, third.Answer())
	third.Play(media.Tone(toneThird, -10, 0), false)
	r.hears(citizen, toneSeat, toneThird)
	r.hears(seat, toneCaller, toneThird)
	r.hears(third, toneCaller, toneSeat)
	require.NoError(t, citizen.SendDigits(r.ctx(), "7"))
	require.Equal(t, '7', (<-third.Digits()).Rune)

	// Held, the citizen hears music and the two others talk about the case.
	require.NoError(t, r.center.Hold(t.Context(), id, "agent1"))
	r.hears(citizen, toneMusic)
	r.hears(seat, toneThird)
	r.hears(third, toneSeat)
	require.NoError(t, r.center.Resume(t.Context(), id, "agent1"))
	r.hears(third, toneCaller, toneSeat)
	time.Sleep(300 * time.Millisecond) // something to record

	require.NoError(t, r.center.DropParty(t.Context(), id, party, "agent1"))
	r.done(third)
	r.hears(citizen, toneSeat)
	r.hears(seat, toneCaller)
	require.ErrorIs(t, r.center.DropParty(t.Context(), id, party, "agent1"), telephony.ErrNotFound)
	r.await("seat 8002 is free", func() bool { return r.center.Agents()[1].State == acd.StateReady })
	seat.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	require.Len(t, cdr.Legs, 3)
	require.Len(t, cdr.Parties, 1)
	p := cdr.Parties[0]
	require.Equal(t, telephony.Added{
		ID: party, Number: "8002", Seat: "8002", User: "agent1", CalledAt: p.CalledAt, RingingAt: p.RingingAt, JoinedAt: p.JoinedAt, LeftAt: p.LeftAt,
		DroppedBy: "agent1", Cause: telephony.CauseHangup,
	}, p)
	times := []time.Time{cdr.BridgedAt, p.CalledAt, p.RingingAt, p.JoinedAt, p.LeftAt, cdr.EndedAt}
	for i := 1; i < len(times); i++ {
		require.False(t, times[i].Before(times[i-1]), "time %d: %v", i, times)
	}
	r.awaitClean()
	checkConferenceRecording(t, r, id)
	events, err := r.center.CallEvents(t.Context(), id)
	require.NoError(t, err)
	folded, err := telephony.Fold(id, events)
	require.NoError(t, err)
	require.Equal(t, cdr.Parties, folded.Parties)
}

// checkConferenceRecording: the citizen alone on the left; on the right the seat, and for a while the third party too.
func checkConferenceRecording(t *testing.T, r *rig, id string) {
	t.Helper()
	body, _, err := r.center.Recording(t.Context(), id)
	require.NoError(t, err)
	defer body.Close()
	wav, err := media.ReadWAV(body)
	require.NoError(t, err)
	loudest := func(channel int, tone float64) float64 { return loudest(wav.Channels[channel], tone) }
	require.Greater(t, loudest(0, toneCaller), 0.05)
	require.Less(t, loudest(0, toneSeat), 0.02)
	require.Less(t, loudest(0, toneThird), 0.02)
	require.Greater(t, loudest(1, toneSeat), 0.05)
	require.Greater(t, loudest(1, toneThird), 0.05)
	require.Less(t, loudest(1, toneCaller), 0.02)
}

// loudest is the greatest level that a tone has in a tenth of a second or two.
func loudest(pcm []int16, tone float64) (level float64) {
	for at := 0; at+1600 <= len(pcm); at += 800 {
		level = max(level, media.Goertzel(pcm[at:at+1600], media.SampleRate, tone))
	}
	return level
}

// Parties that refuse, that nobody can reach, that leave by themselves, and a call that ends under them.
func TestPartiesComeAndGo(t *testing.T) {
	department, outside := outsidePhone(t, phone.Options{User: "02512345678"})
	r := newRig(t, func(c *telephony.Config) { c.Gateway = department.Addr().String() })
	citizen, seat, id := talk(r)
	add := func(number string) (string, *phone.Call) {
		party, err := r.center.AddParty(t.Context(), id, number, "agent1")
		require.NoError(t, err)
		return party, r.next(outside)
	}
	allLeft := func() {
		t.Helper()
		r.await("the party's leaving is on record", func() bool {
			c, err := r.center.Call(t.Context(), id)
			return err == nil && !slices.ContainsFunc(c.Parties, func(p telephony.Added) bool { return p.LeftAt.IsZero() })
		})
	}
	_, err := r.center.AddParty(t.Context(), "none", "02512345678", "agent1")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	_, err = r.center.AddParty(t.Context(), id, "8001", "agent1")
	require.ErrorIs(t, err, telephony.ErrConflict, "the seat is in this very call")
	_, err = r.center.AddParty(t.Context(), id, "8004", "agent1")
	require.ErrorIs(t, err, telephony.ErrNotFound, "no phone")

	_, refuses := add("02512345678")
	refuses.Reject(486)
	r.done(refuses)
	allLeft()
	dropped, rings := add("02512345679")
	require.NoError(t, r.center.DropParty(t.Context(), id, dropped, "agent1"))
	r.done(rings)
	allLeft()
	_, leaves := add("02512345678")
	require.NoError(t, leaves.Answer())
	leaves.Play(media.Tone(toneThird, -10, 0), false)
	r.hears(citizen, toneSeat, toneThird)
	leaves.Hangup()
	r.hears(citizen, toneSeat)
	r.hears(seat, toneCaller)
	allLeft()
	_, stays := add("02512345678")
	_, err = r.center.AddParty(t.Context(), id, "02512345678", "agent1")
	require.ErrorIs(t, err, telephony.ErrConflict, "the same wish, sent twice")
	_, alsoRings := add("02512345679")
	require.NoError(t, stays.Answer())
	stays.Play(media.Tone(toneThird, -10, 0), false)
	r.hears(seat, toneCaller, toneThird)
	citizen.Hangup()
	r.done(stays)
	r.done(alsoRings)
	r.done(seat)
	cdr := r.endedCall()
	require.Len(t, cdr.Parties, 5)
	for i, want := range []string{telephony.CauseRejected, telephony.CauseNoAnswer, telephony.CauseHangup, telephony.CauseHangup, telephony.CauseNoAnswer} {
		p := cdr.Parties[i]
		require.False(t, p.LeftAt.IsZero())
		require.Equal(t, i == 2 || i == 3, !p.JoinedAt.IsZero(), "party %d", i)
		if i != 1 && i != 4 {
			require.Equal(t, want, p.Cause, "party %d", i)
		}
	}
	require.Equal(t, "agent1", cdr.Parties[1].DroppedBy)
	r.awaitClean()
}
