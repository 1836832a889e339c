// Package sqlstore keeps tickets on SQLite and on PostgreSQL, with one set of
// statements for both.
//
// What always holds here:
//
//   - SQLite has one writing connection. Callers that come together share a
//     transaction, each inside a savepoint of its own: one that fails rolls back
//     alone, and nobody is answered before the commit is on the disk.
//   - Readers never write: SQLite's have query_only, PostgreSQL's are read-only.
//   - Nothing waits for the network or the disk of others inside a write.
//   - Times are epoch milliseconds in BIGINT; 0 or NULL is "not yet".
//   - Whoever listens by [Store.Subscribe] is woken after the commit, never before.
//   - The ledger is append-only by triggers. On SQLite entries are chained with the
//     group's commit; on PostgreSQL they wait for one node at a time to chain them.
//   - Tickets of sealed partitions are in a table of their own.
//   - No name and no number of a citizen is stored in the clear: each person has a
//     key, wrapped by a master key; numbers are found by a keyed hash, one person
//     each. Texts of sealed partitions, and what is half written, are sealed too.
//   - A key that was destroyed seals nothing new: a write that found it in memory
//     is refused by the database and done again with another.
//   - Migrations are only ever appended, and both dialects have the same tables and columns.
package sqlstore
