package engines

import (
	"context"
	"io"

	"hotline/telephony"
	"hotline/ticketing/blobs"
)

// callBlobs is the blob store as telephony wants it.
type callBlobs struct{ files *blobs.Files }

func (b callBlobs) Put(ctx context.Context, name string, r io.Reader) (telephony.BlobInfo, error) {
	stored, err := b.files.Put(ctx, name, r)
	return telephony.BlobInfo(stored), err
}

func (b callBlobs) Open(ctx context.Context, name string) (io.ReadSeekCloser, telephony.BlobInfo, error) {
	r, stored, err := b.files.Open(ctx, name)
	return r, telephony.BlobInfo(stored), err
}
