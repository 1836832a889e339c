// Package telephony is the call centre: lines, prompts, queue, seats, bridges,
// recordings, call records and the figures made from them.
//
// A [Center] owns SIP (telephony/invite), sound (telephony/media) and the
// queue (telephony/acd, a pure state machine). It knows nothing of tickets:
// what has to happen when a call is offered, answered, ended or missed is
// asked of a [Handler]; what has to be kept goes into a [Store] and [Blobs].
//
// Invariants:
//   - One goroutine owns a call from its INVITE to its record. Hanging up
//     cancels the call's context; when the goroutine is gone, so are its
//     legs, ports, playbacks, recorder and its place in the queue.
//   - The Handler hears of an offer before the seat's phone rings.
//   - A call record is the fold of the call's events ([Fold]); events are
//     append-only, and recomputing figures from them gives the same values.
//   - A call that ended before a seat answered leaves a missed-call record.
//   - A recording is on disk, readable, while the call runs; it leaves the
//     spool only after the blob store has it.
//   - Everything that a peer can make grow is bounded.
//   - Of several nodes ([Cluster]) each has the calls that came to it, and alone
//     carries out the decisions on them; their queue machines run the same events
//     in the order of an [EventLog]. What a node holds and the others do not know,
//     it says again.
package telephony
