package memory

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Update implements connector.Store. fn runs once, and nothing else happens in the store
// meanwhile. A panic of fn undoes its changes and passes through.
func (s *Store) Update(ctx context.Context, fn func(tx connector.KV) error) error {
	return s.do(ctx, OpUpdate, func(time.Time) error {
		t := &tx{store: s}
		defer t.end()
		if err := fn(t); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ended(ctx)
		}
		t.undo = nil

		return nil
	})
}

// tx is the KV of one transaction. It changes the store at once and remembers how to
// undo it.
type tx struct {
	store *Store
	undo  []func()
	over  bool
}

// end undoes what was not committed.
func (t *tx) end() {
	t.over = true
	for i := len(t.undo) - 1; i >= 0; i-- {
		t.undo[i]()
	}
}

// Get implements connector.KV.
func (t *tx) Get(ctx context.Context, key string) (connector.Entry, error) {
	if err := t.check(ctx); err != nil {
		return connector.Entry{}, err
	}

	return t.store.get(key, time.Now())
}

// Put implements connector.KV.
func (t *tx) Put(
	ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration,
) (connector.Version, error) {
	if err := t.check(ctx); err != nil {
		return 0, err
	}
	t.remember(key)

	return t.store.put(key, value, expect, ttl, time.Now())
}

// Delete implements connector.KV.
func (t *tx) Delete(ctx context.Context, key string, expect connector.Version) error {
	if err := t.check(ctx); err != nil {
		return err
	}
	t.remember(key)

	return t.store.delete(key, expect, time.Now())
}

// Scan implements connector.KV.
func (t *tx) Scan(ctx context.Context, from, to string) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		if err := t.check(ctx); err != nil {
			yield(connector.Entry{}, err)

			return
		}
		each(ctx, t.store.scan(from, to, time.Now()), yield)
	}
}

// check refuses what comes after the transaction or its context.
func (t *tx) check(ctx context.Context) error {
	if t.over {
		return connector.Permanent(errors.New("memory: the transaction is over"))
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}

	return nil
}

// remember notes the row as it is before a change.
func (t *tx) remember(key string) {
	entries, now := &t.store.entries, time.Now()
	if before, ok := entries.get(key, now); ok {
		t.undo = append(t.undo, func() { entries.set(key, before, now) })
	} else {
		t.undo = append(t.undo, func() { entries.remove(key) })
	}
}
