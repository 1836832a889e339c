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

// forgets gives a seat's phone up quickly, and makes what the citizen hears then known by its tone.
func forgets(t *testing.T) rigOption {
	return func(c *telephony.Config) {
		c.SeatTimeout, c.MediaTimeout = time.Second, 2*time.Second
		c.Prompts = prompts.Over(fstest.MapFS{"music.wav": spoken(t, toneNext), "seat-lost.wav": spoken(t, toneThird)})
	}
}

// lose lets a seat's phone fall silent, once its reports have told that it is there.
func lose(r *rig, citizen, seat *phone.Call) {
	r.t.Helper()
	r.await("reports in both directions", func() bool { return seat.Stats().Media.Reports > 0 })
	seat.Leg().Close()
	require.NoError(r.t, citizen.WaitTone(r.ctx(), toneNext))
}

// talkTo is talk with a seat that is there.
func talkTo(r *rig, calls <-chan *phone.Call, over ...func(*phone.Options)) (citizen, seat *phone.Call) {
	r.t.Helper()
	opts := phone.Options{}
	for _, o := range over {
		o(&opts)
	}
	citizen = r.dial(r.phone(opts))
	require.NoError(r.t, citizen.SendDigits(r.ctx(), "0"))
	seat = r.next(calls)
	require.NoError(r.t, seat.Answer())
	r.hearEachOther(citizen, seat)
	return citizen, seat
}

// goOn has a seat answer the phone that rings again, and ends the call by it.
func goOn(r *rig, citizen *phone.Call, calls <-chan *phone.Call) telephony.CDR {
	r.t.Helper()
	back := r.next(calls)
	require.NoError(r.t, back.Answer())
	r.hearEachOther(citizen, back)
	back.Hangup()
	r.done(citizen)
	return r.endedCall()
}

// A seat's phone falls silent: the citizen hears music, the phone rings again, and the two go on.
func TestTheSeatTakesTheCallBack(t *testing.T) {
	r := newRig(t, forgets(t))
	_, calls := r.seat("8001")
	citizen, seat := talkTo(r, calls)
	id := r.center.Live()[0].ID
	lose(r, citizen, seat)
	require.Equal(t, "talking", string(r.center.Agents()[0].State), "nobody else is put through to it")
	require.ErrorIs(t, r.center.Transfer(t.Context(), id, number, "agent1"), telephony.ErrConflict)
	require.ErrorIs(t, r.center.AskRating(t.Context(), id, "agent1"), telephony.ErrConflict)
	cdr := goOn(r, citizen, calls)
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.Equal(t, telephony.PartySeat, cdr.EndedBy)
	require.Len(t, cdr.Losses, 1)
	loss := cdr.Losses[0]
	require.True(t, loss.To.After(loss.From))
	loss.From, loss.To = time.Time{}, time.Time{}
	require.Equal(t, telephony.Loss{Seat: "8001", User: "agent1", Cause: telephony.CauseMedia, Back: true}, loss)
	r.seatState("8001", "ready")
	r.awaitClean()
	events, err := r.center.CallEvents(t.Context(), id)
	require.NoError(t, err)
	folded, err := telephony.Fold(id, events)
	require.NoError(t, err)
	require.Equal(t, cdr.Losses, folded.Losses)
}

// It may do so more than once, and it may come back as another phone at another address.
func TestTheSeatComesBackWithAnotherPhone(t *testing.T) {
	r := newRig(t, forgets(t))
	way, cut := cable(t, r.center.Addr("udp").String())
	_, calls := r.seat("8001", func(o *phone.Options) { o.Registrar = way })
	citizen, seat := talkTo(r, calls)
	lose(r, citizen, seat)
	back := r.next(calls)
	require.NoError(t, back.Answer())
	r.hearEachOther(citizen, back)
	r.await("reports of the new leg", func() bool { return back.Stats().Media.Reports > 0 })
	cut()
	back.Leg().Close()
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	_, others := r.seat("8001")
	cdr := goOn(r, citizen, others)
	require.Len(t, cdr.Losses, 2)
	require.True(t, cdr.Losses[1].Back)
	r.seatState("8001", "ready")
	r.awaitClean()
}

// A browser whose page has gone is rung again, over the connection that its next page makes.
func TestABrowserComesBack(t *testing.T) {
	r := everyTransport(t, forgets(t))
	page, calls := r.seat("8001", func(o *phone.Options) { o.Network = "wss" })
	citizen, seat := talkTo(r, calls)
	seat.Leg().Close()
	require.NoError(t, citizen.WaitTone(r.ctx(), toneNext))
	r.next(calls).Reject(480)
	require.NoError(t, page.Unregister(t.Context()))
	_, others := r.seat("8001", func(o *phone.Options) { o.Network = "wss" })
	require.Len(t, goOn(r, citizen, others).Losses, 1)
	r.awaitClean()
}

// A seat that does not come back, or will not: the citizen is told so, and stands among those to be called back.
func TestTheSeatStaysAway(t *testing.T) {
	for name, declines := range map[string]bool{"too late": false, "declined": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, forgets(t), func(c *telephony.Config) {
				if !declines {
					c.SeatReturn = time.Second
				}
			})
			_, calls := r.seat("8001")
			citizen, seat := talkTo(r, calls)
			lose(r, citizen, seat)
			back := r.next(calls)
			if declines {
				back.Reject(603)
			}
			require.NoError(t, citizen.WaitTone(r.ctx(), toneThird))
			r.done(back)
			r.done(citizen)
			cdr := r.endedCall()
			require.Equal(t, telephony.CauseSeatLost, cdr.Cause)
			require.Equal(t, telephony.PartySystem, cdr.EndedBy)
			require.False(t, cdr.Missed, "it was answered")
			require.False(t, cdr.Losses[0].Back)
			require.Equal(t, cdr.EndedAt, cdr.Losses[0].To)
			r.await("the missed call", func() bool { return len(r.events.missedSeen()) == 1 })
			require.Equal(t, cdr.ID, r.events.missedSeen()[0].CallID)
			r.seatState("8001", "ready")
			r.awaitClean()
		})
	}
}

// A citizen who hangs up meanwhile, and a supervisor who takes the call over, end the wait.
func TestTheWaitForASeatEnds(t *testing.T) {
	t.Run("citizen", func(t *testing.T) {
		r := newRig(t, forgets(t))
		_, calls := r.seat("8001")
		citizen, seat := talkTo(r, calls)
		lose(r, citizen, seat)
		back := r.next(calls)
		citizen.Hangup()
		r.done(back)
		require.Equal(t, telephony.PartyCaller, r.endedCall().EndedBy)
		r.seatState("8001", "ready")
		r.awaitClean()
	})
	t.Run("supervisor", func(t *testing.T) {
		r := newRig(t, forgets(t))
		_, calls := r.seat("8001")
		citizen, seat := talkTo(r, calls)
		_, others := r.seat("8003")
		id := r.center.Live()[0].ID
		party, err := r.center.Supervise(r.ctx(), id, "agent3", "", telephony.Monitor)
		require.NoError(t, err)
		lead := r.next(others)
		require.NoError(t, lead.Answer())
		r.await("the supervisor takes part", func() bool { return !r.center.Live()[0].Parties[0].JoinedAt.IsZero() })
		lose(r, citizen, seat)
		back := r.next(calls)
		require.NoError(t, r.center.TakeOver(r.ctx(), id, party))
		r.done(back)
		r.hearEachOther(citizen, lead)
		r.seatState("8001", "ready")
		lead.Hangup()
		r.done(citizen)
		r.endedCall()
		r.awaitClean()
	})
}
