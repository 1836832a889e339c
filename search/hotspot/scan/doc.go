// Package scan finds places about which more came of late than they and the days account
// for: a space-time permutation scan (Kulldorff et al. 2005), which needs no population.
//
// Circles around places, over the last days, are compared with what is expected when a
// report's day says nothing of its place. How improbable the most striking circle is comes
// from doing the same to reports whose days are shuffled, so that the many circles that are
// looked at are paid for.
//
// What always holds here:
//
//   - It imports the standard library alone, and the same counts and seed give the same answer.
//   - Without an outbreak a probability p or less comes with a probability of p at most.
package scan
