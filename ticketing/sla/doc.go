// Package sla says when things are due. A clock is a pure function of a
// ticket's events, a policy and a calendar, and carries its own derivation.
//
// What always holds here:
//
//   - Nothing reads the time of day: the same events, policy and calendar give
//     the same clocks, to the millisecond, for ever.
//   - Working time is counted on the calendar's schedule in Asia/Shanghai, with
//     holidays, make-up workdays (调休) and the lunch break.
//   - Only events move a clock; a return never stops the resolve clock.
package sla
