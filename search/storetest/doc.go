// Package storetest is the suite that every store of alerts and of the city's lists and saved
// searches passes.
//
// What always holds here:
//
//   - It knows the store only as a [warning.Store], a [search.Lists] and [search.SavedSearches].
package storetest
