// Package storetest is the suite that every store of alerts passes.
//
// What always holds here:
//
//   - It knows the store only as a [warning.Store].
package storetest
