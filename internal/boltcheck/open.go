package boltcheck

import (
	"errors"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Damage says that a file is not as bbolt writes it.
type Damage struct{ Err error }

// Error says what is wrong.
func (d *Damage) Error() string { return d.Err.Error() }

// Unwrap returns what is wrong.
func (d *Damage) Unwrap() error { return d.Err }

// Open opens a file with bbolt and checks it as File does, before bbolt trusts it. Its
// error is a *Damage where the file is to blame.
func Open(path string, mode os.FileMode, options bolt.Options, buckets ...string) (*bolt.DB, error) {
	if err := before(path, mode, options, buckets); err != nil {
		return nil, err
	}
	db, err := bolt.Open(path, mode, &options)

	return db, blame(err)
}

// before checks a file that has content. Opening it to read locks it against whoever would
// change it, and looks at its meta pages alone: bbolt answers damage in others with a
// panic, and then keeps its lock.
func before(path string, mode os.FileMode, options bolt.Options, buckets []string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil // it is new, or opening it meets the same error
	}
	options.ReadOnly = true
	db, err := bolt.Open(path, mode, &options)
	if err != nil {
		return blame(err)
	}
	if err := File(path, buckets...); err != nil {
		return errors.Join(&Damage{err}, db.Close())
	}

	return db.Close()
}

// blame tells damage from the errors of the system.
func blame(err error) error {
	_, system := errors.AsType[*fs.PathError](err)
	if err == nil || system || errors.Is(err, bolterrors.ErrTimeout) {
		return err
	}

	return &Damage{err}
}
