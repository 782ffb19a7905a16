package queueconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// maxDelay is the longest that a message waits. A longer Delay of one that is returned is
// cut to it, a later NotBefore of one that is written refused.
const maxDelay = 365 * 24 * time.Hour

var errReturned = errors.New("returned without a cause")

// Settle implements connector.Reader: all settlements in one transaction, synced before it
// returns. Those of messages that this reader does not have any more are ignored.
func (r *reader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	q := r.queue
	if err := q.enter(ctx); err != nil {
		return err
	}
	defer q.running.Done()
	if err := q.check(settlements); err != nil {
		return err
	}
	c := r.collect(settlements)
	if c.empty() {
		return nil
	}
	err := q.storage.settle(ctx, c)
	q.settled(c, err)
	if err == nil && q.forget != nil {
		q.forget(c.done)
	}

	return err
}

// settled brings the queue up to how the commit of the changes ended.
func (q *Queue[T]) settled(c changes, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.schedule.failed(c, time.Now().Add(q.cfg.Lease))
	} else {
		q.schedule.settled(c)
		q.writers.broadcast()
	}
	q.readers.broadcast()
}

func (q *Queue[T]) check(settlements []connector.Settlement) error {
	for _, s := range settlements {
		if s.Position.Partition != q.cfg.Name {
			return connector.Permanent(fmt.Errorf("queueconn: queue %s: settle %s: that is not a position of this queue",
				q.cfg.Name, s.Position))
		}
		if !s.Outcome.Done() && s.Outcome != connector.Returned {
			return connector.Permanent(fmt.Errorf("queueconn: queue %s: settle %s: %s is not an outcome",
				q.cfg.Name, s.Position, s.Outcome))
		}
	}

	return nil
}

// collect decides what each settlement means.
func (r *reader[T]) collect(settlements []connector.Settlement) changes {
	q := r.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.schedule.advance(now)
	c := changes{done: make([]*entry, 0, len(settlements))}
	for _, s := range settlements {
		e := q.schedule.held(s.Position.Offset, r.holder)
		if e == nil {
			continue
		}
		q.schedule.settling(e)
		switch {
		case s.Outcome.Done():
			c.done = append(c.done, e)
		case errors.Is(s.Cause, connector.ErrStopped):
			c.back = append(c.back, comeback{e, due(now, s.Delay), e.spared + 1})
		case q.schedule.worn(e):
			c.dead = append(c.dead, burial{e, cause(s)})
		default:
			c.back = append(c.back, comeback{e, due(now, s.Delay), e.spared})
		}
	}

	return c
}

func cause(s connector.Settlement) error {
	if s.Cause == nil {
		return errReturned
	}

	return s.Cause
}

func due(now time.Time, delay time.Duration) time.Time {
	if delay <= 0 {
		return time.Time{}
	}

	return now.Add(min(delay, maxDelay))
}

// settled brings the schedule up to what was committed.
func (s *schedule) settled(c changes) {
	for _, e := range c.done {
		s.gone(e)
	}
	for _, b := range c.dead {
		s.gone(b.entry)
	}
	for _, b := range c.back {
		s.gone(b.entry)
		b.entry.due, b.entry.spared, b.entry.stored = b.due, b.spared, true
		s.comeBack(b.entry)
	}
	s.live -= len(c.done) + len(c.dead)
	s.dead += len(c.dead)
}

// failed leaves the messages with their reader, so that it can settle them again.
func (s *schedule) failed(c changes, until time.Time) {
	for _, e := range c.done {
		s.unsettled(e, until)
	}
	for _, b := range c.dead {
		s.unsettled(b.entry, until)
	}
	for _, b := range c.back {
		s.unsettled(b.entry, until)
	}
}

// all returns every entry whose attempts are worth noting, and those that the caller has
// in hand.
func (s *schedule) all(inHand []*entry) []*entry {
	entries := make([]*entry, 0, len(s.leased)+len(inHand)+s.ready.len()+s.delayed.len())
	entries = append(entries, inHand...)
	entries = append(entries, s.ready.items...)
	entries = append(entries, s.delayed.items...)
	for _, e := range s.leased {
		entries = append(entries, e)
	}

	return entries
}
