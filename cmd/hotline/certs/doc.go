// Package certs serves one certificate from two files to every listener of a
// node, and takes a renewed one into use without a restart.
//
// What always holds:
//
//   - A handshake never reads a file and never fails for want of one: the
//     certificate that was last good is kept, and an error is logged.
//   - Connections that stand are not touched by a change.
package certs
