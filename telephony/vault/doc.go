// Package vault keeps recordings encrypted on disk and in the blob store.
//
// A sealed file is a short head and chunks. The head names the key and has a salt; the file's own key is derived from both (HKDF-SHA256,
// RFC 5869). Each chunk of 4,096 octets is sealed by AES-256-GCM with a random nonce and its place as associated data, so that it can be
// written again alone, read alone, and put nowhere else.
//
// What always holds:
//
//   - A file that grows can be read up to its last written chunk at any moment, also after its process was killed.
//   - What was changed, moved from another place or sealed with another key is an error and never sound.
//   - Cutting a file short is not noticed here: a call record has the hash of the whole recording for that.
//   - Keys are never part of an error or a log line; a file and a record name them by a fingerprint.
//   - A file that is not sealed is read as it is: recordings made before there was a key stay playable.
package vault
