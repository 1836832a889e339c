package invite

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The whole table, so that no row changes unnoticed.
func TestStateTable(t *testing.T) {
	rows := []struct {
		from state
		in   input
		to   state
		do   action
	}{
		{incoming, inRing, incoming, actRing},
		{incoming, inAnswer, accepted, actAnswer},
		{incoming, inReject, gone, actReject},
		{incoming, inHangup, gone, actReject},
		{incoming, inCancelled, gone, actCancelled},
		{incoming, inBye, gone, actByeEarly},
		{incoming, inReinvite, incoming, actBusyTx},
		{incoming, inRequest, incoming, actRequest},
		{incoming, inExpire, gone, actExpired},
		{incoming, inTxFail, gone, actTxFailed},
		{incoming, inHoldAnswer, incoming, actHoldAnswer},
		{incoming, inPrack, incoming, actPrack},
		{incoming, inPrackResend, incoming, actPrackResend},
		{incoming, inPrackLate, gone, actPrackLate},
		{incoming, inUpdate, incoming, actUpdate},
		{incoming, inUpdateWish, incoming, actUpdateWish},
		{incoming, inUpdateDone, incoming, actUpdateDone},
		{incoming, inReply, incoming, actReply},
		{incoming, inGlare, incoming, actGlare},

		{accepted, inAck, confirmed, actConfirm},
		{accepted, inBye, gone, actBye},
		{accepted, inHangup, acceptedBye, actOver},
		{accepted, inResend, accepted, actResend},
		{accepted, inNoAck, closing, actNoAck},
		{accepted, inReinvite, confirmed, actConfirmReINV},
		{accepted, inRequest, accepted, actRequest},
		{accepted, inTxFail, closing, actNoAck},
		{accepted, inPrack, accepted, actPrack},
		{accepted, inUpdate, accepted, actUpdate},
		{accepted, inUpdateDone, accepted, actUpdateDone},
		{accepted, inReply, accepted, actReply},
		{accepted, inRefer, accepted, actRefer},
		{accepted, inReferReply, accepted, actReferReply},
		{accepted, inNotifyWish, accepted, actNotifyWish},
		{accepted, inNotifyDone, accepted, actNotifyDone},
		{accepted, inReferWish, accepted, actReferWish},
		{accepted, inReferDone, accepted, actReferDone},
		{accepted, inNotify, accepted, actNotify},
		{accepted, inUpdateWish, accepted, actUpdateWish},
		{accepted, inInfo, accepted, actSendInfo},
		{accepted, inGlare, accepted, actGlare},

		{acceptedBye, inAck, closing, actSendBye},
		{acceptedBye, inNoAck, closing, actSendBye},
		{acceptedBye, inTxFail, closing, actSendBye},
		{acceptedBye, inResend, acceptedBye, actResend},
		{acceptedBye, inBye, gone, actOK},

		{calling, inBye, calling, actHoldBye},
		{calling, inProvisional, proceeding, actProgress},
		{calling, inSuccess, confirmed, actAnswered},
		{calling, inChallenge, calling, actAuth},
		{calling, inFailure, gone, actFailed},
		{calling, inTxFail, gone, actTxFailed},
		{calling, inHangup, callingCancel, actOver},
		{calling, inExpire, callingCancel, actExpireOver},
		{calling, inInterval, calling, actInterval},
		{calling, inRedirect, calling, actRedirect},

		{callingCancel, inBye, callingCancel, actHoldBye},
		{callingCancel, inProvisional, cancelling, actSendCancel},
		{callingCancel, inSuccess, closing, actByeCrossed},
		{callingCancel, inChallenge, gone, actDrop},
		{callingCancel, inFailure, gone, actDrop},
		{callingCancel, inInterval, gone, actDrop},
		{callingCancel, inRedirect, gone, actDrop},
		{callingCancel, inTxFail, gone, actDrop},

		{proceeding, inBye, proceeding, actHoldBye},
		{proceeding, inProvisional, proceeding, actProgress},
		{proceeding, inSuccess, confirmed, actAnswered},
		{proceeding, inChallenge, calling, actAuth},
		{proceeding, inFailure, gone, actFailed},
		{proceeding, inTxFail, gone, actTxFailed},
		{proceeding, inHangup, cancelling, actCancel},
		{proceeding, inExpire, cancelling, actExpireCancel},
		{proceeding, inReinvite, proceeding, actPending},
		{proceeding, inRequest, proceeding, actRequest},
		{proceeding, inInterval, calling, actInterval},
		{proceeding, inRedirect, calling, actRedirect},
		{proceeding, inUpdate, proceeding, actUpdate},
		{proceeding, inUpdateWish, proceeding, actUpdateWish},
		{proceeding, inUpdateDone, proceeding, actUpdateDone},
		{proceeding, inReply, proceeding, actReply},
		{proceeding, inGlare, proceeding, actGlare},

		{cancelling, inBye, cancelling, actHoldBye},
		{cancelling, inSuccess, closing, actByeCrossed},
		{cancelling, inChallenge, gone, actDrop},
		{cancelling, inFailure, gone, actDrop},
		{cancelling, inInterval, gone, actDrop},
		{cancelling, inRedirect, gone, actDrop},
		{cancelling, inTxFail, gone, actDrop},
		{cancelling, inCancelWait, gone, actDropTx},

		{confirmed, inBye, gone, actBye},
		{confirmed, inHangup, closing, actSendBye},
		{confirmed, inReoffer, confirmed, actReoffer},
		{confirmed, inInfo, confirmed, actSendInfo},
		{confirmed, inReinvite, confirmed, actReinvite},
		{confirmed, inRequest, confirmed, actRequest},
		{confirmed, inAck, confirmed, actConfirm},
		{confirmed, inResend, confirmed, actResend},
		{confirmed, inNoAck, closing, actNoAck},
		{confirmed, inDialogLost, closing, actLost},
		{confirmed, inReply, confirmed, actReply},
		{confirmed, inReCancelled, confirmed, actReCancelled},
		{confirmed, inReSuccess, confirmed, actReSuccess},
		{confirmed, inReFailure, confirmed, actReFailure},
		{confirmed, inReofferLate, confirmed, actReofferLate},
		{confirmed, inGlare, confirmed, actGlare},
		{confirmed, inPrack, confirmed, actPrack},
		{confirmed, inUpdate, confirmed, actUpdate},
		{confirmed, inUpdateWish, confirmed, actUpdateWish},
		{confirmed, inUpdateDone, confirmed, actUpdateDone},
		{confirmed, inRefresh, confirmed, actRefresh},
		{confirmed, inSessionOver, closing, actSessionOver},
		{confirmed, inRefer, confirmed, actRefer},
		{confirmed, inReferReply, confirmed, actReferReply},
		{confirmed, inReferWish, confirmed, actReferWish},
		{confirmed, inReferDone, confirmed, actReferDone},
		{confirmed, inNotify, confirmed, actNotify},
		{confirmed, inNotifyWish, confirmed, actNotifyWish},
		{confirmed, inNotifyDone, confirmed, actNotifyDone},

		{closing, inBye, gone, actOK},
		{closing, inByeDone, gone, actDrop},
	}
	legal := map[state]map[input]rule{}
	for _, r := range rows {
		if legal[r.from] == nil {
			legal[r.from] = map[input]rule{}
		}
		legal[r.from][r.in] = rule{r.to, r.do}
	}
	for s := incoming; s <= gone; s++ {
		for in := input(0); in < inputs; in++ {
			want, ok := legal[s][in]
			if !ok {
				want = rule{s, defaultAction(in)}
				if in == inKill {
					want.next = gone
				}
			}
			require.Equal(t, want, next(s, in), "%s × %s", s, in)
		}
	}
}

