package flow_test

import (
	"context"
	"io"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// record is the 64-byte struct of the hot-path benchmarks.
type record struct {
	ID, Customer, Amount, Quantity int64
	A, B, C, D                     int64
}

// chunked hands out parts of the same prepared ring again and again, so that what it
// costs is next to nothing.
type chunked struct {
	ring       []connector.Message[record]
	left, next int
}

func newChunked(total, size int) *chunked {
	n := 4 * size
	metas := make([]connector.Meta, n)
	s := &chunked{left: total, ring: make([]connector.Message[record], n)}
	for i := range s.ring {
		id := int64(i)
		metas[i] = connector.MakeMeta(connector.Fields{Position: connector.Position{Partition: "bench", Offset: id + 1}})
		s.ring[i] = connector.Message[record]{Meta: &metas[i], Value: record{ID: id, Amount: id % 100, Quantity: id % 7}}
	}

	return s
}

func (s *chunked) Open(context.Context) (connector.Reader[record], error) { return s, nil }

func (s *chunked) Describe() connector.Capabilities { return connector.Capabilities{Name: "bench"} }

func (s *chunked) Read(_ context.Context, limit int) ([]connector.Message[record], error) {
	if s.left <= 0 {
		return nil, io.EOF
	}
	end := min(s.next+min(limit, s.left), len(s.ring))
	chunk := s.ring[s.next:end]
	s.next = end % len(s.ring)
	s.left -= len(chunk)

	return chunk, nil
}

func (s *chunked) Settle(context.Context, []connector.Settlement) error { return nil }
func (s *chunked) Close() error                                         { return nil }

// sum is a sink that counts and adds up.
type sum struct{ n, total int64 }

func (s *sum) Write(_ context.Context, messages []connector.Message[record]) error {
	for i := range messages {
		s.n++
		s.total += messages[i].Value.Amount
	}

	return nil
}

func double(_ context.Context, r record) (record, error) { r.Amount *= 2; return r, nil }
func keep(r record) bool                                 { return r.Quantity != 3 }
func price(_ context.Context, r record) (record, error) {
	r.Customer = r.Amount * r.Quantity
	return r, nil
}

// stages are called through variables, so that the compiler cannot inline them.
var (
	mapA    = double
	filterA = keep
	mapB    = price
)

const (
	benchChunk    = 128
	benchMessages = 1 << 20
)

// loop drives the same source by hand: the limit for any library.
func loop(source *chunked, sink connector.Sink[record]) {
	ctx := context.Background()
	one := make([]connector.Message[record], 1)
	for {
		messages, err := source.Read(ctx, benchChunk)
		if err != nil {
			return
		}
		for i := range messages {
			r, err := mapA(ctx, messages[i].Value)
			if err != nil || !filterA(r) {
				continue
			}
			if r, err = mapB(ctx, r); err != nil {
				continue
			}
			one[0] = connector.Message[record]{Meta: messages[i].Meta, Value: r}
			if err := sink.Write(ctx, one); err != nil {
				continue
			}
		}
		if err := source.Settle(ctx, nil); err != nil {
			return
		}
	}
}

func hotPath(source connector.Source[record], sink connector.Sink[record]) *flow.Pipeline {
	return flow.New("bench", flow.From(source).Map(mapA).Filter(filterA).Map(mapB).To(sink)).
		With(flow.Config{Chunk: benchChunk})
}

// TestChainArrives makes sure that the flow and the loop by hand do the same work.
func TestChainArrives(t *testing.T) {
	const n = 10_000
	byHand, through := &sum{}, &sum{}
	loop(newChunked(n, benchChunk), byHand)
	if err := hotPath(newChunked(n, benchChunk), through).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if *byHand != *through || byHand.n == 0 {
		t.Errorf("the loop delivered %+v, the flow %+v", byHand, through)
	}
}

func TestChainAllocatesNothingPerMessage(t *testing.T) {
	run := func(n int) float64 {
		source := newChunked(0, benchChunk)
		return testing.AllocsPerRun(5, func() {
			source.left = n
			if err := hotPath(source, &sum{}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := run(10*benchChunk), run(1000*benchChunk)
	if perMessage := (many - few) / (990 * benchChunk); perMessage > 0.02 {
		t.Errorf("%.3f allocations a message (%v for 10 chunks, %v for 1000)", perMessage, few, many)
	}
}
