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

// chunked hands out the same prepared chunks again and again, so that what it costs is
// next to nothing.
type chunked struct {
	chunks [][]connector.Message[record]
	left   int
	next   int
}

func newChunked(total, size int) *chunked {
	s := &chunked{left: total}
	for c := range 4 {
		metas := make([]connector.Meta, size)
		chunk := make([]connector.Message[record], size)
		for i := range chunk {
			id := int64(c*size + i)
			metas[i] = connector.MakeMeta(connector.Fields{Position: connector.Position{Partition: "bench", Offset: id + 1}})
			chunk[i] = connector.Message[record]{Meta: &metas[i], Value: record{ID: id, Amount: id % 100, Quantity: id % 7}}
		}
		s.chunks = append(s.chunks, chunk)
	}

	return s
}

func (s *chunked) Open(context.Context) (connector.Reader[record], error) { return s, nil }

func (s *chunked) Describe() connector.Capabilities { return connector.Capabilities{Name: "bench"} }

func (s *chunked) Read(_ context.Context, limit int) ([]connector.Message[record], error) {
	if s.left <= 0 {
		return nil, io.EOF
	}
	chunk := s.chunks[s.next]
	s.next = (s.next + 1) & 3
	chunk = chunk[:min(len(chunk), limit, s.left)]
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
func price(_ context.Context, r record) (record, error)  { r.Customer = r.Amount * r.Quantity; return r, nil }

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

func BenchmarkChain(b *testing.B) {
	b.Run("source", func(b *testing.B) {
		for b.Loop() {
			source := newChunked(benchMessages, benchChunk)
			for {
				messages, err := source.Read(b.Context(), benchChunk)
				if err != nil {
					break
				}
				_ = messages
			}
		}
		perMessage(b)
	})
	for _, side := range []string{"loop", "flow", "loop-again", "flow-again"} {
		b.Run(side, func(b *testing.B) {
			for b.Loop() {
				sink := &sum{}
				if source := newChunked(benchMessages, benchChunk); side[0] == 'l' {
					loop(source, sink)
				} else if err := hotPath(source, sink).Run(b.Context()); err != nil {
					b.Fatal(err)
				}
				if sink.n == 0 {
					b.Fatal("nothing arrived")
				}
			}
			perMessage(b)
		})
	}
}

func perMessage(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchMessages, "ns/message")
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
