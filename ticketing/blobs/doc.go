// Package blobs keeps recordings and attachments: as files, or as objects of an
// S3 server.
//
// What always holds here:
//
//   - A blob is there whole or not at all: a file is written beside its place,
//     flushed to disk and renamed; an object appears when its upload is complete.
//   - A name never leads outside the store's folder or prefix.
//   - What was put can be checked: size and SHA-256 come back with it.
package blobs
