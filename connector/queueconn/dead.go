package queueconn

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/millrace-go/millrace/connector"
)

// maxCause is the most bytes of a cause that are kept.
const maxCause = 4096

// RecordError says that a stored message could not be read back: damaged, or not what the
// codec understands. It is the Err of its dead letter.
type RecordError struct {
	// File is the path of the queue.
	File string
	// Position is where the message stood.
	Position connector.Position
	// Raw is the value as it is stored or, where that is damaged, the whole record.
	Raw []byte
	Err error
}

// Error names the message and why it cannot be read.
func (e *RecordError) Error() string {
	return fmt.Sprintf("queueconn: %s: message %s cannot be read: %v", e.File, e.Position, e.Err)
}

// Unwrap returns why the message cannot be read.
func (e *RecordError) Unwrap() error { return e.Err }

// Dead yields the dead letters in the order in which they were accepted. Stage is the name
// of the queue. A message that cannot be read has a zero Value and a *RecordError as its
// Err, and its position as ID where the ID cannot be read either. Iteration stops at the
// first error. The body may call the queue.
func (q *Queue[T]) Dead(ctx context.Context) iter.Seq2[connector.DeadLetter[T], error] {
	return func(yield func(connector.DeadLetter[T], error) bool) {
		if err := q.enter(ctx); err != nil {
			yield(connector.DeadLetter[T]{}, err)

			return
		}
		defer q.running.Done()
		q.storage.buried(ctx)(yield)
	}
}

// Redrive moves dead letters back to the end of the queue, where they start again with
// attempt 1, and returns how many. Without ids it moves all. Each is moved in one
// transaction, so a Redrive that is broken off loses none. Ids that no dead letter has
// give connector.ErrNotFound, after the others were moved.
func (q *Queue[T]) Redrive(ctx context.Context, ids ...string) (int, error) {
	return q.unbury(ctx, ids, false)
}

// Discard removes dead letters for good, and returns how many. Without ids it removes all.
// Ids that no dead letter has give connector.ErrNotFound, after the others were removed.
func (q *Queue[T]) Discard(ctx context.Context, ids ...string) (int, error) {
	return q.unbury(ctx, ids, true)
}

func (q *Queue[T]) unbury(ctx context.Context, ids []string, discard bool) (int, error) {
	if err := q.enter(ctx); err != nil {
		return 0, err
	}
	defer q.running.Done()
	names := make(wanted, len(ids))
	for _, id := range ids {
		names[id] = false
	}
	total := 0
	for next := int64(0); next >= 0; {
		n, following, err := q.storage.unbury(ctx, next, names, discard)
		if err != nil {
			return total, err
		}
		next, total = following, total+n
		q.exhumed(n)
	}

	return total, q.missing(names)
}

func (q *Queue[T]) exhumed(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.schedule.dead -= n
	q.writers.broadcast()
}

func (q *Queue[T]) missing(names wanted) error {
	var absent []string
	for id, found := range names {
		if !found {
			absent = append(absent, id)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	slices.Sort(absent)

	return fmt.Errorf("queueconn: queue %s: no dead letter with id %s: %w",
		q.cfg.Name, strings.Join(absent, ", "), connector.ErrNotFound)
}

func causeText(cause error) string {
	text := cause.Error()
	if len(text) > maxCause {
		text = strings.ToValidUTF8(text[:maxCause], "")
	}

	return text
}
