//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package fileconn

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

const (
	// openFlags keep the opening of a named pipe from waiting for its writer.
	openFlags = syscall.O_NONBLOCK
	// syncsDirs says that a directory can be synced.
	syncsDirs = true
)

// lockFile takes the lock that keeps two sinks from one path. It goes with the process.
func lockFile(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, newFileMode)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return lock, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errLocked
	}

	return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), lock.Close())
}
