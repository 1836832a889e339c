// Package ticketing is the work order: its states, actions, people and
// departments, and the service that moves tickets through their life.
//
// What always holds here:
//
//   - It imports the standard library and the ledger only. Stores, clocks and routing come in
//     through the interfaces it declares.
//   - Every legal move is a row of [Transitions]; applying a move is pure.
//   - A change of a ticket, its events, its outbox rows, its deadlines and its
//     live events are written in one transaction with a version check.
//   - A ticket's clocks can be derived again from its events.
//   - Who did it, who saw a citizen, and who was refused is in the ledger, in the
//     same transaction; whoever is outside a sealed partition finds nothing of it.
//   - What roles may do is a row of [Rights].
//   - A citizen's name and phone leave the package unmasked only to the store
//     and through [Service.Reveal] and [Service.NumberToCall], which record who
//     looked and why.
//   - Who was erased is gone from tickets, histories and the ledger's words; what is
//     held as evidence is neither erased nor ever too old.
//   - What is asked for, owed or known beside a state is a [Record] with who, when,
//     why, until when, and its decision.
package ticketing
