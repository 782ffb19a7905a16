package queueconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// reader is one of the competing readers of a queue.
type reader[T any] struct {
	queue  *Queue[T]
	holder *holder
	// entries are those that the last Read handed out; the slice is used again.
	entries []*entry
}

var (
	_ connector.Extender = (*reader[int])(nil)
	_ connector.Finisher = (*reader[int])(nil)

	errSilent = errors.New("handed out as often as Config.MaxAttempts allows, and never settled: " +
		"its lease ended each time, or the process did")
)

// Read implements connector.Reader. It wakes at once when something is written or comes
// back, and when the earliest delay or lease ends.
func (r *reader[T]) Read(ctx context.Context, most int) ([]connector.Message[T], error) {
	if most < 1 {
		return nil, connector.Permanent(fmt.Errorf("queueconn: read at most %d messages: want 1 or more", most))
	}
	if err := r.queue.enter(ctx); err != nil {
		return nil, err
	}
	defer r.queue.running.Done()
	for {
		messages, idle, err := r.take(ctx, most)
		if err != nil || len(messages) > 0 {
			return messages, err
		}
		if err := idle.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// idle is what a Read that found nothing waits for.
type idle struct {
	wake <-chan struct{}
	at   time.Time
}

func (i idle) wait(ctx context.Context) error {
	if i.wake == nil {
		return nil
	}
	var alarm <-chan time.Time
	if !i.at.IsZero() {
		timer := time.NewTimer(time.Until(i.at))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-i.wake:
		return nil
	case <-alarm:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take hands out what is ready. With neither messages nor an error it says what to wait
// for; nothing to wait for means try again.
func (r *reader[T]) take(ctx context.Context, most int) ([]connector.Message[T], idle, error) {
	q := r.queue
	q.picking.Lock()
	defer q.picking.Unlock()
	p, wait, err := r.pick(most)
	if err != nil || p.empty() {
		return nil, wait, err
	}
	found, err := q.storage.load(p)
	if err != nil {
		q.unpick(p)

		return nil, idle{}, err
	}
	q.passed(p, found)
	good, err := q.bury(ctx, found)
	if err != nil {
		return nil, idle{}, err
	}
	if len(good) == 0 {
		return nil, idle{}, nil
	}
	messages, err := r.handOut(good)
	clear(found)

	return messages, idle{}, err
}

func (r *reader[T]) pick(most int) (pick, idle, error) {
	q := r.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || r.holder.closed {
		return pick{}, idle{}, q.closedError()
	}
	q.schedule.advance(time.Now())
	p := q.schedule.pick(most)
	if !p.empty() {
		return p, idle{}, nil
	}
	if q.finished && q.schedule.live == 0 && q.reserved == 0 {
		return p, idle{}, io.EOF
	}

	return p, idle{wake: q.readers.wait(), at: q.schedule.next()}, nil
}

func (q *Queue[T]) unpick(p pick) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.schedule.unpick(p)
}

// passed moves the head behind the fresh messages that were loaded, and puts back the
// entries that were not.
func (q *Queue[T]) passed(p pick, found []loaded[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(found) < len(p.back) {
		q.schedule.unpick(pick{back: p.back[len(found):]})

		return
	}
	if fresh := len(found) - len(p.back); fresh > 0 {
		q.schedule.head = found[len(found)-1].entry.seq + 1
	} else if len(p.back) == 0 {
		q.schedule.head = p.to
	}
}

// bury makes dead letters of what cannot be read and of what has no attempt left, and
// returns the others.
func (q *Queue[T]) bury(ctx context.Context, found []loaded[T]) ([]loaded[T], error) {
	var c changes
	good := found[:0]
	for _, m := range found {
		switch {
		case m.err != nil:
			c.dead = append(c.dead, burial{m.entry, m.err})
		case q.schedule.worn(m.entry):
			c.dead = append(c.dead, burial{m.entry, errSilent})
		default:
			good = append(good, m)
		}
	}
	if len(c.dead) == 0 {
		return good, nil
	}
	err := q.storage.settle(ctx, c)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		for _, b := range c.dead {
			q.schedule.comeBack(b.entry)
		}
		for _, m := range good {
			q.schedule.comeBack(m.entry)
		}

		return nil, err
	}
	q.schedule.live -= len(c.dead)
	q.schedule.dead += len(c.dead)

	return good, nil
}

// handOut counts the attempt, notes it, and leases the messages to the reader.
func (r *reader[T]) handOut(good []loaded[T]) ([]connector.Message[T], error) {
	q := r.queue
	entries := r.entries[:0]
	for _, m := range good {
		entries = append(entries, m.entry)
		m.entry.attempt++
	}
	defer clear(entries)
	r.entries = entries
	if err := q.note(entries); err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, e := range entries {
			e.attempt--
			q.schedule.comeBack(e)
		}

		return nil, err
	}
	metas := make([]connector.Meta, len(good))
	messages := make([]connector.Message[T], len(good))
	for i := range good {
		e, p := good[i].entry, good[i].parcel
		fields := p.fields
		fields.Position = connector.Position{Partition: q.cfg.Name, Offset: e.seq}
		fields.Attempt = e.counted()
		metas[i] = connector.MakeMeta(fields)
		messages[i] = connector.Message[T]{Meta: &metas[i], Value: p.value}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.schedule.lease(entries, r.holder, time.Now().Add(q.cfg.Lease))

	return messages, nil
}

// note remembers attempts; the caller holds picking.
func (q *Queue[T]) note(entries []*entry) error {
	full, err := q.storage.note(entries)
	if err != nil || !full {
		return err
	}
	q.mu.Lock()
	all := q.schedule.all(entries)
	q.mu.Unlock()

	return q.storage.rewrite(all)
}

// Extend implements connector.Extender.
func (r *reader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	q := r.queue
	if err := q.enter(ctx); err != nil {
		return err
	}
	defer q.running.Done()
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.schedule.advance(now)
	for _, p := range positions {
		if e := q.schedule.held(p.Offset, r.holder); e != nil && p.Partition == q.cfg.Name {
			q.schedule.extend(e, now.Add(q.cfg.Lease))
		}
	}

	return nil
}

// Finish implements connector.Finisher, for the whole queue: from now on Write fails for
// everyone, and every Reader gets io.EOF once nothing is left, not this one alone. The
// queue begins anew when every Reader has been closed, whether it was read to its end or
// not, so that a pipeline can run again. It is not kept on disk.
func (r *reader[T]) Finish() {
	q := r.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finished = true
	q.readers.broadcast()
	q.writers.broadcast()
}

// Close implements connector.Reader. What was handed out and not settled is ready again
// at once.
func (r *reader[T]) Close() error {
	q := r.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if !r.holder.closed {
		q.open--
	}
	r.holder.closed = true
	if q.open == 0 {
		q.finished = false
	}
	q.schedule.advance(time.Now())
	q.schedule.release(r.holder)
	q.readers.broadcast()

	return nil
}
