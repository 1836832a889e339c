package telephony_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/acd"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// A phone that registered over TCP is called back over the same connection.
func TestSeatOverTCP(t *testing.T) {
	r := newRig(t)
	_, calls := r.seat("8001", func(o *phone.Options) { o.Network = "tcp" })
	c := r.dial(r.phone(phone.Options{}))
	require.NoError(t, c.SendDigits(r.ctx(), "0"))
	at := r.next(calls)
	require.Equal(t, "tcp", at.Session().Transport())
	require.NoError(t, at.Answer())
	at.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	c.Hangup()
	r.done(at)
	r.endedCall()
	r.awaitClean()
}

// A seat calls another seat from its phone.
func TestSeatCallsSeat(t *testing.T) {
	r := newRig(t)
	a, _ := r.seat("8001")
	_, calls := r.seat("8002")
	c, err := a.Dial(t.Context(), "8002")
	require.NoError(t, err)
	at := r.next(calls)
	require.Equal(t, "8001", at.Remote())
	require.NoError(t, at.Answer())
	require.NoError(t, c.WaitAnswered(r.ctx()))
	c.Play(media.Tone(toneCaller, -10, 0), false)
	at.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, c.WaitTone(r.ctx(), toneSeat))
	require.NoError(t, at.WaitTone(r.ctx(), toneCaller))
	for _, s := range r.center.Agents()[:2] {
		require.Equal(t, acd.StateTalking, s.State, "no call is offered to %s meanwhile", s.Seat)
	}
	at.Hangup()
	r.done(c)
	cdr := r.endedCall()
	require.Equal(t, telephony.Internal, cdr.Direction)
	require.False(t, cdr.Missed)
	require.False(t, cdr.BridgedAt.IsZero())
	r.awaitClean()
	require.Equal(t, acd.StateReady, r.center.Agents()[0].State)
	require.Equal(t, acd.StateReady, r.center.Agents()[1].State)
}

func TestSeatCallsNobody(t *testing.T) {
	r := newRig(t)
	a, _ := r.seat("8001")
	for _, number := range []string{"8004", "13800138000", "12345"} { // no phone, no gateway
		c, err := a.Dial(t.Context(), number)
		require.NoError(t, err)
		r.done(c)
		require.Equal(t, 404, c.Cause().Code, number)
	}
	_, calls := r.seat("8003")
	c, err := a.Dial(t.Context(), "8003")
	require.NoError(t, err)
	r.next(calls).Reject(603)
	r.done(c)
	require.Equal(t, 603, c.Cause().Code)
	cdr := r.endedCall()
	require.Equal(t, telephony.CauseRejected, cdr.Cause)
	r.awaitClean()
}

// Click to dial: the seat's phone rings first, then the citizen's.
func TestDialThroughTheGateway(t *testing.T) {
	citizen, citizenCalls := outsidePhone(t, phone.Options{User: "13800138000"})
	r := newRig(t, func(c *telephony.Config) { c.Gateway = citizen.Addr().String() })
	_, calls := r.seat("8001")
	_, err := r.center.Dial(t.Context(), "agent2", "8001", "13800138000")
	require.ErrorIs(t, err, telephony.ErrConflict)
	_, err = r.center.Dial(t.Context(), "agent4", "8004", "13800138000")
	require.ErrorIs(t, err, telephony.ErrNotFound)
	id, err := r.center.Dial(t.Context(), "agent1", "", "+8613800138000")
	require.NoError(t, err)
	at := r.next(calls)
	require.NoError(t, at.Answer())
	require.NoError(t, at.WaitTone(r.ctx(), 450), "ringing is heard")
	there := r.next(citizenCalls)
	require.Equal(t, "12345", there.Remote(), "the citizen sees the line")
	require.NoError(t, there.Answer())
	there.Play(media.Tone(toneCaller, -10, 0), false)
	at.Play(media.Tone(toneSeat, -10, 0), false)
	require.NoError(t, at.WaitTone(r.ctx(), toneCaller))
	require.NoError(t, there.WaitTone(r.ctx(), toneSeat))
	there.Hangup()
	r.done(at)
	cdr := r.endedCall()
	require.Equal(t, id, cdr.ID)
	require.Equal(t, telephony.Outbound, cdr.Direction)
	require.Equal(t, "agent1", cdr.User)
	require.Equal(t, telephony.PartyCaller, cdr.EndedBy)
	r.awaitClean()
}

