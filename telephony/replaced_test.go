package telephony_test

import (
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"

	"hotline/telephony"
	"hotline/telephony/media"
	"hotline/telephony/phone"
)

// toneDevice is what a device says that took a call over.
const toneDevice = 1250

// takeOver lets a phone take the place of a call, and waits until it is heard.
func takeOver(r *rig, by *phone.Phone, of, other *phone.Call, opts phone.DialOptions) *phone.Call {
	r.t.Helper()
	opts.Replaces = of
	c, err := by.DialWith(r.t.Context(), "8001", opts)
	require.NoError(r.t, err)
	require.NoError(r.t, c.WaitAnswered(r.ctx()))
	c.Play(media.Tone(toneDevice, -10, 0), false)
	require.NoError(r.t, other.WaitTone(r.ctx(), toneDevice))
	r.done(of)
	return c
}

// An operator goes on with a caller on another of the seat's devices, over another transport, and then comes back; the seat stays taken.
func TestASeatGoesOnWithAnotherDevice(t *testing.T) {
	r := everyTransport(t)
	citizen, desk, id := talk(r)
	browser, _ := r.seat("8001", func(o *phone.Options) { o.Network, o.WebRTC = "wss", true })
	there := takeOver(r, browser, desk, citizen, phone.DialOptions{})
	require.NoError(t, there.WaitTone(r.ctx(), toneCaller))
	require.Equal(t, 1, r.center.Counts().SeatsBusy)
	mobile, _ := r.seat("8001")
	back := takeOver(r, mobile, there, citizen, phone.DialOptions{})
	r.holdAndResume(back, citizen, toneDevice)
	back.Hangup()
	r.done(citizen)
	cdr := r.endedCall()
	require.Equal(t, id, cdr.ID)
	require.Equal(t, telephony.CauseHangup, cdr.Cause)
	require.Equal(t, telephony.PartySeat, cdr.EndedBy)
	require.Len(t, cdr.Legs, 4)
	require.Len(t, cdr.Transfers, 2)
	require.Equal(t, telephony.TransferReplaced, cdr.Transfers[0].Kind)
	require.Equal(t, telephony.OutcomeAnswered, cdr.Transfers[0].Outcome)
	r.awaitClean()
}

// A citizen's network may move its side too, and the citizen may hang up there.
func TestATrunkMovesItsLeg(t *testing.T) {
	r := newRig(t)
	citizen, seat, _ := talk(r)
	moved := takeOver(r, r.phone(phone.Options{}), citizen, seat, phone.DialOptions{})
	moved.Hangup()
	r.done(seat)
	cdr := r.endedCall()
	require.Equal(t, telephony.PartyCaller, cdr.EndedBy)
	r.awaitClean()
}

// Nobody takes a call over but the party itself, and only one that is there.
func TestNobodyElseTakesACallOver(t *testing.T) {
	r := newRig(t, severalTrunks)
	citizen, desk, _ := talk(r)
	other, _ := r.seat("8002")
	refused := func(code int, p *phone.Phone, opts phone.DialOptions) {
		t.Helper()
		c, err := p.DialWith(t.Context(), "8001", opts)
		require.NoError(t, err)
		r.done(c)
		require.Equal(t, code, c.Cause().Code)
	}
	refused(403, other, phone.DialOptions{Replaces: desk})
	refused(403, r.phone(phone.Options{}), phone.DialOptions{Replaces: desk})
	refused(401, r.phone(phone.Options{}), phone.DialOptions{Replaces: desk, From: "8001"})
	refused(403, r.phone(phone.Options{Listen: "127.0.0.2:0"}), phone.DialOptions{Replaces: citizen})
	refused(481, other, phone.DialOptions{Headers: []sip.Header{sip.NewHeader("Replaces", "x;to-tag=1;from-tag=2")}})
	refused(400, other, phone.DialOptions{Headers: []sip.Header{sip.NewHeader("Replaces", "x")}})
	require.NoError(t, citizen.WaitTone(r.ctx(), toneSeat))
	citizen.Hangup()
	r.done(desk)
	require.Empty(t, r.endedCall().Transfers)
	r.awaitClean()
}
