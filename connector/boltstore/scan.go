package boltstore

import (
	"context"
	"iter"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// A chunk of a Scan ends at whichever of these comes first.
const (
	scanEntries = 256
	scanBytes   = 1 << 20
)

// Scan implements connector.KV. It holds no transaction while the body runs; the package
// comment says what the body sees.
func (s *Store) Scan(ctx context.Context, from, to string) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		c := chunk{store: s, next: from, to: to}
		for !c.end {
			err := s.readChunk(ctx, &c)
			if !yieldAll(ctx, c.entries, yield) {
				return
			}
			if err != nil {
				yield(connector.Entry{}, err)

				return
			}
		}
	}
}

func (s *Store) readChunk(ctx context.Context, c *chunk) error {
	c.entries = c.entries[:0]
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()

	return s.file.View(func(tx *bolt.Tx) error { return c.read(tx.Bucket([]byte(bucketEntries))) })
}

func yieldAll(ctx context.Context, entries []connector.Entry, yield func(connector.Entry, error) bool) bool {
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			yield(connector.Entry{}, err)

			return false
		}
		if !yield(e, nil) {
			return false
		}
	}

	return true
}

// chunk is a bounded part of a Scan.
type chunk struct {
	store    *Store
	next, to string
	entries  []connector.Entry
	end      bool
}

// read fills the chunk from c.next on, and moves c.next behind it.
func (c *chunk) read(b *bolt.Bucket) error {
	now, size, seen := wallclock.Now(), 0, 0
	cursor := b.Cursor()
	for k, data := cursor.Seek([]byte(c.next)); k != nil; k, data = cursor.Next() {
		key := string(k)
		if c.to != "" && key >= c.to {
			break
		}
		if seen == scanEntries || size >= scanBytes {
			return nil
		}
		c.next = key + "\x00"
		seen, size = seen+1, size+len(data)
		r, err := decode(bucketEntries, key, data)
		if err != nil {
			return connector.Permanent(&CorruptError{File: c.store.path, Key: key, Err: err})
		}
		if !r.expired(now) {
			c.entries = append(c.entries, r.entry(key))
		}
	}
	c.end = true

	return nil
}
