package killtest

import (
	"context"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// atSource is the place of the first source of a target.
const atSource = "source"

// Tracked is a source that reports what it hands out and what was settled. number tells
// which message a value is.
func Tracked[T any](source connector.Source[T], report *Report, number func(T) int) connector.Source[T] {
	return &tracked[T]{Source: source, report: report, number: number, place: atSource}
}

type tracked[T any] struct {
	connector.Source[T]

	report *Report
	number func(T) int
	place  string
}

// Describe passes on what the source declares.
func (s *tracked[T]) Describe() connector.Capabilities { return connector.Describe(s.Source) }

// Open implements connector.Source.
func (s *tracked[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	r, err := s.Source.Open(ctx)
	if err != nil {
		return nil, err
	}

	return &trackedReader[T]{Reader: r, source: s, open: make(map[connector.Position]int)}, nil
}

type trackedReader[T any] struct {
	connector.Reader[T]

	source *tracked[T]
	mu     sync.Mutex
	open   map[connector.Position]int
}

// Read implements connector.Reader.
func (r *trackedReader[T]) Read(ctx context.Context, limit int) ([]connector.Message[T], error) {
	list, err := r.Reader.Read(ctx, limit)
	numbers := make([]int, len(list))
	r.mu.Lock()
	for i, m := range list {
		numbers[i] = r.source.number(m.Value)
		r.open[m.Position()] = numbers[i]
	}
	r.mu.Unlock()
	r.source.report.take(r.source.place, numbers)

	return list, err
}

// Settle implements connector.Reader.
func (r *trackedReader[T]) Settle(ctx context.Context, settlements []connector.Settlement) error {
	if err := r.Reader.Settle(ctx, settlements); err != nil {
		return err
	}
	var numbers []int
	r.mu.Lock()
	for _, s := range settlements {
		if n, ok := r.open[s.Position]; ok {
			numbers = append(numbers, n)
			delete(r.open, s.Position)
		}
	}
	r.mu.Unlock()
	r.source.report.done(r.source.place, numbers)

	return nil
}

// Extend passes on to the reader of a source with leases.
func (r *trackedReader[T]) Extend(ctx context.Context, positions []connector.Position) error {
	if e, ok := r.Reader.(connector.Extender); ok {
		return e.Extend(ctx, positions)
	}

	return nil
}

// Finish passes on to the reader of a queue.
func (r *trackedReader[T]) Finish() {
	if f, ok := r.Reader.(connector.Finisher); ok {
		f.Finish()
	}
}

// trackedQueue is a queue whose far side is tracked.
type trackedQueue[T any] struct {
	connector.Queue[T]

	far *tracked[T]
}

func trackQueue[T any](queue connector.Queue[T], report *Report, number func(T) int) connector.Queue[T] {
	return &trackedQueue[T]{queue, &tracked[T]{queue, report, number, "queue"}}
}

// Describe passes on what the queue declares.
func (q *trackedQueue[T]) Describe() connector.Capabilities { return q.far.Describe() }

// Open implements connector.Source.
func (q *trackedQueue[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	return q.far.Open(ctx)
}
