// Package ivr holds the flows that lead a caller to a queue, as data: a flow is
// a set of named steps, and each step says what is played, which keys lead
// where, and what happens in the end.
//
// What always holds here:
//
//   - A flow that [Parse] or [Flow.Validate] accepts has no step that leads
//     nowhere and no circle without a key press in it, so that a walk comes to
//     an end whatever the caller does.
//   - Errors name the line and the column, and say what to write.
//   - A walk does nothing itself: what is heard and pressed goes through
//     a [Host], so that the same flow runs in a call and in a test.
package ivr
