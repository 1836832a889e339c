// Package disktest gives tests a disk that is full: a tmpfs of a size that the test says.
package disktest
