// Package storetest is the suite that every store of tickets passes.
//
// What always holds here:
//
//   - It knows a store by the interface [Store] alone, so that both engines are
//     asked the same questions.
//   - It never sleeps to let something happen; it waits for it.
package storetest
