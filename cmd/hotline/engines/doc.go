// Package engines opens what a node stands on, by URL: store, queue, search and
// blobs. It is the one place that knows which engines there are.
//
// What always holds here:
//
//   - Open returns everything or nothing: what was opened before a failure is
//     closed again.
//   - Tickets and calls share one database and one group-committing writer.
//   - Recordings are sealed with the keys of the citizens who are heard in them.
//   - Who was erased is noted outside the database before the key is destroyed.
package engines
