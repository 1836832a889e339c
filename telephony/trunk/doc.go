// Package trunk holds what a way to the public network has to decide, without
// a socket or a clock: the form of numbers and the rules that rewrite them,
// who calls according to the headers of an INVITE, whether a gateway is up,
// and in which order gateways are tried.
//
// Invariants:
//   - Nothing here blocks, reads a clock or keeps what a peer sent; times and
//     random numbers come from the caller.
//   - [National] is idempotent, and undoes [E164].
//   - An identity that nobody vouched for is never made up: a caller without
//     a number has none.
//   - A gateway that is down comes back only after as many successes in a row
//     as its thresholds ask for.
package trunk
