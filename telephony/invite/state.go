package invite

// state is where a session is. The application's view is coarser: it sees a
// session as over from the first of acceptedBye, callingCancel, cancelling,
// closing or gone on.
type state uint8

const (
	incoming      state = iota // inbound INVITE without a final response
	accepted                   // our 2xx is sent, its ACK is awaited
	acceptedBye                // as accepted, to be ended once the ACK is here
	calling                    // our INVITE has no response yet
	callingCancel              // as calling, to be cancelled at the first response
	proceeding                 // our INVITE has a provisional response
	cancelling                 // our CANCEL is sent, a final response is awaited
	confirmed                  // the dialog stands
	closing                    // our BYE is sent, its response is awaited
	gone                       // nothing is left
)

// String implements fmt.Stringer.
func (s state) String() string {
	return [...]string{"incoming", "accepted", "accepted_bye", "calling", "calling_cancel",
		"proceeding", "cancelling", "confirmed", "closing", "gone"}[s]
}

// input is what may happen to a session.
type input uint8

const (
	inRing        input = iota // application: provisional response
	inAnswer                   // application: 2xx
	inReject                   // application: refusal
	inHangup                   // application, or the end of its context
	inReoffer                  // application: re-INVITE
	inInfo                     // application: INFO
	inCancelled                // peer's CANCEL; the transaction has sent 487
	inAck                      // peer's ACK to a 2xx of ours
	inBye                      // peer's BYE
	inReinvite                 // peer's re-INVITE
	inRequest                  // any other request within the dialog
	inProvisional              // 1xx to our INVITE
	inSuccess                  // first 2xx to our INVITE; already acknowledged
	inChallenge                // 401 or 407 to our INVITE that we can answer
	inFailure                  // other final response to our INVITE
	inTxFail                   // an INVITE transaction failed: time-out or transport
	inResend                   // 2xx retransmission is due
	inNoAck                    // 64*T1 without ACK
	inExpire                   // ring time, Timer C or the inbound bound ran out
	inCancelWait               // 64*T1 after CANCEL without a final response
	inByeDone                  // our BYE is answered, or timed out
	inDialogLost               // a request within the dialog met 481 or 408
	inReply                    // application's answer to a re-INVITE, or its time ran out
	inReCancelled              // peer cancelled its re-INVITE
	inReSuccess                // 2xx to our re-INVITE
	inReFailure                // any other end of our re-INVITE
	inReofferLate              // our re-INVITE has no final response in time
	inGlare                    // the wait after 491 is over
	inHoldAnswer               // application: 2xx while a reliable response is not acknowledged
	inPrack                    // peer's PRACK
	inPrackResend              // retransmission of a reliable response is due
	inPrackLate                // 64*T1 without PRACK
	inUpdate                   // peer's UPDATE
	inUpdateWish               // application: UPDATE
	inUpdateDone               // our UPDATE is answered, or timed out
	inRefresh                  // a refresh of the session is due
	inSessionOver              // the session timer ran out
	inInterval                 // 422 to our INVITE that we can meet
	inRedirect                 // 3xx to our INVITE that may be followed
	inRefer                    // peer's REFER
	inReferReply               // application's verdict on it, or its time ran out
	inReferWish                // application: REFER
	inReferDone                // our REFER is answered, or no NOTIFY came
	inNotify                   // peer's NOTIFY
	inNotifyWish               // application: NOTIFY
	inNotifyDone               // our NOTIFY is answered
	inKill                     // the endpoint stops at once
	inputs                     // their number
)

// String implements fmt.Stringer.
func (i input) String() string {
	return [...]string{"ring", "answer", "reject", "hangup", "reoffer", "info", "cancelled", "ack",
		"bye", "reinvite", "request", "provisional", "success", "challenge", "failure", "tx_fail",
		"resend", "no_ack", "expire", "cancel_wait", "bye_done", "dialog_lost", "reply", "re_cancelled",
		"re_success", "re_failure", "reoffer_late", "glare", "hold_answer", "prack", "prack_resend",
		"prack_late", "update", "update_wish", "update_done", "refresh", "session_over", "interval",
		"redirect", "refer", "refer_reply", "refer_wish", "refer_done", "notify", "notify_wish", "notify_done", "kill"}[i]
}

