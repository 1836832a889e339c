// Package clustertest lends tests a Redis.
//
// What always holds: a test has its database to itself, empty at the beginning,
// until it is over; tests of other processes wait.
package clustertest
