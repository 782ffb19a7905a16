package queueconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

// commits groups the changes of concurrent callers into one transaction.
type commits struct {
	*boltfile.Line[*change]

	file *file
}

// change is the part of one caller. An error of apply stops the queue.
type change struct {
	apply func(b *batch) error
	done  chan struct{}
	err   error
}

// do returns once the change is durable or has failed. When ctx ends before anybody took
// the change up, nothing happens and the context's error is returned.
func (c *commits) do(ctx context.Context, apply func(b *batch) error) error {
	ch := &change{apply: apply, done: make(chan struct{})}
	c.Join(ch)
	ended := ctx.Done()
	for {
		select {
		case <-ch.done:
			return ch.err
		case c.Lead <- struct{}{}:
			c.run(ch)
		case <-ended:
			if c.Withdraw(ch) {
				return ctx.Err()
			}
			ended = nil
		}
	}
}

// run commits everything that is pending, mine included unless it is done already.
func (c *commits) run(mine *change) {
	defer func() { <-c.Lead }()
	select {
	case <-mine.done:
		return
	default:
	}
	group := c.TakeAll()
	err := c.file.commit(group)
	c.Done()
	for _, ch := range group {
		ch.err = err
		close(ch.done)
	}
}

// batch is one read-write transaction of bbolt.
type batch struct {
	messages, returns, dead, meta *bolt.Bucket

	counts counts
	added  int
	later  []*entry
}

// commit applies the changes in one durable transaction (invariant 8). Any error stops the queue for good:
// after a failed sync nobody knows what the disk holds.
func (f *file) commit(group []*change) error {
	if err := f.health(); err != nil {
		return err
	}
	var b *batch
	if err := f.Guard(func() (err error) {
		b, err = f.transact(group)

		return err
	}); err != nil {
		return connector.Ambiguous(f.stop(err))
	}
	f.counts = b.counts
	if b.added > 0 {
		f.publish(b.counts.tail, b.added, b.later)
	}

	return nil
}

func (f *file) transact(group []*change) (b *batch, err error) {
	tx, err := f.DB.Begin(true)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if rollback := tx.Rollback(); err != nil && !errors.Is(rollback, bolterrors.ErrTxClosed) {
			err = errors.Join(err, rollback)
		}
	}()
	b = newBatch(tx, f.counts)
	for _, ch := range group {
		if err := ch.apply(b); err != nil {
			return nil, err
		}
	}
	if err := store(b.meta, bucketMeta, []byte(bucketMeta), b.counts.encode()); err != nil {
		return nil, fmt.Errorf("counts: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}

	return b, nil
}

// newBatch fills its pages from the front, because all keys ascend.
func newBatch(tx *bolt.Tx, n counts) *batch {
	b := &batch{
		messages: tx.Bucket([]byte(bucketMessages)), returns: tx.Bucket([]byte(bucketReturns)),
		dead: tx.Bucket([]byte(bucketDead)), meta: tx.Bucket([]byte(bucketMeta)), counts: n,
	}
	b.messages.FillPercent = fillPercent
	b.dead.FillPercent = fillPercent

	return b
}

// add appends the record of a message. One that is due later has a standing, as if it had
// come back from no attempt.
func (b *batch) add(record []byte, due time.Time) error {
	seq := key(b.counts.tail)
	if err := store(b.messages, bucketMessages, seq, record); err != nil {
		return fmt.Errorf("add message: %w", err)
	}
	if !due.IsZero() {
		if err := store(b.returns, bucketReturns, seq, standing{}.delayed(due).encode()); err != nil {
			return fmt.Errorf("delay message: %w", err)
		}
		b.later = append(b.later, &entry{seq: b.counts.tail, due: due, stored: true})
	}
	b.counts.tail++
	b.counts.live++
	b.added++

	return nil
}

// take removes a message.
func (b *batch) take(e *entry) error {
	if err := b.messages.Delete(key(e.seq)); err != nil {
		return fmt.Errorf("remove message: %w", err)
	}
	b.counts.live--
	if !e.stored {
		return nil
	}
	if err := b.returns.Delete(key(e.seq)); err != nil {
		return fmt.Errorf("remove message: %w", err)
	}

	return nil
}