// action names the step that goes with a transition.
type action uint8

const (
	actNothing      action = iota
	actState               // refuse the application's wish with ErrState
	actRing                // send the provisional response
	actAnswer              // send the 2xx, start its retransmission
	actReject              // send the refusal, over
	actExpired             // refuse the INVITE with 480, over
	actCancelled           // over by the peer's CANCEL
	actByeEarly            // 200 to the BYE, 487 to the INVITE, over
	actConfirm             // stop retransmission, tell Confirmed
	actConfirmReINV        // the re-INVITE stands for the ACK; then as actReinvite
	actBye                 // 200 to the BYE, over
	actOver                // over for the application, nothing to send yet
	actSendBye             // send BYE, over for the application
	actNoAck               // send BYE because the ACK never came
	actResend              // send the 2xx again
	actProgress            // tell Progress, restart Timer C
	actAnswered            // learn the dialog, tell Answered
	actAuth                // send the INVITE again with credentials
	actFailed              // over with the peer's refusal
	actTxFailed            // over with 408 or 503
	actCancel              // send CANCEL, over for the application
	actExpireCancel        // as actCancel, because time ran out
	actExpireOver          // as actOver, because time ran out
	actSendCancel          // send the CANCEL that was held back
	actByeCrossed          // the 2xx crossed our CANCEL: send BYE
	actDrop                // nothing more to do
	actDropTx              // give the unanswered INVITE transaction up
	actReoffer             // send a re-INVITE
	actSendInfo            // send an INFO
	actReinvite            // take the peer's re-INVITE
	actRequest             // answer OPTIONS, INFO and the rest
	actOK                  // 200 to the request
	actPending             // 491 to the request
	actNoDialog            // 481 to the request
	actBusyTx              // 500 with Retry-After to the request
	actLost                // the peer has no such dialog: BYE, over
	actReply               // send the answer to the peer's re-INVITE
	actReCancelled         // forget the peer's re-INVITE
	actReSuccess           // take the answer to our re-INVITE
	actReFailure           // tell the refusal of our re-INVITE, or try again
	actReofferLate         // give our re-INVITE up
	actGlare               // send our re-INVITE again
	actHoldAnswer          // keep the 2xx until the PRACK
	actPrack               // answer the PRACK
	actPrackResend         // send the reliable response again
	actPrackLate           // refuse the INVITE with 504, over
	actUpdate              // take the peer's UPDATE
	actUpdateWish          // send an UPDATE
	actUpdateDone          // take the answer to our UPDATE
	actRefresh             // send UPDATE or re-INVITE to keep the session
	actSessionOver         // send BYE because nobody refreshed
	actHoldBye             // keep the BYE until the 2xx that it overtook
	actInterval            // send the INVITE again with a longer session interval
	actRedirect            // send the INVITE to where the 3xx says
	actRefer               // take the peer's REFER
	actReferReply          // send the application's verdict on it
	actReferWish           // send a REFER
	actReferDone           // take the answer to our REFER
	actNotify              // take the peer's NOTIFY
	actNotifyWish          // send a NOTIFY
	actNotifyDone          // send the next NOTIFY
	actions
)

type rule struct {
	next state
	do   action
}

// next looks the pair up. What the table does not name changes nothing: a
// request of the peer gets 481 (RFC 3261 section 12.2.2), the application
// ErrState, and late timers and responses are dropped.
func next(s state, in input) rule {
	if r, ok := transitions(s)[in]; ok {
		return r
	}
	switch in {
	case inKill:
		return rule{gone, actDrop}
	case inBye, inReinvite, inRequest, inPrack, inUpdate, inRefer, inNotify:
		return rule{s, actNoDialog}
	case inRing, inAnswer, inHoldAnswer, inReject, inReoffer, inInfo, inUpdateWish,
		inReferWish, inNotifyWish:
		return rule{s, actState}
	default:
		return rule{s, actNothing}
	}
}

