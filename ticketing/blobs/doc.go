// Package blobs keeps recordings and attachments as files.
//
// What always holds here:
//
//   - A blob is there whole or not at all: it is written beside its place,
//     flushed to disk and renamed.
//   - A name never leads outside the store's folder.
//   - What was put can be checked: size and SHA-256 come back with it.
package blobs
