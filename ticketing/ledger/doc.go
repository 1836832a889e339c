// Package ledger is the record of who did and saw what: entries in one chain
// that shows every later change.
//
// What always holds here:
//
//   - An entry says who, in which capacity, when, from where, what, on what, with
//     which result and why.
//   - Every entry's hash is an HMAC over the hash before it, its place and all its
//     columns. Whoever has the database and not the key cannot make one.
//   - What may name a citizen (reason and data) enters the hash as a salted digest:
//     it can be erased with its salt, and the chain stays whole. An erasure is an
//     entry itself; text that is missing without one is found.
//   - Anchors, written outside the database, tell whether the newest entries were
//     cut off.
//   - The package is pure: reading and writing are the store's.
package ledger
