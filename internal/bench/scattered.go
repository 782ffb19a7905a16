package main

import (
	"context"
	"io"

	"github.com/millrace-go/millrace/connector"
)

const (
	// scatterStep is prime, and has no divisor in common with a power of ten: steps of it
	// go round all the keys before one comes again.
	scatterStep = 7_368_787
	// scatterRing is more than a pipeline has in flight, so that a message may be used again.
	scatterRing = 16 * chunk
)

// scattered is a source that sends each of a power of ten of keys before any comes again,
// in an order without pattern.
type scattered struct {
	keys, key  int64
	left, next int
	ring       []connector.Message[record]
	metas      []connector.Meta
	offset     int64
}

func newScattered(keys, total int) *scattered {
	return &scattered{
		keys: int64(keys), left: total, ring: make([]connector.Message[record], scatterRing), metas: make([]connector.Meta, scatterRing),
	}
}

func (s *scattered) Open(context.Context) (connector.Reader[record], error) { return s, nil }

func (s *scattered) Read(_ context.Context, limit int) ([]connector.Message[record], error) {
	if s.left <= 0 {
		return nil, io.EOF
	}
	end := min(s.next+min(limit, s.left, chunk), len(s.ring))
	part := s.ring[s.next:end]
	for i := range part {
		s.offset++
		meta := &s.metas[s.next+i]
		*meta = connector.MakeMeta(connector.Fields{Position: connector.Position{Partition: "bench", Offset: s.offset}})
		part[i] = connector.Message[record]{Meta: meta, Value: record{ID: s.offset, Customer: s.key, Amount: 1}}
		s.key = (s.key + scatterStep) % s.keys
	}
	s.next = end % len(s.ring)
	s.left -= len(part)

	return part, nil
}

func (s *scattered) Settle(context.Context, []connector.Settlement) error { return nil }
func (s *scattered) Close() error                                         { return nil }
