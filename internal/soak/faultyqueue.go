package main

import (
	"context"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// faultyQueue is a queue whose Write is that of a faultySink and whose readers fail to
// settle, before or after they have done it.
type faultyQueue[T any] struct {
	connector.Queue[T]

	sink *faultySink[T]
}

// queueRarity keeps most messages from ending as letters at a queue that nobody retries.
const queueRarity = 20

func newFaultyQueue[T any](queue connector.Queue[T], dice *dice, name string, excuse func(T)) *faultyQueue[T] {
	return &faultyQueue[T]{queue, &faultySink[T]{queue, dice, name, excuse, queueRarity}}
}

// Describe passes on what the queue declares.
func (q *faultyQueue[T]) Describe() connector.Capabilities { return connector.Describe(q.Queue) }

// Write implements connector.Sink.
func (q *faultyQueue[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	return q.sink.Write(ctx, messages)
}

// Open implements connector.Source.
func (q *faultyQueue[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	if q.sink.dice.fault(q.sink.name+": does not open", 20) {
		return nil, transient()
	}
	r, err := q.Queue.Open(ctx)
	if err != nil {
		return nil, err
	}

	return &faultyReader[T]{Reader: r, of: q.sink, open: make(map[connector.Position]T)}, nil
}

type faultyReader[T any] struct {
	connector.Reader[T]

	of   *faultySink[T]
	mu   sync.Mutex
	open map[connector.Position]T
}

// Read implements connector.Reader.
func (r *faultyReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	if r.of.dice.fault(r.of.name+": does not read", 5000) {
		return nil, transient()
	}
	list, err := r.Reader.Read(ctx, limit)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range list {
		r.open[m.Position()] = m.Value
	}

	return list, err
}

// Settle implements connector.Reader. A message that goes back may have had its effect in
// one of the branches below.
func (r *faultyReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	if r.of.dice.fault(r.of.name+": does not settle", 100) {
		return connector.Ambiguous(errFault)
	}
	if err := r.Reader.Settle(ctx, settlements); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range settlements {
		if value, ok := r.open[s.Position]; ok && s.Outcome == connector.Returned {
			r.of.excuse(value)
		}
		delete(r.open, s.Position)
	}
	if r.of.dice.fault(r.of.name+": settles and reports failure", 100) {
		return connector.Ambiguous(errFault)
	}

	return nil
}

// Close excuses what was not settled: it comes again.
func (r *faultyReader[T]) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range r.open {
		r.of.dice.note(r.of.name + ": messages not settled at Close")
		r.of.excuse(value)
	}
	clear(r.open)

	return r.Reader.Close()
}

// Extend passes on to the reader.
func (r *faultyReader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	if e, ok := r.Reader.(connector.Extender); ok {
		return e.Extend(ctx, positions)
	}

	return nil
}

// Finish passes on to the reader.
func (r *faultyReader[T]) Finish() {
	if f, ok := r.Reader.(connector.Finisher); ok {
		f.Finish()
	}
}
