// Package search finds and counts tickets. [Index] holds what both engines
// share (analysis of the query, bounds, cursors, verification); a [Driver] is
// one engine: ftsindex (SQLite FTS5, inside the binary) or esindex
// (Elasticsearch).
//
// What always holds here:
//
//   - The index is a copy; the database is the truth. It can be lost at any
//     moment and is rebuilt from a [Source].
//   - A document is replaced only by one of an equal or higher version.
//   - Text is matched as exact substrings of Chinese and whole words of
//     everything else; two-character and one-character queries work.
//   - A result, its total and its facets see only what the query's [Scope]
//     may see.
package search
