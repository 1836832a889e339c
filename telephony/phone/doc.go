// Package phone is a SIP phone without a screen: it registers, dials, answers, sends digits, plays audio and measures what it hears. The
// demonstration's citizens and operators, the tests and the load generator are made of it.
//
// Invariants:
//   - It speaks only through telephony/invite and telephony/media: real SIP messages and real RTP packets over sockets.
//   - A Call owns one leg of media; when Call.Done is closed its port is free again.
//   - After Stop no socket, goroutine or registration refresh of the phone is left.
package phone
