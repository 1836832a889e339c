// Package indextest is the contract that every search engine passes: membership,
// filters, counts, order, paging, scope, versions, highlights, verification and
// rebuilding. Engines are compared with a model that looks at each document in turn.
package indextest
