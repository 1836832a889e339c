// Package web is the platform's HTTP side: the API under /api/v1, the public
// API for citizens, live events over SSE, health and metrics, and the embedded
// pages.
//
// What always holds here:
//
//   - Every refusal is an RFC 9457 problem with a code, a sentence that says
//     what to do, and the trace id under which the server logged it. A problem
//     never repeats a value that the client sent.
//   - No name, phone number, password, token, query code or search text reaches
//     a log: paths are logged as route patterns and query strings not at all.
//   - Who may call an operation is stated where it is registered; what they see
//     of a ticket is decided by package ticketing.
//   - What an operation changed, exported or was refused is on record before its
//     answer leaves.
//   - A cookie session counts for a change only when the request comes from the
//     platform's own pages (Sec-Fetch-Site, or Origin).
//   - Everything that a client can make grow has a bound: bodies, headers,
//     streams per user, events waiting for a stream, limiter entries, password
//     hashes computed at once.
//   - A stream that cannot keep up is closed; it resumes by Last-Event-ID, or is
//     told to resync.
//   - Strings taken from a request are copies (fiber's Immutable), so they may
//     be kept.
package web
