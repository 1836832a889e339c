// Package simulate makes daily counts with outbreaks that are known, and says how
// good the alerts of any way of warning are on them.
//
// What always holds here:
//
//   - The same random numbers make the same counts.
//   - An outbreak is found when there is an alert on one of its days; an alert on a
//     day of none is false, also on the day after one.
package simulate
