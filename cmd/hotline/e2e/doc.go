// Package e2e tests whole nodes from outside, with foreign phones, hostile
// peers and the built binary. It has no code of its own.
//
// What always holds here:
//
//   - A node under test listens on loopback at ports that are free and keeps its
//     data in a folder that goes with the test.
//   - What is measured is taken from the wire or from a foreign program, never
//     from the node's own word.
package e2e
