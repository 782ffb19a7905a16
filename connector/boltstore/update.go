package boltstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Update implements connector.Store. Transactions run one after the other, and concurrent
// ones share a commit, so fn must be quick. fn runs on the goroutine of its caller. A call
// of the store itself inside fn that changes something waits until its context ends.
func (s *Store) Update(ctx context.Context, fn func(tx connector.KV) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()

	return s.commits.do(ctx, &change{user: true, apply: func(w *writer) error {
		tx := &transaction{w: w}
		defer func() { tx.over = true }()
		if err := fn(tx); err != nil {
			return err
		}

		return tx.damage
	}})
}

// transaction is the KV that Update gives to its function.
type transaction struct {
	w      *writer
	over   bool
	damage error // met on the way; nothing may be committed over it
}

// guard turns damage into an error for a call by user code, which may go on after it.
func (t *transaction) guard(err *error) {
	if reason := recover(); reason != nil {
		t.damage = damaged(t.w.store.path, fmt.Errorf("page: %v", reason))
		*err = t.damage
	}
}

func (t *transaction) check(ctx context.Context) error {
	if t.over {
		return connector.Permanent(errTxOver)
	}

	return ctx.Err()
}

// Get implements connector.KV.
func (t *transaction) Get(ctx context.Context, key string) (e connector.Entry, err error) {
	defer t.guard(&err)
	if err := t.check(ctx); err != nil {
		return connector.Entry{}, err
	}

	return t.w.store.get(t.w.entries, key, t.w.now)
}

// Put implements connector.KV.
func (t *transaction) Put(
	ctx context.Context, key string, value []byte, expect connector.Version, ttl time.Duration,
) (v connector.Version, err error) {
	defer t.guard(&err)
	if err := t.check(ctx); err != nil {
		return 0, err
	}

	return t.w.put(key, value, expect, ttl)
}

// Delete implements connector.KV.
func (t *transaction) Delete(ctx context.Context, key string, expect connector.Version) (err error) {
	defer t.guard(&err)
	if err := t.check(ctx); err != nil {
		return err
	}

	return t.w.delete(key, expect)
}

// Scan implements connector.KV. It reads in chunks as the store's Scan does, all of them
// in this transaction.
func (t *transaction) Scan(ctx context.Context, from, to string) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		c := chunk{store: t.w.store, next: from, to: to}
		for !c.end {
			err := t.readChunk(ctx, &c)
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

func (t *transaction) readChunk(ctx context.Context, c *chunk) (err error) {
	defer t.guard(&err)
	c.entries = c.entries[:0]
	if err := t.check(ctx); err != nil {
		return err
	}

	return c.read(t.w.entries)
}
