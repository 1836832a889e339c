// Package sla derives a ticket's clocks: pure functions of its events, a
// versioned policy and a versioned calendar.
//
// What always holds here:
//
//   - The same events, policy and calendar give the same clocks, to the
//     millisecond, and the whole derivation in words.
//   - The resolve clock starts with the first dispatch; a return does not stop
//     it, a suspension pauses it alone, an extension moves it, a reopening
//     begins it anew.
//   - Working time is half-open: what is used up exactly when counting ends is
//     due then. The day of the start never counts in the nth-day convention.
//   - A level's clock ends with the whole's at the latest.
package sla
