package sealing

import (
	"bufio"
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A stream is a head and chunks. The head is magic, cipher, length and text of
// the owner, and a nonce's beginning; a chunk's nonce goes on with its place and
// with whether it is the last.
const (
	chunkSize  = 64 << 10
	prefixSize = 7
	maxOwner   = 255
)

var magic = []byte("HLOWNED1")

// Reader gives what another reader has, sealed. The owner is written into the
// head in the clear: it says whose key opens the stream.
type Reader struct {
	from  *bufio.Reader
	box   cipher.AEAD
	head  []byte
	nonce []byte
	place uint32
	plain []byte
	ready []byte // sealed, and not yet given
	done  bool
}

// NewReader begins a stream.
func NewReader(c Cipher, key []byte, owner string, from io.Reader) (*Reader, error) {
	box, err := c.aead(key)
	if err != nil {
		return nil, err
	}
	if len(owner) > maxOwner {
		return nil, errors.New("sealing: the owner's name is too long")
	}
	prefix := make([]byte, prefixSize)
	_, _ = rand.Read(prefix) // never fails (crypto/rand)
	r := &Reader{from: bufio.NewReaderSize(from, chunkSize), box: box, head: header(c, owner, prefix), plain: make([]byte, chunkSize)}
	r.nonce = append(prefix, make([]byte, box.NonceSize()-prefixSize)...)
	r.ready = r.head
	return r, nil
}

func header(c Cipher, owner string, prefix []byte) []byte {
	head := append(bytes.Clone(magic), byte(c), byte(len(owner)))
	return append(append(head, owner...), prefix...)
}

// Read gives the next octets.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.ready) == 0 {
		if r.done {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

func (r *Reader) next() error {
	n, err := io.ReadFull(r.from, r.plain)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if err == nil {
		_, err = r.from.Peek(1)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.done = true
	default:
		return err
	}
	place(r.nonce, r.place, r.done)
	r.ready = r.box.Seal(nil, r.nonce, r.plain[:n], r.head)
	r.place++
	return nil
}

func place(nonce []byte, n uint32, last bool) {
	binary.BigEndian.PutUint32(nonce[prefixSize:], n)
	nonce[len(nonce)-1] = 0
	if last {
		nonce[len(nonce)-1] = 1
	}
}

// Stream is a sealed stream that is read from any place.
type Stream struct {
	from   io.ReadSeekCloser
	box    cipher.AEAD
	head   []byte
	nonce  []byte
	size   int64 // of what is in it
	chunks int64
	at     int64
	loaded int64 // chunk in plain; -1: none
	plain  []byte
}

// Owner reads the head of a stream and tells whose it is; ok is false, and the
// reader at its beginning again, when it is no stream.
func Owner(from io.ReadSeeker) (owner string, ok bool, err error) {
	head, err := readHead(from)
	if err != nil || head == nil {
		return "", false, err
	}
	return string(head[len(magic)+2 : len(head)-prefixSize]), true, nil
}

// readHead leaves the reader at its beginning.
func readHead(from io.ReadSeeker) ([]byte, error) {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	head := make([]byte, len(magic)+2)
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	whole := err == nil && bytes.HasPrefix(head[:n], magic)
	if whole {
		rest := make([]byte, int(head[len(head)-1])+prefixSize)
		if _, err := io.ReadFull(from, rest); err != nil {
			return nil, fmt.Errorf("%w: it ends in its head", ErrBroken)
		}
		head = append(head, rest...)
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if !whole {
		return nil, nil
	}
	return head, nil
}

// OpenStream reads a stream with its owner's key; closing it closes from.
// Errors: ErrBroken.
func OpenStream(key []byte, from io.ReadSeekCloser) (*Stream, error) {
	head, err := readHead(from)
	if err != nil {
		return nil, err
	}
	if head == nil {
		return nil, fmt.Errorf("%w: it is no sealed stream", ErrBroken)
	}
	box, err := Cipher(head[len(magic)]).aead(key)
	if err != nil {
		return nil, err
	}
	end, err := from.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	s := &Stream{from: from, box: box, head: head, loaded: -1}
	s.nonce = append(bytes.Clone(head[len(head)-prefixSize:]), make([]byte, box.NonceSize()-prefixSize)...)
	sealed := end - int64(len(head))
	each := int64(chunkSize + box.Overhead())
	s.chunks = (sealed + each - 1) / each
	if s.size = sealed - s.chunks*int64(box.Overhead()); s.chunks == 0 || s.size < 0 {
		return nil, fmt.Errorf("%w: it was cut short", ErrBroken)
	}
	// The last chunk says so itself: a stream that was cut short is noticed at once.
	return s, s.load(s.chunks - 1)
}

func (s *Stream) load(n int64) error {
	if s.loaded == n {
		return nil
	}
	each := int64(chunkSize + s.box.Overhead())
	if _, err := s.from.Seek(int64(len(s.head))+n*each, io.SeekStart); err != nil {
		return err
	}
	sealed := make([]byte, each)
	got, err := io.ReadFull(s.from, sealed)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	place(s.nonce, uint32(n), n == s.chunks-1) //nolint:gosec // a stream of 2^32 chunks has 256 TB
	s.loaded = -1
	if s.plain, err = s.box.Open(s.plain[:0], s.nonce, sealed[:got], s.head); err != nil {
		return fmt.Errorf("%w: chunk %d", ErrBroken, n)
	}
	s.loaded = n
	return nil
}

// Read reads on from the place it is at. Errors: ErrBroken.
func (s *Stream) Read(p []byte) (int, error) {
	if s.at >= s.size {
		return 0, io.EOF
	}
	if err := s.load(s.at / chunkSize); err != nil {
		return 0, err
	}
	n := copy(p, s.plain[s.at%chunkSize:])
	s.at += int64(n)
	return n, nil
}

// Seek goes to a place.
func (s *Stream) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.size
	}
	if offset < 0 {
		return s.at, errors.New("sealing: a place before the beginning")
	}
	s.at = offset
	return offset, nil
}

// Size is the length of what is in it.
func (s *Stream) Size() int64 { return s.size }

// Close closes what it reads from.
func (s *Stream) Close() error { return s.from.Close() }
