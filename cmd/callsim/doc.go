// Command callsim makes real calls: SIP and RTP over sockets, from simulated citizens and at simulated seats. It measures setup time,
// answer delay, loss, jitter and whether audio arrives in both directions, and prints one JSON summary.
//
//	callsim call   one call
//	callsim load   many calls at a rate, with seats beside them when --seats is given
//	callsim seats  seats that register, answer and talk, until --duration or an interrupt
//
// The exit status is 0 when every call came about as asked, 1 when calls failed, 2 when the command line is wrong. Numbers and times
// are bounded, and a target outside this machine needs --allow-remote.
package main
