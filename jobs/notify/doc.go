// Package notify tells other systems what happened to a ticket.
//
// What always holds here:
//
//   - A message carries no citizen's name, phone or text; who may see more asks
//     the API with rights of its own.
//   - A message has one stable id. It is delivered at least once; a receiver that
//     must not act twice keeps the ids that it has seen.
//   - A sender tries once and reports failure; trying again is its caller's.
package notify
