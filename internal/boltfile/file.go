// Package boltfile opens one bbolt file for one driver, turns damage in it into errors,
// and lines up callers whose changes are committed together.
package boltfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltcheck"
	"github.com/millrace-go/millrace/internal/syncdir"
)

// Mode is that of a new file: what is in it is for its owner alone.
const Mode = 0o600

// OpenFunc opens a file, as os.OpenFile does.
type OpenFunc func(path string, flag int, mode os.FileMode) (*os.File, error)

// Config is what the drivers differ in.
type Config struct {
	// Driver is the name of the package, for errors.
	Driver string
	// LockWait is how long Open waits for a file that is open elsewhere.
	LockWait time.Duration
	// OpenFile is os.OpenFile, but in tests of a failing disk.
	OpenFile OpenFunc
	// Buckets are made where there are none; then Load reads what the driver keeps in
	// memory, in the same transaction.
	Buckets []string
	Load    func(tx *bolt.Tx) error
	// Damaged makes the driver's error of what is wrong with the file.
	Damaged func(err error) error
}

// File is an open file. Its methods may be called concurrently.
type File struct {
	DB *bolt.DB

	damaged func(err error) error
}

// Open opens the file at path, and makes it durably if there is none. A file that is open
// elsewhere gives a transient error, every other error is permanent.
func Open(path string, c Config) (*File, error) {
	f := &File{damaged: c.Damaged}
	err := f.Guard(func() (err error) {
		f.DB, err = boltcheck.Open(path, Mode, bolt.Options{
			Timeout: c.LockWait, FreelistType: bolt.FreelistMapType, OpenFile: c.OpenFile,
		}, c.Buckets...)
		if damage, ok := errors.AsType[*boltcheck.Damage](err); ok {
			err = c.Damaged(damage.Err)
		}

		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, connector.Transient(fmt.Errorf(
			"%s: %s is open elsewhere, waited %s: stop the other process, or give this one a file of its own: %w",
			c.Driver, path, c.LockWait, err))
	case err == nil:
		err = errors.Join(f.Guard(func() error { return f.prepare(c) }), syncdir.Sync(filepath.Dir(path)))
		if err == nil {
			return f, nil
		}
		err = errors.Join(err, f.DB.Close())
	}

	return nil, connector.Permanent(fmt.Errorf("%s: open %s: %w", c.Driver, path, err))
}

func (f *File) prepare(c Config) error {
	return f.DB.Update(func(tx *bolt.Tx) error {
		for _, name := range c.Buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
		}

		return c.Load(tx)
	})
}

// View runs fn in a read transaction, guarded.
func (f *File) View(fn func(tx *bolt.Tx) error) error {
	return f.Guard(func() error { return f.DB.View(fn) })
}

// Guard runs fn and returns its error, or the damage that made bbolt panic in it.
func (f *File) Guard(fn func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = f.damaged(fmt.Errorf("page: %v", reason))
		}
	}()
	// A damaged page can send bbolt outside the mapping; that is to be an error too.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

	return fn()
}
