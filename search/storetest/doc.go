// Package storetest is the suite that every store of alerts and of the city's lists passes.
//
// What always holds here:
//
//   - It knows the store only as a [warning.Store] and a [search.Lists].
package storetest
