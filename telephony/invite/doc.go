// Package invite gives INVITE sessions (RFC 3261 section 13) over the parser,
// transports and transactions of emiago/sipgo.
//
// A Session is one leg of a call. It is owned by one goroutine that reads one
// mailbox, and every step it takes is a row of one state table (state.go).
// sipgo hands each message over in a goroutine of its own, so ACK and BYE or
// INVITE and CANCEL may arrive in either order; the table has a row for both.
//
// What always holds:
//
//   - Each 2xx to an INVITE of ours is acknowledged, also when it crosses a
//     CANCEL, comes from a second fork or arrives after the call is over; a
//     dialog that nobody wants any more is ended with a BYE.
//   - Each server transaction gets a final response.
//   - When Session.Done is closed the caller owes the session nothing; what
//     the protocol still owes the peer (a BYE's answer, an ACK that is awaited)
//     is finished in the background within 64*T1 and counted in Stats.
//   - Nothing that comes from the network is unbounded: sessions, queued
//     messages, message size, connections and known UDP peers have limits.
//   - A peer that connected to us is answered and called over its own
//     connection, TCP, TLS, WS or WSS (RFC 5626, RFC 7118); when that is gone
//     the request fails at once, and no address that a peer named is dialled
//     in its place. sipgo never dials and never shakes hands.
//   - An offer has one answer: while one is open the peer's next gets 491 or 500,
//     and a 2xx waits until a reliable response with a description is
//     acknowledged (RFC 3262, RFC 3311, RFC 6337).
//   - A dialog whose session timer runs out is ended (RFC 4028).
//   - Consumers never block a session: events are queued, and Ended is always
//     the last of them.
package invite
