package invite

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// Direction tells who sent the first INVITE.
type Direction uint8

// Directions.
const (
	Inbound Direction = iota
	Outbound
)

// String implements fmt.Stringer.
func (d Direction) String() string {
	if d == Inbound {
		return "inbound"
	}
	return "outbound"
}

// Side tells who ended a session.
type Side uint8

// Sides.
const (
	Local  Side = iota // the application
	Remote             // the peer
	System             // a timer, a transport or the endpoint's stop
)

// String implements fmt.Stringer.
func (s Side) String() string {
	switch s {
	case Local:
		return "local"
	case Remote:
		return "remote"
	default:
		return "system"
	}
}

// Cause tells why a session ended.
type Cause struct {
	By     Side
	Code   int    // SIP status; 0 or 200 for a hang-up after answer, 487 for a cancelled call
	Reason string // short English text
	// RetryAfter is for how long the peer that refused wishes to be left alone
	// (RFC 3261 section 20.33); 0 when it did not say.
	RetryAfter time.Duration
	At         time.Time
}

// Event is one of Progress, Acknowledged, Answered, Confirmed, Reoffered,
// Refreshed, Info, Referred, Notified, Ended.
type Event interface{ event() }

// Progress is a provisional response above 100 to an outbound call.
type Progress struct {
	Code int
	SDP  []byte // nil when the response had none
	Fork string // names the early dialog; a proxy may make several of one call
}

// Acknowledged is the PRACK to a reliable provisional response of ours; SDP is
// the answer that it carried when the INVITE had no offer and ours was in that
// response, else nil.
type Acknowledged struct {
	Code int
	SDP  []byte
}

// Answered is the 2xx to an outbound call; its ACK has been sent.
type Answered struct{ SDP []byte }

// Confirmed is the ACK to our 2xx; SDP is the answer that it carried when the
// INVITE had no offer and ours was in the 2xx, else nil. The ACK of a
// re-INVITE is told only when it carries such an answer.
type Confirmed struct{ SDP []byte }

// Reoffered is an offer of the peer in a re-INVITE, UPDATE or PRACK. Reply must be called once: code 200
// with the SDP answer, or a refusal (488) with nil. SDP is nil when the peer
// asks for our offer (the reply's SDP is then the offer).
type Reoffered struct {
	SDP    []byte
	Method string // INVITE, UPDATE or PRACK
	Reply  func(sdp []byte, code int)
}

// Refreshed tells that the peer answered a refresh of the session timer with
// another description than before.
type Refreshed struct{ SDP []byte }

// Info is an INFO request within the dialog; it was answered with 200.
type Info struct {
	ContentType string
	Body        []byte
}

// Referred is a REFER of the peer: it asks that the other party of this call
// be connected with To. Reply must be called once: 202 accepts, after which
// Session.Notify tells how it goes, up to a final status; 300 to 699 refuses.
type Referred struct {
	To       sip.Uri   // without headers
	Replaces *Replaces // the dialog that the new call is to take over; nil for a blind transfer
	Reply    func(code int)
}

// Notified tells how a transfer goes that we asked for; Code is the status of
// the new call, 0 when the peer named none.
type Notified struct {
	Code   int
	Reason string
	Final  bool
}

// Ended is always the last event; the channel is closed after it.
type Ended struct{ Cause Cause }

func (Progress) event()     {}
func (Answered) event()     {}
func (Acknowledged) event() {}
func (Confirmed) event()    {}
func (Refreshed) event()    {}
func (Reoffered) event()    {}
func (Referred) event()     {}
func (Notified) event()     {}
func (Info) event()         {}
func (Ended) event()        {}
