package memory

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Get implements connector.KV.
func (s *Store) Get(ctx context.Context, key string) (entry connector.Entry, err error) {
	err = s.do(ctx, OpGet, func(now time.Time) error {
		entry, err = s.get(key, now)

		return err
	})

	return entry, err
}

// Put implements connector.KV.
func (s *Store) Put(
	ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration,
) (version connector.Version, err error) {
	err = s.do(ctx, OpPut, func(now time.Time) error {
		version, err = s.put(key, value, expect, ttl, now)

		return err
	})

	return version, err
}

// Delete implements connector.KV.
func (s *Store) Delete(ctx context.Context, key string, expect connector.Version) error {
	return s.do(ctx, OpDelete, func(now time.Time) error { return s.delete(key, expect, now) })
}

// Scan implements connector.KV. It yields the entries as they were when the loop began.
func (s *Store) Scan(ctx context.Context, from, to string) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		var entries []connector.Entry
		err := s.do(ctx, OpScan, func(now time.Time) error {
			entries = s.scan(from, to, now)

			return nil
		})
		if err != nil {
			yield(connector.Entry{}, err)

			return
		}
		each(ctx, entries, yield)
	}
}

// each yields entries until the context ends. Their values are copied one at a time.
func each(ctx context.Context, entries []connector.Entry, yield func(connector.Entry, error) bool) {
	for _, entry := range entries {
		if ctx.Err() != nil {
			yield(connector.Entry{}, ended(ctx))

			return
		}
		entry.Value = bytes.Clone(entry.Value)
		if !yield(entry, nil) {
			return
		}
	}
}

func (s *Store) get(key string, now time.Time) (connector.Entry, error) {
	r, ok := s.entries.get(key, now)
	if !ok {
		return connector.Entry{}, fmt.Errorf("memory: get %q: %w", key, connector.ErrNotFound)
	}
	entry := entryOf(key, r)
	entry.Value = bytes.Clone(entry.Value)

	return entry, nil
}

func (s *Store) put(
	key string, value []byte, expect connector.Version, ttl time.Duration, now time.Time,
) (connector.Version, error) {
	if err := connector.CheckEntry(key, value); err != nil {
		return 0, fmt.Errorf("memory: put: %w", err)
	}
	if ttl < 0 {
		return 0, connector.Permanent(fmt.Errorf("memory: put %q: ttl is %v: want 0 or more", key, ttl))
	}
	if err := s.expect(key, expect, now); err != nil {
		return 0, fmt.Errorf("memory: put %q: %w", key, err)
	}
	r := row[stored]{value: stored{value: bytes.Clone(value), version: s.next()}, ends: endOf(ttl, now)}
	s.entries.set(key, r, now)

	return r.value.version, nil
}

func (s *Store) delete(key string, expect connector.Version, now time.Time) error {
	if err := s.expect(key, expect, now); err != nil {
		return fmt.Errorf("memory: delete %q: %w", key, err)
	}
	s.next()
	s.entries.remove(key)

	return nil
}

// expect compares the version of an entry.
func (s *Store) expect(key string, expect connector.Version, now time.Time) error {
	if expect == connector.Any {
		return nil
	}
	r, _ := s.entries.get(key, now) // an absent entry has the version Absent
	if r.value.version == expect {
		return nil
	}

	return fmt.Errorf("%w: it is %d, not %d", connector.ErrConflict, r.value.version, expect)
}

func (s *Store) scan(from, to string, now time.Time) []connector.Entry {
	keys := s.entries.within(from, to)
	entries := make([]connector.Entry, 0, len(keys))
	for _, key := range keys {
		if r, ok := s.entries.get(key, now); ok {
			entries = append(entries, entryOf(key, r))
		}
	}

	return entries
}

// entryOf returns an entry that shares its value with the store.
func entryOf(key string, r row[stored]) connector.Entry {
	return connector.Entry{Key: key, Value: r.value.value, Version: r.value.version, Expires: r.ends}
}

// endOf returns when a ttl that begins now is over; zero, which is never, for none.
func endOf(ttl time.Duration, now time.Time) time.Time {
	if ttl == 0 {
		return time.Time{}
	}

	return now.Add(ttl)
}