// Figures come from the call log, and each kind of call counts where it should.
func TestStats(t *testing.T) {
	r := prepareRig(t)
	base := time.Date(2026, 3, 2, 9, 59, 50, 0, time.UTC)
	type ev = telephony.Event
	call := func(id string, start time.Duration, events ...ev) {
		list := append([]ev{{Type: telephony.EvStarted, Data: []byte(`{"direction":"inbound","line":"12345"}`)}}, events...)
		for i := range list {
			list[i].CallID = id
			list[i].At = base.Add(start).Add(time.Duration(list[i].ID) * time.Millisecond) // ID holds the offset
		}
		cdr, err := telephony.Fold(id, list)
		require.NoError(t, err)
		require.NoError(t, r.store.SaveCall(t.Context(), cdr, nil))
		require.NoError(t, r.store.AppendEvents(t.Context(), list))
	}
	queued := func(ms int64) ev {
		return ev{ID: ms, Type: telephony.EvQueued, Data: []byte(`{"queue":"default"}`)}
	}
	offer := func(ms int64, seat string) ev { return ev{ID: ms, Type: telephony.EvOffered, Seat: seat} }
	rings := func(ms int64, seat string) ev { return ev{ID: ms, Type: telephony.EvRinging, Seat: seat} }
	ends := func(ms int64, cause string) ev {
		return ev{ID: ms, Type: telephony.EvEnded, Data: []byte(`{"by":"caller","cause":"` + cause + `"}`)}
	}
	call("quick", 0, queued(1000), offer(1000, "8001"), rings(1100, "8001"), ev{ID: 4100, Type: telephony.EvSeat, Seat: "8001"},
		ev{ID: 4100, Type: telephony.EvBridged}, ev{ID: 10000, Type: telephony.EvHeld}, ev{ID: 14000, Type: telephony.EvResumed},
		ev{ID: 20000, Type: telephony.EvTransfer, Data: []byte(`{"transfer":{"kind":"blind"}}`)},
		ev{ID: 25000, Type: telephony.EvTransferEnded, Data: []byte(`{"transfer":{"kind":"blind","outcome":"answered","ended_at":"2026-11-22T09:00:25Z"}}`)},
		ev{ID: 30000, Type: telephony.EvPartyCalled, Data: []byte(`{"party_id":"1"}`)}, ev{ID: 31000, Type: telephony.EvPartyJoined, Data: []byte(`{"party_id":"1"}`)},
		ev{ID: 64100, Type: telephony.EvTalkEnded}, ev{ID: 70000, Type: telephony.EvRated, Data: []byte(`{"rating":4}`)}, ends(72000, "hangup"))
	call("slow", 15*time.Second, queued(0), offer(0, "8001"), rings(0, "8001"),
		ev{ID: 15000, Type: telephony.EvOfferEnded, Seat: "8001", Data: []byte(`{"outcome":"no_answer"}`)},
		offer(15000, "8002"), rings(15000, "8002"), ev{ID: 21000, Type: telephony.EvSeat, Seat: "8002"},
		ev{ID: 21000, Type: telephony.EvBridged}, ends(51000, "hangup"))
	call("impatient", 20*time.Second, queued(500), ends(2500, "abandoned"))
	call("in the menu", 21*time.Second, ends(3000, "abandoned"))
	call("sent away", 22*time.Second, queued(0), ends(9000, "queue_full"))
	call("before", -time.Hour, queued(0), ends(9000, "abandoned"))
	r.start()
	st, err := r.center.Stats(t.Context(), base, base.Add(time.Hour), telephony.StatsOptions{Within: 21 * time.Second})
	require.NoError(t, err)
	require.Equal(t, telephony.CallFigures{
		Calls: 5, Queued: 4, Offered: 2, Answered: 2, Abandoned: 1, ShortAbandon: 1, Within15: 1, WithinX: 2, Missed: 3, Rings: 3, NoAnswers: 1,
		WaitTotal: 24100 * time.Millisecond, WaitLongest: 21 * time.Second, TalkTotal: 90 * time.Second, Ringing: 24 * time.Second,
		Holds: 1, HoldTotal: 4 * time.Second, Transfers: 1, ThreeWay: 1, Rated: 1, RatedWell: 1, RatingTotal: 4,
	}, st.Total)
	require.InDelta(t, 1.0/3, st.Total.ServiceLevelNet(), 1e-9)
	require.InDelta(t, 0.5, st.Total.ServiceLevelX(), 1e-9)
	require.InDelta(t, 1, st.Total.Satisfied(), 1e-9)
	require.InDelta(t, 0.5, st.Total.ConnectRate(), 1e-9)
	require.InDelta(t, 0.25, st.Total.ServiceLevel15(), 1e-9)
	require.Equal(t, 12050*time.Millisecond, st.Total.ASA())
	require.Equal(t, 45*time.Second, st.Total.AverageTalk())
	require.Equal(t, st.Total, st.Lines["12345"])
	require.Equal(t, 4, st.Queues["default"].Calls)
	require.Equal(t, 2, st.Seats["8001"].Rings)
	require.Equal(t, 1, st.Seats["8001"].NoAnswers)
	require.Equal(t, 1, st.Seats["8001"].Answered)
	require.Equal(t, 6*time.Second, st.Seats["8002"].Ringing)
	require.Len(t, st.Hours, 2)
	require.Equal(t, 1, st.Hours[0].Calls)
	_, err = r.center.Stats(t.Context(), base, base, telephony.StatsOptions{})
	require.ErrorIs(t, err, telephony.ErrInvalid)
}
