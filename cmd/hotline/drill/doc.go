// Package drill runs hotline as a process of its own, under load, and ends it
// when it must not end: by SIGKILL at random moments.
//
// What always holds here:
//
//   - What is checked at the end is read straight from the store and the index,
//     not asked from the process that is under test.
//   - Only processes that the package started are ended, by their own id.
//   - A seed gives the same moments and the same requests again, as far as two
//     processes on one machine can.
package drill
