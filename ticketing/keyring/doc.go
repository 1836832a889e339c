// Package keyring holds the secret keys of an installation.
//
// What always holds here:
//
//   - New work uses the first key; the others open what was made before.
//   - Each purpose gets a key of its own, derived from a master key (HKDF-SHA256,
//     RFC 5869); a master key itself is never used.
//   - Other keys are kept wrapped by them ([Ring.Wrap]) and can be wrapped anew.
//   - Keys are named by a fingerprint; none is part of an error, a log line or a dump.
package keyring
