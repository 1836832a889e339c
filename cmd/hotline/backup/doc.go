// Package backup writes a whole installation into one encrypted file while it
// runs, and fills an empty one from it.
//
// A backup is a tar archive inside age encryption (age-encryption.org/v1) under a
// passphrase: manifest, keys, anchors of the ledger, blobs, the tables of the
// database as lines of JSON, and last the sums of all of them.
//
// What always holds here:
//
//   - The database is of one moment. Blobs never change once they are written, and
//     every one that this moment names is in the backup.
//   - A backup that was cut short, changed or opened with another passphrase is
//     refused, and nothing is written.
//   - What is restored has the sums of what was backed up: every table, every blob.
//   - A database is filled in one transaction. It may be of the other dialect: that
//     is how a node on SQLite grows onto PostgreSQL.
//   - The list of the erased goes with it, and is only ever made longer.
//   - Recordings of calls that run are in the spool and not in a backup.
package backup
