// Package testbed is what tests of whole nodes share: a node on loopback,
// foreign phones as processes, and the means to wait and to measure.
//
// What always holds:
//
//   - Ports are free ones, files are in a folder that goes with the test.
//   - Processes are ended by the test that started them; what they said is
//     logged when it fails.
package testbed
