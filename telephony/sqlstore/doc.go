// Package sqlstore is the store of the call centre on SQLite and PostgreSQL.
//
// Invariants:
//   - Times are UTC epoch milliseconds in BIGINT columns on both.
//   - One SQL text serves both dialects; the migrations are apart.
//   - The record of a call is one JSON document beside the columns that are
//     searched; the two are written together.
//   - Events are only ever appended.
//   - With [Options.Numbers] citizens' numbers are kept as pseudonyms; what stands for
//     an erased person is read as an empty number. Numbers that are not called stay.
//   - It migrates its own tables, on record in telephony_migrations.
package sqlstore
