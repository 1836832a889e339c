package blobs

import (
	"context"
	"fmt"
	"io"
	"net/url"
)

// Store keeps blobs under names. It is safe for use by many goroutines.
type Store interface {
	// Put stores what r gives under a name, replacing what was there. When it
	// returns with an error nothing has changed.
	Put(ctx context.Context, name string, r io.Reader) (Blob, error)
	// Open opens a blob for reading; ErrNotFound when there is none. Close it after use.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, Blob, error)
	// Delete removes a blob; one that is not there is no error.
	Delete(ctx context.Context, name string) error
	// Each calls do with every blob's name, in no order; an error ends it.
	Each(ctx context.Context, do func(name string) error) error
	Close() error
}

// Open opens the store that a URL names: file:///folder or
// s3://bucket/prefix?endpoint=host:port.
func Open(rawURL string) (Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("blobs: %q is not a store of blobs; use file:///folder or s3://bucket?endpoint=host:port", rawURL)
	}
	switch u.Scheme {
	case "file":
		return openFiles(u)
	case "s3":
		return openBucket(u)
	}
	return nil, fmt.Errorf("blobs: %q is not a store of blobs; use file:///folder or s3://bucket?endpoint=host:port", u.Redacted())
}
