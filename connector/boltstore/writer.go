package boltstore

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// writer is one read-write transaction of bbolt.
type writer struct {
	store *Store
	tx    *bolt.Tx
	now   time.Time

	entries, confirmed, expiry, meta *bolt.Bucket

	changes  int    // anything to commit, or to roll back
	expiring int    // index entries added
	ceiling  uint64 // of versions, raised by this transaction
}

func (s *Store) begin() (*writer, error) {
	tx, err := s.file.DB.Begin(true)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}

	return &writer{
		store: s, tx: tx, now: wallclock.Now(),
		entries:   tx.Bucket([]byte(bucketEntries)),
		confirmed: tx.Bucket([]byte(bucketConfirmed)),
		expiry:    tx.Bucket([]byte(bucketExpiry)),
		meta:      tx.Bucket([]byte(bucketMeta)),
	}, nil
}

// bucket returns the bucket of that name.
func (w *writer) bucket(name string) *bolt.Bucket {
	if name == bucketConfirmed {
		return w.confirmed
	}

	return w.entries
}

// version returns the next version, and raises the ceiling with this transaction if that
// is needed.
func (w *writer) version() (connector.Version, error) {
	v, ok := w.store.versions.reserved()
	if ok || uint64(v) <= w.ceiling {
		return v, nil
	}
	w.ceiling = uint64(v) + versionBlock
	w.changes++

	return v, storeCeiling(w.meta, w.ceiling)
}

// set stores a record in place of old, and keeps the index of ends of life.
func (w *writer) set(bucket, key string, old *record, r record) error {
	w.changes++
	if err := w.unindex(bucket, key, old); err != nil {
		return err
	}
	if r.expires != 0 {
		w.expiring++
		if err := w.expiry.Put(indexRecord(r.expires, bucket, key)); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if err := w.bucket(bucket).Put([]byte(key), r.encode(bucket, key)); err != nil {
		return fmt.Errorf("put: %w", err)
	}

	return nil
}

// remove deletes the record old.
func (w *writer) remove(bucket, key string, old *record) error {
	w.changes++
	if err := w.unindex(bucket, key, old); err != nil {
		return err
	}
	if err := w.bucket(bucket).Delete([]byte(key)); err != nil {
		return fmt.Errorf("delete: %w", err)
	}

	return nil
}

func (w *writer) unindex(bucket, key string, old *record) error {
	if old == nil || old.expires == 0 {
		return nil
	}
	if err := w.expiry.Delete(indexKey(old.expires, bucket, key)); err != nil {
		return fmt.Errorf("index: %w", err)
	}

	return nil
}

// commit makes the transaction durable (invariant 8), after it has cleared away some of what expired.
func (w *writer) commit() error {
	if w.changes == 0 {
		return w.tx.Rollback()
	}
	if err := w.sweep(); err != nil {
		return err
	}
	if err := w.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	w.raised()

	return nil
}

func (w *writer) raised() {
	if w.ceiling > w.store.versions.ceiling.Load() {
		w.store.versions.ceiling.Store(w.ceiling)
	}
}
