// Package interop holds the table of foreign SIP programs against a whole node:
// each cell is a test. It has no code of its own.
//
// What always holds here:
//
//   - docs/interop.md is written from the cells that run ([TestTable]); a cell
//     that is not run is not in it.
//   - Sound is measured by tones, at both ends; a foreign program's own word
//     counts only for what it heard itself.
//   - A cell has a line, a queue and seats of its own, so that all of them share
//     a node and run side by side.
//
// A file holds one foreign program: how it is driven, and its cells. The cells
// themselves are in cells_test.go, in the table's order.
package interop
