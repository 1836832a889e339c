package media

import (
	"io"
	"os"
)

// File is what a recording is written to. One goroutine at a time uses it.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Size() (int64, error)
	Sync() error
	Close() error
}

// Files makes and opens the files of recordings, such as encrypted ones.
type Files interface {
	// Create makes a file, which must not exist.
	Create(path string) (File, error)
	// Open opens one to read and write.
	Open(path string) (File, error)
}

// plainFiles are files as they are.
type plainFiles struct{}

type plainFile struct{ *os.File }

func (plainFiles) Create(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return plainFile{f}, err
}

func (plainFiles) Open(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return plainFile{f}, err
}

func (f plainFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
