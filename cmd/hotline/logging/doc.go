// Package logging makes the node's structured log.
//
// What always holds here:
//
//   - No telephone number and no identity card number passes: whatever looks
//     like one is masked in messages and values, whoever wrote it.
package logging
