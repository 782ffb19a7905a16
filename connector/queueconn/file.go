package queueconn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/millrace-go/millrace/connector"
)

const (
	fileMode    = 0o600
	fillPercent = 1.0

	bucketMessages = "messages" // sequence number: record of a message
	bucketReturns  = "returns"  // sequence number: standing
	bucketDead     = "dead"     // sequence number: tomb
	bucketMeta     = "meta"     // counts
)

type openFunc func(path string, flag int, mode os.FileMode) (*os.File, error)

// file is the bbolt file of one queue.
type file struct {
	path    string
	db      *bolt.DB
	publish publish
	commits commits
	counts  counts // belongs to whoever leads
	failure atomic.Pointer[connector.Error]
}

// StoppedError says that a commit failed earlier. What it wrote may or may not be in the
// file. The queue does not try again on the same file: find the cause (a full or failing
// disk), then open the queue anew.
type StoppedError struct {
	File string
	Err  error
}

// Error names the file and the commit's error, and says what to do.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("queueconn: %s: stopped, because a commit failed: %v: check the disk, then reopen the queue", e.File, e.Err)
}

// Unwrap returns the error of the commit that failed.
func (e *StoppedError) Unwrap() error { return e.Err }

func openBolt(path string, cfg Config, p publish, openFile openFunc) (f *file, err error) {
	defer recoverDamage(path, &err)
	f = &file{path: path, publish: p, commits: commits{lead: make(chan struct{}, 1)}}
	f.commits.file = f
	f.db, err = bolt.Open(path, fileMode, &bolt.Options{
		Timeout: cfg.LockWait, FreelistType: bolt.FreelistMapType, OpenFile: openFile,
	})
	if err != nil {
		return nil, openError(path, cfg, err)
	}
	if err := errors.Join(f.prepare(), syncDir(filepath.Dir(path))); err != nil {
		return nil, openError(path, cfg, errors.Join(err, f.db.Close()))
	}

	return f, nil
}

func openError(path string, cfg Config, err error) error {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return connector.Transient(fmt.Errorf(
			"queueconn: %s is open elsewhere, waited %s: stop the other process, or give this one a file of its own: %w",
			path, cfg.LockWait, err))
	}

	return connector.Permanent(fmt.Errorf("queueconn: open %s: %w", path, err))
}

// prepare makes the buckets and reads the counts.
func (f *file) prepare() error {
	return f.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [...]string{bucketMessages, bucketReturns, bucketDead, bucketMeta} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
		}
		meta := tx.Bucket([]byte(bucketMeta))
		data := meta.Get([]byte(bucketMeta))
		if data == nil {
			f.counts.id = newID()

			return meta.Put([]byte(bucketMeta), f.counts.encode())
		}
		var err error
		if f.counts, err = decodeCounts(data); err != nil {
			return fmt.Errorf("counts: %w", err)
		}

		return nil
	})
}

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}

	return nil
}

func (f *file) health() error {
	if err := f.failure.Load(); err != nil {
		return err
	}

	return nil
}

// stop makes every later call fail.
func (f *file) stop(cause error) error {
	f.failure.CompareAndSwap(nil, &connector.Error{
		Class: connector.ClassPermanent, Err: &StoppedError{File: f.path, Err: cause},
	})

	return f.health()
}

// view runs fn in a read transaction.
func (f *file) view(fn func(tx *bolt.Tx) error) (err error) {
	defer recoverDamage(f.path, &err)
	// A damaged page can send bbolt outside the mapping; that is to be an error too.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))

	return f.db.View(fn)
}

// recoverDamage turns the panics with which bbolt answers a damaged page into an error.
func recoverDamage(path string, err *error) {
	if reason := recover(); reason != nil {
		*err = connector.Permanent(fmt.Errorf("queueconn: %s: a page is damaged: %v: restore the file from a backup", path, reason))
	}
}

func key(seq int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(seq))
}

func seqOf(key []byte) int64 {
	if len(key) != 8 {
		return -1
	}

	return int64(binary.BigEndian.Uint64(key))
}
