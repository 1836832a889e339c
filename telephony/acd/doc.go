// Package acd is the automatic call distribution of the call centre as a pure
// state machine: events in, decisions out, each with its reason.
//
// A [Machine] has no clock, no goroutine and no I/O. Every event carries its
// time; [Machine.Deadline] says when the next [Tick] is due. The same events
// give the same decisions, so a day can be replayed: see [Encode] and [Replay].
//
// What always holds:
//   - A caller who arrived waits, is offered or talks until it left or was sent
//     away with a reason.
//   - A seat has at most one call: offered, talking or its own.
//   - A caller is offered to one seat at a time; under [RingAll] to several, of
//     which the first that answers has it and all others are withdrawn.
//   - Callers are ranked by the moment of their arrival, less a head start for
//     priority. The rank never changes, whatever queue they overflow to and
//     however many offers come to nothing. A seat goes to the best ranked caller
//     of all its queues for whom it is able. As the head start is bounded, so is
//     the number of later callers that may overtake: nobody starves.
//   - No caller waits while a seat is ready that is able to take it.
//   - The person's status is apart from the device: a seat is available only
//     when its person is ready, its phone is registered and it has no call.
//
// Every event costs time in the logarithm of callers and seats, apart from short
// moves of memory; see BenchmarkDecision.
package acd
