//go:build unix

package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockData keeps a second node off the data folder: it would take the first
// one's running calls for those of a crash. The kernel drops the lock with the
// process, however it ends.
func lockData(dir string) (unlock func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "serve.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--data: %w; make the folder writable or name another", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("--data: another hotline runs on %s; stop it, or name another folder", dir), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--data: locking %s: %w", dir, err), f.Close())
	}
	return f.Close, nil
}
