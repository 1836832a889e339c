package vault

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// File is a sealed file that is read and written by place. One goroutine at a time uses it.
type File struct {
	file   *os.File
	sealer cipher.AEAD
	size   int64     // of what is in it
	chunks [2]*chunk // the first one, which is written often, and another
	sealed []byte
}

// chunk is what is known of a chunk in memory.
type chunk struct {
	n     int64
	plain []byte
	dirty bool // the disk refused it: what is there is broken, and this is the truth
}

// Create makes a file, which must not exist. Without keys it is a plain one.
func (k *Keys) Create(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	f := &File{file: file}
	if k.Name() == "" {
		return f, nil
	}
	head := append(append(bytes.Clone(magic), k.list[0].name[:]...), make([]byte, saltSize)...)
	_, _ = rand.Read(head[len(magic)+nameSize:]) // never fails (crypto/rand)
	if f.sealer, err = newSealer(k.list[0], head[len(magic)+nameSize:]); err == nil {
		_, err = file.WriteAt(head, 0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(path))
	}
	return f, nil
}

// Open opens a file to read and write, sealed or not. Errors: ErrUnknownKey.
func (k *Keys) Open(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	f, err := k.open(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

func (k *Keys) open(file *os.File) (*File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f := &File{file: file, size: info.Size()}
	head := make([]byte, headSize)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.HasPrefix(head[:n], magic) {
		return f, nil
	}
	if n < headSize {
		return nil, fmt.Errorf("%w: it ends in its head", ErrBroken)
	}
	f.size = plainSize(info.Size())
	if f.sealer, err = k.sealer(head); err != nil {
		return nil, err
	}
	// The last chunk may have been cut in the middle of being written.
	if last := (f.size - 1) / chunkSize; f.size > 0 {
		if _, err := f.load(last); errors.Is(err, ErrBroken) {
			f.size = last * chunkSize
		} else if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// plainSize is how much a sealed file of a size holds; a chunk that was cut off to less than a seal counts for nothing.
func plainSize(size int64) int64 {
	body := max(0, size-headSize)
	last := body % sealSize
	return body/sealSize*chunkSize + max(0, last-nonceSize-tagSize)
}

// Size is the length of what is in it.
func (f *File) Size() (int64, error) {
	if f.sealer != nil {
		return f.size, nil
	}
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Sync has the system write it to disk.
func (f *File) Sync() error { return f.file.Sync() }

// Close closes it.
func (f *File) Close() error { return f.file.Close() }

// load brings a chunk into memory.
func (f *File) load(n int64) (*chunk, error) {
	slot := 0
	if n > 0 {
		slot = 1
	}
	c := f.chunks[slot]
	switch {
	case c != nil && c.n == n:
		return c, nil
	case c != nil && c.dirty:
		if err := f.store(c); err != nil {
			return nil, err
		}
	}
	f.chunks[slot] = nil
	c = &chunk{n: n, plain: make([]byte, 0, chunkSize)}
	if length := min(chunkSize, f.size-n*chunkSize); length > 0 {
		buf := make([]byte, nonceSize+length+tagSize)
		if _, err := f.file.ReadAt(buf, headSize+n*sealSize); err != nil {
			return nil, fmt.Errorf("%w: chunk %d: %w", ErrBroken, n, err)
		}
		var err error
		if c.plain, err = f.sealer.Open(c.plain, buf[:nonceSize], buf[nonceSize:], place(n)); err != nil {
			return nil, fmt.Errorf("%w: chunk %d does not open", ErrBroken, n)
		}
	}
	f.chunks[slot] = c
	return c, nil
}

func place(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// store seals a chunk and writes it.
func (f *File) store(c *chunk) error {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // never fails (crypto/rand)
	f.sealed = append(f.sealed[:0], nonce[:]...)
	f.sealed = f.sealer.Seal(f.sealed, nonce[:], c.plain, place(c.n))
	_, err := f.file.WriteAt(f.sealed, headSize+c.n*sealSize)
	c.dirty = err != nil
	if err == nil {
		f.size = max(f.size, c.n*chunkSize+int64(len(c.plain)))
	}
	return err
}

// WriteAt writes at a place, at most one octet after the end: there are no holes.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if f.sealer == nil {
		return f.file.WriteAt(p, off)
	}
	if off < 0 || off > f.size {
		return 0, errors.New("vault: a sealed file has no holes")
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		c, err := f.load(at / chunkSize)
		if err != nil {
			return done, err
		}
		from := int(at % chunkSize)
		n := min(chunkSize-from, len(p)-done)
		for len(c.plain) < from+n {
			c.plain = append(c.plain, 0)
		}
		copy(c.plain[from:], p[done:done+n])
		if err := f.store(c); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// ReadAt reads from a place; io.EOF at the end. Errors: ErrBroken.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if f.sealer == nil {
		return f.file.ReadAt(p, off)
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at >= f.size {
			return done, io.EOF
		}
		c, err := f.load(at / chunkSize)
		if err != nil {
			return done, err
		}
		done += copy(p[done:], c.plain[at%chunkSize:])
	}
	return done, nil
}

// Truncate cuts it to a length that is not more than it has.
func (f *File) Truncate(size int64) error {
	if f.sealer == nil {
		return f.file.Truncate(size)
	}
	if size > f.size {
		return errors.New("vault: a sealed file is not made longer by cutting it")
	}
	n := size / chunkSize
	if size%chunkSize == 0 {
		f.chunks, f.size = [2]*chunk{}, size
		return f.file.Truncate(headSize + n*sealSize)
	}
	c, err := f.load(n)
	if err != nil {
		return err
	}
	if last := f.chunks[1]; last != nil && last.n > n {
		f.chunks[1] = nil // what it knows was cut off
	}
	c.plain = c.plain[:size%chunkSize]
	f.size = size
	if err := f.store(c); err != nil {
		return err
	}
	return f.file.Truncate(headSize + n*sealSize + nonceSize + size%chunkSize + tagSize)
}
