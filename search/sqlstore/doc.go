// Package sqlstore keeps alerts of the early warning on SQLite and on PostgreSQL, in
// the database of the tickets, with one set of statements for both.
//
// What always holds here:
//
//   - An alert is written only over the version that it was made from.
//   - Migrations are only ever appended, in a table of migrations of their own, and
//     both dialects have the same tables and columns.
//   - Times are epoch milliseconds in BIGINT.
package sqlstore
