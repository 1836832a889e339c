// Package demo is the people of the demonstration: citizens who call over real
// SIP and RTP or file online, operators at their seats, and the staff of the
// departments.
//
// Invariants:
//
//   - They use what any person uses: telephones (telephony/phone) and the HTTP
//     API with a user's own session. Nothing reaches into the server.
//   - Nobody gives up: what fails is logged and tried again, until the context
//     of Run ends.
//   - Seat 8001 and agent1 are left to a person.
//   - When Run returns, no telephone, call or goroutine of it is left.
package demo
