package engines

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"hotline/telephony"
	"hotline/ticketing/blobs"
	"hotline/web"
)

// callBlobs is the blob store as telephony wants it.
type callBlobs struct{ files blobs.Store }

func (b callBlobs) Put(ctx context.Context, name string, r io.Reader) (telephony.BlobInfo, error) {
	stored, err := b.files.Put(ctx, name, r)
	return telephony.BlobInfo(stored), err
}

func (b callBlobs) Open(ctx context.Context, name string) (io.ReadSeekCloser, telephony.BlobInfo, error) {
	r, stored, err := b.files.Open(ctx, name)
	return r, telephony.BlobInfo(stored), err
}

// attachments is the blob store as web wants it.
type attachments struct{ files blobs.Store }

// Attachments lets the web keep files in the blob store.
func (e *Engines) Attachments() web.Blobs { return attachments{e.Blobs} }

func (a attachments) Put(ctx context.Context, name string, r io.Reader) error {
	_, err := a.files.Put(ctx, name, r)
	return err
}

func (a attachments) Open(ctx context.Context, name string) (io.ReadSeekCloser, error) {
	r, _, err := a.files.Open(ctx, name)
	if errors.Is(err, blobs.ErrNotFound) {
		return nil, fs.ErrNotExist
	}
	return r, err
}
