// Package routing finds the department in charge of a ticket by the dispatch
// catalogue (派单目录).
//
// What always holds here:
//
//   - The answer is a pure function of the ticket and one version of the city's
//     reference data, and carries its reason.
//   - The nearest entry counts: the district before the city, the category
//     before its family.
//   - Where the catalogue says nothing, the dispatch desk decides; nothing is
//     guessed.
package routing
