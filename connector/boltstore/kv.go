package boltstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// Get implements connector.KV.
func (s *Store) Get(ctx context.Context, key string) (connector.Entry, error) {
	if err := s.enter(ctx); err != nil {
		return connector.Entry{}, err
	}
	defer s.running.Done()
	var e connector.Entry
	err := s.file.View(func(tx *bolt.Tx) (err error) {
		e, err = s.get(tx.Bucket([]byte(bucketEntries)), key, wallclock.Now())

		return err
	})

	return e, err
}

// Put implements connector.KV. It returns once the entry is synced to disk.
func (s *Store) Put(
	ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration,
) (connector.Version, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.running.Done()
	var version connector.Version
	err := s.commits.do(ctx, &change{apply: func(w *writer) (err error) {
		version, err = w.put(key, value, expect, ttl)

		return err
	}})
	if err != nil {
		return 0, err
	}

	return version, nil
}

// Delete implements connector.KV. It returns once the change is synced to disk.
func (s *Store) Delete(ctx context.Context, key string, expect connector.Version) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()

	return s.commits.do(ctx, &change{apply: func(w *writer) error { return w.delete(key, expect) }})
}

func (s *Store) get(b *bolt.Bucket, key string, now time.Time) (connector.Entry, error) {
	if err := connector.CheckEntry(key, nil); err != nil {
		return connector.Entry{}, err
	}
	r, err := s.live(b, bucketEntries, key, now)
	if err != nil {
		return connector.Entry{}, err
	}

	return r.entry(key), nil
}

// live returns a record that has not expired, or connector.ErrNotFound.
func (s *Store) live(b *bolt.Bucket, bucket, key string, now time.Time) (record, error) {
	data := b.Get([]byte(key))
	if data == nil {
		return record{}, fmt.Errorf("boltstore: key %q: %w", key, connector.ErrNotFound)
	}
	r, err := decode(bucket, key, data)
	if err != nil {
		return record{}, connector.Permanent(&CorruptError{File: s.path, Key: key, Err: err})
	}
	if r.expired(now) {
		return record{}, fmt.Errorf("boltstore: key %q: %w", key, connector.ErrNotFound)
	}

	return r, nil
}

func (w *writer) put(
	key string, value []byte, expect connector.Version, ttl time.Duration,
) (connector.Version, error) {
	if err := connector.CheckEntry(key, value); err != nil {
		return 0, err
	}
	if err := checkTTL(ttl); err != nil {
		return 0, err
	}
	old, err := w.expected(key, expect)
	if err != nil {
		return 0, err
	}
	version, err := w.version()
	if err != nil {
		return 0, err
	}
	r := record{expires: endOfLife(w.now, ttl), version: version, value: value}

	return version, w.set(bucketEntries, key, old, r)
}

func (w *writer) delete(key string, expect connector.Version) error {
	if err := connector.CheckEntry(key, nil); err != nil {
		return err
	}
	old, err := w.expected(key, expect)
	if err != nil || w.entries.Get([]byte(key)) == nil {
		return err
	}

	return w.remove(bucketEntries, key, old)
}

// expected returns the stored record, expired or not, or nil where there is none, if a
// change that expects this version may go ahead.
func (w *writer) expected(key string, expect connector.Version) (*record, error) {
	data := w.entries.Get([]byte(key))
	if data == nil {
		return nil, conflict(key, expect, connector.Absent)
	}
	r, err := decode(bucketEntries, key, data)
	if err != nil {
		if expect == connector.Any {
			return nil, nil //nolint:nilnil // a damaged record may be replaced
		}

		return nil, connector.Permanent(&CorruptError{File: w.store.path, Key: key, Err: err})
	}
	found := r.version
	if r.expired(w.now) {
		found = connector.Absent
	}

	return &r, conflict(key, expect, found)
}

func conflict(key string, expect, found connector.Version) error {
	if expect == connector.Any || expect == found {
		return nil
	}

	return fmt.Errorf("boltstore: key %q is at version %d, expected %d: %w", key, found, expect, connector.ErrConflict)
}

func checkTTL(ttl time.Duration) error {
	if ttl < 0 {
		return connector.Permanent(errors.New("boltstore: the ttl is negative: want zero for ever, or more"))
	}

	return nil
}
