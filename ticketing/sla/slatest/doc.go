// Package slatest counts time limits minute by minute, as slowly and plainly as
// can be, for tests to compare package sla with.
//
// What always holds here: nothing is taken from package sla but the calendar's
// document, which is read anew.
package slatest
