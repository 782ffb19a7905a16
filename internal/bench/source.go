package main

import (
	"context"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// record is the 64-byte struct that the rows about the hot path send.
type record struct {
	ID, Customer, Amount, Quantity int64
	A, B, C, D                     int64
}

const (
	chunk = 128
	// ringSize is how many records there are; they come again and again.
	ringSize = 4 * chunk
)

// ring holds the records that every contestant of the hot path sends.
var ring = makeRing(func(i int64) record { return record{ID: i, Customer: i, Amount: i % 100, Quantity: i % 7} })

func makeRing[T any](value func(i int64) T) []connector.Message[T] {
	metas := make([]connector.Meta, ringSize)
	list := make([]connector.Message[T], ringSize)
	for i := range list {
		id := int64(i)
		metas[i] = connector.MakeMeta(connector.Fields{Position: connector.Position{Partition: "bench", Offset: id + 1}})
		list[i] = connector.Message[T]{Meta: &metas[i], Value: value(id)}
	}

	return list
}

// chunked hands out parts of a prepared ring, so that it costs next to nothing.
type chunked[T any] struct {
	ring       []connector.Message[T]
	left, next int
}

func newChunked[T any](ring []connector.Message[T], total int) *chunked[T] {
	return &chunked[T]{ring: ring, left: total}
}

func (s *chunked[T]) Open(context.Context) (connector.Reader[T], error) { return s, nil }

func (s *chunked[T]) Describe() connector.Capabilities { return connector.Capabilities{Name: "bench"} }

func (s *chunked[T]) Read(_ context.Context, limit int) ([]connector.Message[T], error) {
	if s.left <= 0 {
		return nil, io.EOF
	}
	end := min(s.next+min(limit, s.left), len(s.ring))
	part := s.ring[s.next:end]
	s.next = end % len(s.ring)
	s.left -= len(part)

	return part, nil
}

func (s *chunked[T]) Settle(context.Context, []connector.Settlement) error { return nil }
func (s *chunked[T]) Close() error                                         { return nil }

// sum is a sink that counts and adds up.
type sum struct{ n, total int64 }

func (s *sum) Write(_ context.Context, messages []connector.Message[record]) error {
	for i := range messages {
		s.add(messages[i].Value)
	}

	return nil
}

func (s *sum) add(r record) {
	s.n++
	s.total += r.Amount
}

// tally is a sink that counts.
type tally[T any] struct{ n int }

func (t *tally[T]) Write(_ context.Context, messages []connector.Message[T]) error {
	t.n += len(messages)

	return nil
}
