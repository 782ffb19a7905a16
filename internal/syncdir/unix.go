//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package syncdir

import (
	"errors"
	"fmt"
	"os"
)

// Sync returns once the entries of dir would survive a power cut. On systems that have no
// call for it, it does nothing.
func Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}

	return nil
}