// transitions is the state table, one row for each legal pair.
func transitions(s state) map[input]rule {
	switch s {
	case incoming:
		return fromIncoming
	case accepted:
		return fromAccepted
	case acceptedBye:
		return fromAcceptedBye
	case calling:
		return fromCalling
	case callingCancel:
		return fromCallingCancel
	case proceeding:
		return fromProceeding
	case cancelling:
		return fromCancelling
	case confirmed:
		return fromConfirmed
	case closing:
		return fromClosing
	default:
		return nil
	}
}

var fromIncoming = map[input]rule{
	inRing:      {incoming, actRing},
	inAnswer:    {accepted, actAnswer},
	inReject:    {gone, actReject},
	inHangup:    {gone, actReject},
	inCancelled: {gone, actCancelled},
	inBye:       {gone, actByeEarly}, // RFC 3261 section 15.1.2
	inReinvite:  {incoming, actBusyTx},
	inRequest:   {incoming, actRequest},
	inExpire:    {gone, actExpired},
	inTxFail:    {gone, actTxFailed},

	inHoldAnswer:  {incoming, actHoldAnswer}, // RFC 3262 section 3
	inPrack:       {incoming, actPrack},
	inPrackResend: {incoming, actPrackResend},
	inPrackLate:   {gone, actPrackLate},
	inUpdate:      {incoming, actUpdate},
	inUpdateWish:  {incoming, actUpdateWish},
	inUpdateDone:  {incoming, actUpdateDone},
	inReply:       {incoming, actReply}, // to an offer in a PRACK or an UPDATE
	inGlare:       {incoming, actGlare},
}

var fromAccepted = map[input]rule{
	inAck:    {confirmed, actConfirm},
	inBye:    {gone, actBye}, // the ACK is late or lost
	inHangup: {acceptedBye, actOver},
	inResend: {accepted, actResend},
	inNoAck:  {closing, actNoAck}, // RFC 3261 section 13.3.1.4
	// A higher CSeq in the dialog proves that the 2xx arrived (RFC 5407
	// section 3.1.4 allows this when the INVITE had carried the offer).
	inReinvite: {confirmed, actConfirmReINV},
	inRequest:  {accepted, actRequest},
	inTxFail:   {closing, actNoAck},

	inPrack:      {accepted, actPrack}, // the 2xx went before it
	inUpdate:     {accepted, actUpdate},
	inUpdateDone: {accepted, actUpdateDone},
	inReply:      {accepted, actReply},
	inRefer:      {accepted, actRefer}, // it overtook the ACK
	inReferReply: {accepted, actReferReply},
	inNotifyWish: {accepted, actNotifyWish},
	inNotifyDone: {accepted, actNotifyDone},
	inReferWish:  {accepted, actReferWish}, // who answered need not know of the ACK
	inReferDone:  {accepted, actReferDone},
	inNotify:     {accepted, actNotify},
	inUpdateWish: {accepted, actUpdateWish},
	inInfo:       {accepted, actSendInfo},
	inGlare:      {accepted, actGlare},
}

var fromAcceptedBye = map[input]rule{
	inAck:    {closing, actSendBye}, // no BYE before the ACK: RFC 3261 section 15
	inNoAck:  {closing, actSendBye},
	inTxFail: {closing, actSendBye},
	inResend: {acceptedBye, actResend},
	inBye:    {gone, actOK},
}

