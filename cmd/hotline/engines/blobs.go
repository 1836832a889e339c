package engines

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"hotline/telephony"
	"hotline/ticketing/blobs"
	"hotline/ticketing/sealing"
	"hotline/web"
)

// persons are the keys of citizens.
type persons interface {
	PersonKey(ctx context.Context, number string) (id string, key []byte, err error)
	KeyOf(ctx context.Context, id string) ([]byte, error)
}

// callBlobs is the blob store as telephony wants it: recordings are sealed with
// the keys of the citizens who are heard in them.
type callBlobs struct {
	files   blobs.Store
	persons persons
	cipher  sealing.Cipher
}

func (b callBlobs) Put(ctx context.Context, name, number string, r io.Reader) (telephony.BlobInfo, error) {
	if number != "" {
		id, key, err := b.persons.PersonKey(ctx, number)
		if err != nil {
			return telephony.BlobInfo{}, err
		}
		if r, err = sealing.NewReader(b.cipher, key, id, r); err != nil {
			return telephony.BlobInfo{}, err
		}
	}
	stored, err := b.files.Put(ctx, name, r)
	return telephony.BlobInfo(stored), err
}

func (b callBlobs) Open(ctx context.Context, name string) (io.ReadSeekCloser, telephony.BlobInfo, error) {
	r, stored, err := b.files.Open(ctx, name)
	if err != nil {
		return nil, telephony.BlobInfo{}, err
	}
	plain, err := b.opened(ctx, r)
	if err != nil {
		return nil, telephony.BlobInfo{}, errors.Join(err, r.Close())
	}
	return plain, telephony.BlobInfo(stored), nil
}

// opened reads what may be sealed: recordings from before are not.
func (b callBlobs) opened(ctx context.Context, r io.ReadSeekCloser) (io.ReadSeekCloser, error) {
	owner, sealed, err := sealing.Owner(r)
	if err != nil || !sealed {
		return r, err
	}
	key, err := b.persons.KeyOf(ctx, owner)
	if err != nil {
		return nil, err
	}
	return sealing.OpenStream(key, r)
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
