package vault

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
)

// Reader reads what is in a sealed file that comes from anywhere, such as the blob store.
type Reader struct {
	from   io.ReadSeekCloser
	sealer cipher.AEAD
	size   int64
	offset int64
	at     int64 // the chunk in plain, -1 for none
	plain  []byte
}

// Read opens a file to be read; one that is not sealed is given back as it is. It closes from when it fails. Errors: ErrUnknownKey,
// ErrBroken.
func (k *Keys) Read(from io.ReadSeekCloser) (io.ReadSeekCloser, error) {
	r, err := k.read(from)
	if err != nil {
		return nil, errors.Join(err, from.Close())
	}
	return r, nil
}

func (k *Keys) read(from io.ReadSeekCloser) (io.ReadSeekCloser, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.HasPrefix(head[:n], magic) {
		_, err := from.Seek(0, io.SeekStart)
		return from, err
	}
	if n < headSize {
		return nil, fmt.Errorf("%w: it ends in its head", ErrBroken)
	}
	size, err := from.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	sealer, err := k.sealer(head)
	if err != nil {
		return nil, err
	}
	return &Reader{from: from, sealer: sealer, size: plainSize(size), at: -1}, nil
}

// Read implements io.Reader. Errors: ErrBroken.
func (r *Reader) Read(p []byte) (int, error) {
	if r.offset >= r.size {
		return 0, io.EOF
	}
	n := r.offset / chunkSize
	if err := r.load(n); err != nil {
		return 0, err
	}
	done := copy(p, r.plain[r.offset%chunkSize:])
	r.offset += int64(done)
	return done, nil
}

func (r *Reader) load(n int64) error {
	if r.at == n {
		return nil
	}
	r.at = -1
	buf := make([]byte, nonceSize+min(chunkSize, r.size-n*chunkSize)+tagSize)
	if _, err := r.from.Seek(headSize+n*sealSize, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.ReadFull(r.from, buf); err != nil {
		return fmt.Errorf("%w: chunk %d: %w", ErrBroken, n, err)
	}
	plain, err := r.sealer.Open(r.plain[:0], buf[:nonceSize], buf[nonceSize:], place(n))
	if err != nil {
		return fmt.Errorf("%w: chunk %d does not open", ErrBroken, n)
	}
	r.plain, r.at = plain, n
	return nil
}

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("vault: seek before the beginning")
	}
	r.offset = offset
	return offset, nil
}

// Close closes the file beneath.
func (r *Reader) Close() error { return r.from.Close() }