var fromCalling = map[input]rule{
	inBye:         {calling, actHoldBye}, // only the callee of an answered call sends one (RFC 3261 section 15): its 2xx is on the way
	inProvisional: {proceeding, actProgress},
	inSuccess:     {confirmed, actAnswered},
	inChallenge:   {calling, actAuth},
	inFailure:     {gone, actFailed},
	inTxFail:      {gone, actTxFailed},
	inHangup:      {callingCancel, actOver}, // RFC 3261 section 9.1: no CANCEL before a response
	inExpire:      {callingCancel, actExpireOver},
	inInterval:    {calling, actInterval}, // RFC 4028 section 7.3
	inRedirect:    {calling, actRedirect},
}

var fromCallingCancel = map[input]rule{
	inBye:         {callingCancel, actHoldBye},
	inProvisional: {cancelling, actSendCancel},
	inSuccess:     {closing, actByeCrossed},
	inChallenge:   {gone, actDrop},
	inInterval:    {gone, actDrop},
	inRedirect:    {gone, actDrop},
	inFailure:     {gone, actDrop},
	inTxFail:      {gone, actDrop},
}

var fromProceeding = map[input]rule{
	inBye:         {proceeding, actHoldBye},
	inProvisional: {proceeding, actProgress},
	inSuccess:     {confirmed, actAnswered},
	inChallenge:   {calling, actAuth},
	inFailure:     {gone, actFailed},
	inTxFail:      {gone, actTxFailed},
	inHangup:      {cancelling, actCancel},
	inExpire:      {cancelling, actExpireCancel},
	inReinvite:    {proceeding, actPending},
	inRequest:     {proceeding, actRequest},
	inInterval:    {calling, actInterval},
	inRedirect:    {calling, actRedirect},
	inUpdate:      {proceeding, actUpdate},
	inUpdateWish:  {proceeding, actUpdateWish},
	inUpdateDone:  {proceeding, actUpdateDone},
	inReply:       {proceeding, actReply},
	inGlare:       {proceeding, actGlare},
}

var fromCancelling = map[input]rule{
	inBye:        {cancelling, actHoldBye},
	inSuccess:    {closing, actByeCrossed},
	inChallenge:  {gone, actDrop},
	inInterval:   {gone, actDrop},
	inRedirect:   {gone, actDrop},
	inFailure:    {gone, actDrop},
	inTxFail:     {gone, actDrop},
	inCancelWait: {gone, actDropTx},
}

var fromConfirmed = map[input]rule{
	inBye:        {gone, actBye},
	inHangup:     {closing, actSendBye},
	inReoffer:    {confirmed, actReoffer},
	inInfo:       {confirmed, actSendInfo},
	inReinvite:   {confirmed, actReinvite},
	inRequest:    {confirmed, actRequest},
	inAck:        {confirmed, actConfirm},
	inResend:     {confirmed, actResend},
	inNoAck:      {closing, actNoAck},
	inDialogLost: {closing, actLost},

	inReply:       {confirmed, actReply},
	inReCancelled: {confirmed, actReCancelled},
	inReSuccess:   {confirmed, actReSuccess},
	inReFailure:   {confirmed, actReFailure},
	inReofferLate: {confirmed, actReofferLate},
	inGlare:       {confirmed, actGlare},

	inPrack:       {confirmed, actPrack}, // it was slower than ACK
	inUpdate:      {confirmed, actUpdate},
	inUpdateWish:  {confirmed, actUpdateWish},
	inUpdateDone:  {confirmed, actUpdateDone},
	inRefresh:     {confirmed, actRefresh},
	inSessionOver: {closing, actSessionOver}, // RFC 4028 section 10
	inRefer:       {confirmed, actRefer},
	inReferReply:  {confirmed, actReferReply},
	inReferWish:   {confirmed, actReferWish},
	inReferDone:   {confirmed, actReferDone},
	inNotify:      {confirmed, actNotify},
	inNotifyWish:  {confirmed, actNotifyWish},
	inNotifyDone:  {confirmed, actNotifyDone},
}

var fromClosing = map[input]rule{
	inBye:     {gone, actOK}, // both hang up at once; the other side may not answer ours any more
	inByeDone: {gone, actDrop},
}
