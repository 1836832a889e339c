// Package drill holds the raced and fuzzed exchanges against a running call
// centre: callers and seats that misbehave, through a network that loses,
// delays, reorders, repeats, cuts off and damages datagrams. It has tests only.
//
// What always holds, whatever was sent and lost:
//
//   - Afterwards there is no leg, port, transaction, goroutine, recording in
//     the spool or taken seat, and each call has one record with an end.
//   - HOTLINE_DRILL_SEED repeats the random choices of a run, HOTLINE_DRILL_RACES
//     is the number of exchanges.
package drill
