// Package commands is the command line of hotline.
//
// What always holds here:
//
//   - An error is one message on standard error that says what to do, and exit
//     status 1; bad usage is status 2.
//   - Results go to standard output, the log to standard error.
package commands
