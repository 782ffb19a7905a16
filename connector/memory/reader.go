package memory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// reader is one Open of a Source. Its state is guarded by the source's lock.
type reader[T any] struct {
	source  *Source[T]
	order   []int // handed out and not settled; kept for ordered sources only
	eof     bool
	closed  bool
	revoked func(ctx context.Context, partitions []string) error // of OnRevoke
}

// Read implements connector.Reader.
func (r *reader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	if limit < 1 {
		return nil, connector.Permanent(fmt.Errorf("memory: read of at most %d messages: want 1 or more", limit))
	}
	step, err := r.source.reading.begin(ctx)
	if err != nil {
		return nil, err
	}
	messages, err := r.await(ctx, limit)

	return messages, step.finish(err)
}

// await takes messages as soon as there are some.
func (r *reader[T]) await(ctx context.Context, limit int) ([]connector.Message[T], error) {
	for {
		messages, pause, err := r.take(limit)
		if len(messages) > 0 || err != nil {
			return messages, err
		}
		if err := pause.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// take returns messages, or an error, or what to wait for.
func (r *reader[T]) take(limit int) ([]connector.Message[T], pause, error) {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.closed:
		return nil, pause{}, fmt.Errorf("memory: read: %w", connector.ErrClosed)
	case r.eof:
		return nil, pause{}, io.EOF
	}
	if chosen := s.choose(limit); len(chosen) > 0 {
		return r.handOut(chosen), pause{}, nil
	}
	if s.ended() {
		r.eof = true

		return nil, pause{}, io.EOF
	}

	return nil, s.pause(), nil
}

// handOut gives items to the reader, with one allocation for all metadata.
func (r *reader[T]) handOut(chosen []int) []connector.Message[T] {
	s := r.source
	var due time.Time
	if s.caps.Lease > 0 {
		due = time.Now().Add(s.caps.Lease)
	}
	messages := make([]connector.Message[T], len(chosen))
	metas := make([]connector.Meta, len(chosen))
	for i, index := range chosen {
		it := &s.items[index]
		it.owner, it.due, it.outcome = r, due, connector.Pending
		it.attempt++
		fields := it.meta.Fields()
		fields.Position = s.position(index)
		fields.Attempt = it.attempt
		metas[i] = connector.MakeMeta(fields)
		messages[i] = connector.Message[T]{Meta: &metas[i], Value: it.value}
	}
	s.inFlight += len(chosen)
	if s.caps.Ordered {
		r.order = append(r.order, chosen...)
	}

	return messages
}

// Settle implements connector.Reader. What was settled before, or lost to another reader,
// is skipped.
func (r *reader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	step, err := r.source.settling.begin(ctx)
	if err != nil {
		return err
	}
	r.source.mu.Lock()
	defer r.source.mu.Unlock()
	for _, settlement := range settlements {
		if err := r.settle(settlement); err != nil {
			return err
		}
	}

	return step.finish(nil)
}

func (r *reader[T]) settle(settlement connector.Settlement) error {
	if settlement.Outcome == connector.Pending {
		return connector.Permanent(fmt.Errorf("memory: settle %s: the outcome is pending", settlement.Position))
	}
	s := r.source
	index, err := s.index(settlement.Position)
	if err != nil {
		return err
	}
	it := &s.items[index]
	if it.owner != r || it.outcome != connector.Pending {
		return nil
	}
	if err := r.inOrder(index, settlement.Position); err != nil {
		return err
	}
	s.settle(index, settlement)

	return nil
}

// inOrder takes the item off the order of an ordered source.
func (r *reader[T]) inOrder(index int, position connector.Position) error {
	if !r.source.caps.Ordered {
		return nil
	}
	if r.order[0] != index {
		return connector.Permanent(fmt.Errorf("memory: settle %s before %s: the source is ordered",
			position, r.source.position(r.order[0])))
	}
	r.order = r.order[1:]

	return nil
}

// Extend implements connector.Extender.
func (r *reader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extended = append(s.extended, positions...)
	due := time.Now().Add(s.caps.Lease)
	var errs []error
	for _, position := range positions {
		index, err := s.index(position)
		errs = append(errs, err)
		if err == nil && s.items[index].owner == r {
			s.items[index].due = due
		}
	}

	return errors.Join(errs...)
}

// Close implements connector.Reader. A second Close does nothing.
func (r *reader[T]) Close() error {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	r.closed = true
	s.readers = slices.DeleteFunc(s.readers, func(open *reader[T]) bool { return open == r })
	for index := s.low; index < s.fresh; index++ {
		if s.items[index].owner == r {
			s.putBack(index, time.Time{})
		}
	}
	s.wake()

	return nil
}
