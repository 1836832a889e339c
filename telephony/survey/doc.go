// Package survey is a questionnaire as data, the interview that asks it, and
// the sums of a campaign: whom to call again, how many to call at a time.
//
// It has no clock, no goroutine and no I/O.
//
// What always holds:
//   - An [Interview] ends: a skip leads forward, never back.
//   - An answer that is kept is one that its question allows. What was asked and
//     what was skipped can be told from the answers and the questionnaire alone.
//   - A quota counts finished interviews; once it is full, an interview that falls
//     into it ends at the question that shows so.
//   - A [Pacer] dares more calls than there are free seats only while nearly
//     everybody who picks up finds an operator.
package survey
