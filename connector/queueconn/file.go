package queueconn

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

const (
	fillPercent = 1.0

	bucketMessages = "messages" // sequence number: record of a message
	bucketReturns  = "returns"  // sequence number: standing
	bucketDead     = "dead"     // sequence number: tomb
	bucketMeta     = "meta"     // counts
)

// file is the bbolt file of one queue.
type file struct {
	*boltfile.File

	path    string
	publish publish
	commits commits
	counts  counts // belongs to whoever leads
	failure atomic.Pointer[connector.Error]
}

// CorruptError says that the file is not what was written, and that messages may be
// missing from it. Restore it from a backup. A damaged record of one message is no
// CorruptError: it becomes a dead letter, with a *RecordError.
type CorruptError struct {
	File string
	Err  error
}

// Error names the file and what is damaged, and says what to do.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("queueconn: %s is damaged: %v: restore it from a backup", e.File, e.Err)
}

// Unwrap returns what is damaged.
func (e *CorruptError) Unwrap() error { return e.Err }

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

func openBolt(path string, cfg Config, p publish, openFile boltfile.OpenFunc) (*file, error) {
	f := &file{path: path, publish: p}
	f.commits = commits{Line: boltfile.NewLine[*change](), file: f}
	var err error
	f.File, err = boltfile.Open(path, boltfile.Config{
		Driver: "queueconn", LockWait: cfg.LockWait, OpenFile: openFile,
		Buckets: []string{bucketMessages, bucketReturns, bucketDead, bucketMeta},
		Load:    f.load,
		Damaged: func(err error) error { return damaged(path, err) },
	})
	if err != nil {
		return nil, err
	}

	return f, nil
}

// load reads the counts, or makes the first ones.
func (f *file) load(tx *bolt.Tx) (err error) {
	meta := tx.Bucket([]byte(bucketMeta))
	data := meta.Get([]byte(bucketMeta))
	if data == nil {
		f.counts.id = newID()

		return store(meta, bucketMeta, []byte(bucketMeta), f.counts.encode())
	}
	if f.counts, err = decodeCounts(data); err != nil {
		return damaged(f.path, fmt.Errorf("counts: %w", err))
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

func damaged(path string, err error) error {
	return connector.Permanent(&CorruptError{File: path, Err: err})
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
