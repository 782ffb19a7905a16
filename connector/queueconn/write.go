package queueconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/wallclock"
)

// fullRetry is how long a Write that found no room asks to wait.
const fullRetry = time.Second

var (
	errFull     = errors.New("the queue is full")
	errTooFar   = errors.New("that is more than 365 days ahead")
	errFinished = errors.New("the queue was finished: nothing more can be written")
)

// Write implements connector.Sink. Each message keeps its ID, key, time and headers; one
// without an ID gets a new UUID. One with a NotBefore in the future is delayed until then;
// it may lie a year ahead at most. While the queue is full, Write waits for room, and what
// fits goes in first; when ctx ends it returns a throttled error for the rest. A message
// over a bound fails on its own, permanently.
func (q *Queue[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	if err := q.enter(ctx); err != nil {
		return err
	}
	defer q.running.Done()
	w := writing[T]{queue: q, parcels: make([]*parcel[T], 0, len(messages))}
	for i, m := range messages {
		w.prepare(i, len(messages), m)
	}
	for w.next < len(w.parcels) {
		if err := w.piece(ctx); err != nil {
			return w.stopped(len(messages), err)
		}
	}

	return w.result()
}

// writing is one Write under way.
type writing[T any] struct {
	queue   *Queue[T]
	parcels []*parcel[T]
	next    int   // parcels before it are accepted
	index   []int // of each parcel among the messages; nil while they are the same
	partial *connector.PartialError
}

func (w *writing[T]) prepare(i, n int, m connector.Message[T]) {
	p, err := w.queue.storage.prepare(m)
	if err == nil {
		p.index = i
		w.parcels = append(w.parcels, p)
		if w.index != nil {
			w.index = append(w.index, i)
		}

		return
	}
	if w.partial == nil {
		w.partial = connector.NewPartialError(n)
		w.index = make([]int, i, n)
		for j := range w.index {
			w.index[j] = j
		}
	}
	w.partial.Members[i] = connector.Member{Fate: connector.Failed, Err: connector.Permanent(
		fmt.Errorf("queueconn: queue %s: message %.80q: %w", w.queue.cfg.Name, m.ID(), err))}
}

// piece stores as many messages as there is room for, at least one.
func (w *writing[T]) piece(ctx context.Context) error {
	q := w.queue
	n, err := q.reserve(ctx, len(w.parcels)-w.next)
	if err != nil {
		return err
	}
	err = q.storage.add(ctx, w.parcels[w.next:w.next+n])
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reserved -= n
	if err != nil {
		q.writers.broadcast()

		return err
	}
	w.next += n
	if q.finished {
		q.readers.broadcast()
	}

	return nil
}

// reserve waits for room for at least one message and at most n.
func (q *Queue[T]) reserve(ctx context.Context, n int) (int, error) {
	for {
		room, wake, err := q.room(n)
		if err != nil || room > 0 {
			return room, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return 0, connector.Throttled(fmt.Errorf("queueconn: queue %s: %w: it holds %d messages, dead letters included: %w",
				q.cfg.Name, errFull, q.cfg.MaxMessages, ctx.Err()), fullRetry)
		}
	}
}

func (q *Queue[T]) room(n int) (int, <-chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return 0, nil, q.closedError()
	case q.finished:
		return 0, nil, connector.Permanent(fmt.Errorf("queueconn: queue %s: %w", q.cfg.Name, errFinished))
	}
	room := min(n, q.cfg.MaxMessages-q.schedule.live-q.schedule.dead-q.reserved)
	if room <= 0 {
		return 0, q.writers.wait(), nil
	}
	q.reserved += room

	return room, nil, nil
}

// stopped is the result when the messages from next on were not accepted.
func (w *writing[T]) stopped(n int, err error) error {
	if w.next == 0 && w.partial == nil {
		return err
	}
	if w.partial == nil {
		w.partial = connector.NewPartialError(n)
	}
	fate := connector.NotAttempted
	if connector.ClassOf(err) == connector.ClassAmbiguous {
		fate = connector.Unclear
	}
	for i := w.next; i < len(w.parcels); i++ {
		w.partial.Members[w.message(i)] = connector.Member{Fate: fate, Err: err}
	}

	return w.result()
}

func (w *writing[T]) result() error {
	if w.partial == nil {
		return nil
	}
	for i := range w.next {
		w.partial.Members[w.message(i)].Fate = connector.Accepted
	}

	return w.partial
}

func (w *writing[T]) message(parcel int) int {
	if w.index == nil {
		return parcel
	}

	return w.index[parcel]
}

// parcelFields checks the metadata of a message and completes it. It returns when the
// message is due by the clock of this process; the zero time means now.
func parcelFields(m *connector.Meta, cfg Config) (connector.Fields, time.Time, error) {
	fields := m.Fields()
	due, err := dueHere(fields.NotBefore)
	if err != nil {
		return fields, due, err
	}
	fields.NotBefore = time.Time{}
	size := len(fields.ID) + len(fields.Key)
	for name, value := range fields.Headers {
		size += len(name) + len(value)
	}
	if size > cfg.MaxHeaders {
		return fields, due, &connector.LimitError{What: "id, key and headers", Size: int64(size), Limit: int64(cfg.MaxHeaders)}
	}
	if fields.ID == "" {
		fields.ID = newID()
	}
	fields.Position, fields.Attempt = connector.Position{}, 0

	return fields, due, nil
}

// dueHere returns when a message that must not go before a time by the wall clock is due by
// the clock of this process; the zero time means now.
func dueHere(notBefore time.Time) (time.Time, error) {
	if notBefore.IsZero() {
		return notBefore, nil
	}
	switch ahead := wallclock.Until(notBefore); {
	case ahead <= 0:
		return time.Time{}, nil
	case ahead <= maxDelay:
		return time.Now().Add(ahead), nil
	default:
		return notBefore, fmt.Errorf("not before %s: %w", notBefore.Format(time.RFC3339), errTooFar)
	}
}
