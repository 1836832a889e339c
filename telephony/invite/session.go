package invite

import (
	"context"
	"net/netip"

	"github.com/emiago/sipgo/sip"
)

// Session is one leg of a call.
type Session struct{}

// ID is unique within the process.
func (s *Session) ID() string { return "" }

// CallID is the SIP Call-ID.
func (s *Session) CallID() string { return "" }

// Direction tells who called.
func (s *Session) Direction() Direction { return Inbound }

// Request is the INVITE of an inbound session; nil for outbound. Read only.
func (s *Session) Request() *sip.Request { return nil }

// Source is the address the inbound INVITE came from; the destination of an outbound one.
func (s *Session) Source() netip.AddrPort { return netip.AddrPort{} }

// Transport is "udp" or "tcp".
func (s *Session) Transport() string { return "" }

// RemoteSDP is the newest session description of the peer, nil without one.
func (s *Session) RemoteSDP() []byte { return nil }

// Ring sends a provisional response, 101 to 199; sdp may be nil.
func (s *Session) Ring(code int, sdp []byte) error { return ErrState }

// Answer sends 200 and returns when it is sent; Confirmed follows on the ACK.
func (s *Session) Answer(sdp []byte) error { return ErrState }

// Reject refuses an inbound call with a final response, 300 to 699.
func (s *Session) Reject(code int, reason string, headers ...sip.Header) error { return ErrState }

// Reoffer sends a re-INVITE and returns the peer's answer. A refusal is a
// *StatusError and leaves the session as it was; glare is retried as RFC 3261
// section 14.1 says until ctx ends.
func (s *Session) Reoffer(ctx context.Context, sdp []byte) ([]byte, error) { return nil, ErrState }

// Hangup ends the session whatever its state: CANCEL, BYE or refusal. It is
// idempotent, never blocks, and the session is over for the application when
// Done is closed.
func (s *Session) Hangup(cause Cause) {}

// Info sends an INFO request within the dialog.
func (s *Session) Info(ctx context.Context, contentType string, body []byte) error { return ErrState }

// Events gives what happens, in order; it is closed after Ended.
func (s *Session) Events() <-chan Event { return nil }

// Done is closed when the session is over for the application.
func (s *Session) Done() <-chan struct{} { return nil }

// Cause tells why the session ended; zero before that.
func (s *Session) Cause() Cause { return Cause{} }

// Context is cancelled when the session is over.
func (s *Session) Context() context.Context { return context.Background() }
