// Package acd is the automatic call distribution of the call centre as a pure
// state machine: events in, decisions out, each with its reason.
//
// A [Machine] has no clock, no goroutine and no I/O. Every event carries its
// time; [Machine.Deadline] says when the next [Tick] is due. The same events
// give the same decisions, so a day can be replayed.
//
// Invariants:
//   - A caller who arrived is waiting, ringing or talking until it left.
//   - A seat is offered at most one caller, a caller to at most one seat.
//   - Callers of a queue are served in the order of arrival; one whose offer
//     came to nothing keeps the place.
//   - A seat of several queues goes to the caller who has waited longest.
//   - A caller goes to the available seat that has been idle longest.
//   - The person's status is apart from the device: a seat is available only
//     when its person is ready, its phone is registered and it has no call.
package acd
