package boltstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

// commits groups the changes of concurrent callers into one transaction.
type commits struct {
	*boltfile.Line[*change]

	store *Store
}

// change is the part of one caller.
type change struct {
	// apply either changes nothing and returns an error, or succeeds; only user code may
	// fail half way.
	apply func(w *writer) error
	// user marks code that must run on its caller's goroutine: it may panic, or end the
	// goroutine.
	user bool
	turn chan *writer
	ran  chan error
	done chan struct{}
	err  error
}

// do returns once the change is durable or has failed. When ctx ends before anybody took
// the change up, nothing happens and the context's error is returned.
func (c *commits) do(ctx context.Context, ch *change) error {
	ch.turn, ch.ran, ch.done = make(chan *writer), make(chan error), make(chan struct{})
	c.Join(ch)
	ended := ctx.Done()
	for {
		select {
		case <-ch.done:
			return ch.err
		case w := <-ch.turn:
			ch.take(w)
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

// take runs user code for the caller that leads.
func (ch *change) take(w *writer) {
	err := errBroken
	defer func() { ch.ran <- err }()
	err = ch.apply(w)
}

func (ch *change) finish(err error) {
	ch.err = err
	close(ch.done)
}

// run commits everything that is pending, mine included unless it is done already.
func (c *commits) run(mine *change) {
	defer func() { <-c.Lead }()
	select {
	case <-mine.done:
		return
	default:
	}
	l := leader{commits: c, mine: mine, batch: c.TakeAll()}
	defer l.abandon()
	limit := len(l.batch)
	for len(l.batch) > 0 {
		limit = l.attempt(limit)
	}
}

// leader is the work of one caller for all.
type leader struct {
	commits *commits
	mine    *change
	batch   []*change
	writer  *writer
}

// attempt commits the first n changes together. User code that failed half way takes the
// transaction with it: then those before it are committed first, so that it sees nothing
// that might not become true. It returns how many to attempt next.
func (l *leader) attempt(n int) int {
	s := l.commits.store
	w, err := s.begin()
	if err != nil {
		return l.fail(err)
	}
	l.writer = w
	for i, ch := range l.batch[:n] {
		before := w.changes
		ch.err = l.apply(ch)
		if ch.err == nil || w.changes == before && !errors.Is(ch.err, errBroken) {
			continue
		}
		if err := l.rollback(); err != nil {
			return l.fail(err)
		}

		return l.undone(i)
	}
	if err := l.commit(); err != nil {
		return l.fail(err)
	}

	return l.finish(n)
}

// undone decides how to go on after the i-th change made the leader roll back.
func (l *leader) undone(i int) int {
	ch := l.batch[i]
	if errors.Is(ch.err, errBroken) {
		// Its goroutine is gone, so it cannot run again.
		l.batch = slices.Delete(l.batch, i, i+1)
		ch.finish(ch.err)
	} else if i == 0 {
		return l.finish(1)
	}
	if i == 0 {
		return len(l.batch)
	}

	return i
}

func (l *leader) apply(ch *change) error {
	switch {
	case !ch.user:
		return l.commits.store.file.Guard(func() error { return ch.apply(l.writer) })
	case ch == l.mine:
		return ch.apply(l.writer)
	default:
		ch.turn <- l.writer

		return <-ch.ran
	}
}

func (l *leader) commit() error {
	if err := l.commits.store.file.Guard(l.writer.commit); err != nil {
		return err
	}
	l.writer = nil

	return nil
}

func (l *leader) rollback() error {
	w := l.writer
	l.writer = nil
	if err := w.tx.Rollback(); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}

	return nil
}

// finish releases the first n callers and returns how many are left.
func (l *leader) finish(n int) int {
	l.commits.Done()
	for _, ch := range l.batch[:n] {
		ch.finish(ch.err)
	}
	l.batch = l.batch[n:]

	return len(l.batch)
}

// fail stops the store; nobody knows whether the changes are in the file.
func (l *leader) fail(cause error) int {
	stopped := l.commits.store.stop(cause)
	for _, ch := range l.batch {
		ch.err = connector.Ambiguous(stopped)
	}

	return l.finish(len(l.batch))
}

// abandon runs when the leader's own user code panicked or ended the goroutine, and when
// a commit failed. The transaction is undone, and the others wait for another leader.
func (l *leader) abandon() {
	if l.writer != nil {
		// After a failed commit there is nothing better to do with this error.
		_ = l.rollback()
	}
	others := slices.DeleteFunc(l.batch, func(ch *change) bool { return ch == l.mine })
	l.commits.PutBack(others)
}
