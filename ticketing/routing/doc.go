// Package routing finds the department in charge of a ticket by the dispatch
// catalogue (派单目录).
//
// What always holds here:
//
//   - The answer is a pure function of the ticket and one version of the city's
//     reference data, and carries its reason.
//   - A sealed line goes before a ruling on the matter, a ruling before a rule, a
//     rule before the catalogue's entries; of those the nearest counts: the
//     district before the city, the category before its family.
//   - Where nothing is said, or two departments are, the dispatch desk decides,
//     with the candidates; nothing is guessed. So it does with what was returned.
package routing
