package queueconn

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/millrace-go/millrace/connector"
)

// commits groups the changes of concurrent callers into one transaction. There is no
// goroutine: whoever gets the lead commits for all that wait.
type commits struct {
	file *file
	lead chan struct{} // holds one element while somebody leads

	mu      sync.Mutex
	pending []*change
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
	c.mu.Lock()
	c.pending = append(c.pending, ch)
	c.mu.Unlock()
	ended := ctx.Done()
	for {
		select {
		case <-ch.done:
			return ch.err
		case c.lead <- struct{}{}:
			c.run(ch)
		case <-ended:
			if c.withdraw(ch) {
				return ctx.Err()
			}
			ended = nil
		}
	}
}

func (c *commits) withdraw(ch *change) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.pending, ch)
	if i < 0 {
		return false
	}
	c.pending = slices.Delete(c.pending, i, i+1)

	return true
}

// run commits everything that is pending, mine included unless it is done already.
func (c *commits) run(mine *change) {
	defer func() { <-c.lead }()
	select {
	case <-mine.done:
		return
	default:
	}
	// Callers that the last commit released are about to come back: let them join.
	runtime.Gosched()
	c.mu.Lock()
	group := c.pending
	c.pending = nil
	c.mu.Unlock()
	err := c.file.commit(group)
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
}

// commit applies the changes in one transaction. Any error stops the queue for good:
// after a failed sync nobody knows what the disk holds.
func (f *file) commit(group []*change) error {
	if err := f.health(); err != nil {
		return err
	}
	b, err := f.transact(group)
	if err != nil {
		return connector.Ambiguous(f.stop(err))
	}
	f.counts = b.counts
	if b.added > 0 {
		f.publish(b.counts.tail, b.added)
	}

	return nil
}

func (f *file) transact(group []*change) (b *batch, err error) {
	defer recoverDamage(f.path, &err)
	// A damaged page can send bbolt outside the mapping; that is to be an error too.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	tx, err := f.db.Begin(true)
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
	if err := b.meta.Put([]byte(bucketMeta), b.counts.encode()); err != nil {
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

// add appends the record of a message.
func (b *batch) add(record []byte) error {
	if err := b.messages.Put(key(b.counts.tail), record); err != nil {
		return fmt.Errorf("add message: %w", err)
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
