// Package media carries the audio of calls: RTP legs, SDP offers and answers, G.711, telephone events, playback,
// bridging, recording and the measurement of all of it.
//
// A Leg is one RTP socket towards one party. Ports hands legs out of a range of UDP ports (RTP on the even port, RTCP's
// odd port beside it) and owns the one clock that plays to every leg and the one that sends every leg's reports. Connect relays two
// legs; a Conference mixes up to 16.
//
// With WebRTC (RFC 8827) a leg's packets go over ICE and DTLS-SRTP on one UDP port that all such legs share; above the transport
// they are legs like others, and their own port pair stays silent.
//
// Invariants:
//   - A leg's packets are read by one thread, which many legs share; it forwards at once and never waits for disk or the
//     network. Between two readings it lets packets gather for two milliseconds when there are many.
//   - What is played and mixed is spread over the time of a frame, so that no burst of it holds up what is passed on.
//   - What a leg sends is one RTP stream: one SSRC, sequence numbers and timestamps that go on when playback gives way to
//     a bridge and back (RFC 3550 §5.1).
//   - A leg is locked on the first valid source; packets of any other source are counted and dropped. Another source takes
//     over only when the lock did not match the party's SDP, or after silence, and then only by its SDP address or SSRC.
//   - Only PCMA, PCMU, telephone-event and comfort noise are ever negotiated; other payload types are dropped. Comfort noise is
//     relayed to a party that negotiated it, else left out, with the sequence numbers closed up.
//   - After Close of a leg no socket, goroutine, playback or port of it is left; Ports.InUse tells.
//   - Each leg reports by RTCP what it hears and takes the party's reports, from nobody else (RFC 3550 §6). Nothing of a stranger's
//     counts, be it sound or report.
//   - Audio that is mixed goes through an adaptive jitter buffer, which makes up for loss; a bridge passes packets as they are.
//   - A recording on disk is readable at any moment; at most about a second of it is lost with the process.
//
// Audio in memory is linear PCM, 16 bits, mono, 8,000 samples a second.
package media
