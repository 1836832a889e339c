// Package esindex is the search engine for production: Elasticsearch 8, through go-elasticsearch.
//
// What always holds here:
//
//   - Queries and writes go to an alias, which points to exactly one index; a
//     rebuild fills another index and moves the alias in one step.
//   - Text is indexed in the normal form of [search.Normal]: once by the built-in
//     cjk analyzer (bigrams, for runs of two and more Han characters) and once by
//     the standard analyzer (single characters and words, for everything else).
//     Both match phrases exactly as the embedded engine does.
//   - Document versions are Elasticsearch's external versions, so an older write never wins.
//   - Nothing is asked of the cluster that is not in its basic modules: no scripts, no
//     update or delete by query.
//   - Every call has a deadline and bounded retries; a cluster that cannot be
//     reached is search.ErrUnavailable. Query text is never part of an error.
package esindex
