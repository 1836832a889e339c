// Package whole writes files whole or not at all.
//
// What always holds here:
//
//   - A reader finds the old file or the new one, on the disk, and nothing between.
package whole
