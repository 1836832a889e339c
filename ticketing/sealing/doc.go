// Package sealing encrypts what is at rest: small values as boxes, files as
// streams that can be read from any place.
//
// What always holds here:
//
//   - Everything is authenticated (AES-256-GCM, NIST SP 800-38D, or SM4-GCM,
//     GB/T 32907): what was changed or put elsewhere is [ErrBroken], never text.
//   - A box and a stream name their cipher, so that all open whichever is chosen
//     for new ones.
//   - A box opens only with the same words of what it is about. A stream cannot be
//     cut short, nor its chunks put in another order, unnoticed (STREAM, Hoang,
//     Reyhanitabar, Rogaway, Vizár 2015).
//   - Keys are never part of an error.
package sealing
