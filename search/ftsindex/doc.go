// Package ftsindex is the search engine inside the binary: SQLite FTS5 in a file of its own.
//
// What always holds here:
//
//   - Text is indexed as bigrams made in Go plus the last character of each run
//     (SQLite's own tokenizers find no two-character word), so that a phrase is
//     an exact substring and a prefix finds one character.
//   - A row of docs and its row of fts are written in one transaction and share
//     their rowid ("slot").
//   - A deleted document leaves its version behind until the next rebuild, so
//     that a late write cannot bring it back.
//   - Each transaction raises state.seq and stamps the rows that it wrote with
//     it. A reader brings its columns in memory up to the seq of its own
//     snapshot; so several processes may read and write one file.
//   - Filters, scope and facets are worked out on those columns; text is matched by FTS5.
package ftsindex
