// Package storetest is the suite that every telephony.Store passes, and a
// store in memory for tests that need no database.
//
// What always holds here:
//
//   - A store is asked through its interface alone; each engine passes the same tests.
package storetest
