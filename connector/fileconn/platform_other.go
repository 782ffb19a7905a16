//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package fileconn

import (
	"fmt"
	"os"
)

const (
	// openFlags are none: there are no named pipes in directories.
	openFlags = 0
	// syncsDirs says that there is no call to sync a directory.
	syncsDirs = false
)

// lockFile opens the lock file; on this system nothing keeps another sink away.
func lockFile(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, newFileMode)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}

	return lock, nil
}