// defaultAction is what happens to an input that has no row.
func defaultAction(in input) action {
	switch in {
	case inKill:
		return actDrop
	case inBye, inReinvite, inRequest, inPrack, inUpdate, inRefer, inNotify:
		return actNoDialog
	case inRing, inAnswer, inHoldAnswer, inReject, inReoffer, inInfo, inUpdateWish,
		inReferWish, inNotifyWish:
		return actState
	}
	return actNothing
}

// Whatever happens, a session that is over never comes back, and each state
// has inputs that time alone supplies and that lead to its end.
func TestStateTableEnds(t *testing.T) {
	over := map[state]bool{acceptedBye: true, callingCancel: true, cancelling: true, closing: true, gone: true}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]state{incoming, calling}).Draw(t, "start")
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			r := next(s, input(rapid.IntRange(0, int(inKill)-1).Draw(t, "input")))
			if over[s] && !over[r.next] {
				t.Fatalf("%s came back as %s", s, r.next)
			}
			if s == gone && r.next != gone {
				t.Fatalf("gone became %s", r.next)
			}
			s = r.next
		}
		for _, in := range []input{inHangup, inTxFail, inCancelWait, inNoAck, inByeDone} {
			s = next(s, in).next
		}
		if s != gone {
			t.Fatalf("stuck in %s", s)
		}
	})
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for s := incoming; s <= gone; s++ {
		require.False(t, seen[s.String()])
		seen[s.String()] = true
	}
	for in := input(0); in < inputs; in++ {
		require.NotEmpty(t, in.String())
	}
}
