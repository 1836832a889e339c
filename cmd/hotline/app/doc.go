// Package app is one running node: it wires engines, call centre, workers and
// web server, starts them in order and stops them in the opposite one.
//
// What always holds here:
//
//   - When Start returns nil, the node's roles are at work and its ports are open.
//   - When Start fails, or Stop returns, nothing of the node is left running.
//   - Nothing outside this package wires parts together.
package app
