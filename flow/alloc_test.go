package flow_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

type records = flow.Flow[record]

// allocationsPerMessage runs a flow over few and over many chunks, so that what a run
// costs once does not count.
func allocationsPerMessage(t *testing.T, build func(records) flow.End) float64 {
	t.Helper()
	const few, many = 10, 110
	run := func(chunks int) float64 {
		source := newChunked(0, benchChunk)

		return testing.AllocsPerRun(3, func() {
			source.left = chunks * benchChunk
			p := flow.New("alloc", build(flow.From[record](source))).With(flow.Config{Chunk: benchChunk})
			if err := p.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if l := p.Ledger(); l.Source.In != int64(chunks*benchChunk) || l.Source.Done() != l.Source.In {
				t.Fatal(l)
			}
		})
	}

	return (run(many) - run(few)) / ((many - few) * benchChunk)
}

func endRecords(f records) flow.End { return f.To(&sum{}) }

func accept(record) bool { return true }

func noteRecord(connector.Message[record]) {}

// TestStagesAllocateNothing: a message through a one-to-one stage costs no allocation. It
// is measured over whole chunks, which may cost none either.
func TestStagesAllocateNothing(t *testing.T) {
	var seen int64
	tests := map[string]func(records) flow.End{
		"to": endRecords,
		"for each": func(f records) flow.End {
			return f.ForEach(func(_ context.Context, r record) error { seen += r.ID; return nil })
		},
		"map": func(f records) flow.End { return endRecords(f.Map(price)) },
		"map pure": func(f records) flow.End {
			return endRecords(f.Map(flow.Pure(func(r record) record { r.A++; return r })))
		},
		"map message": func(f records) flow.End {
			return endRecords(f.MapMessage(func(_ context.Context, m connector.Message[record]) (connector.Message[record], error) {
				return connector.Derive(m, record{ID: m.Value.ID + m.Position().Offset}), nil
			}))
		},
		"filter":   func(f records) flow.End { return endRecords(f.Filter(accept)) },
		"filtered": func(f records) flow.End { return endRecords(f.Filter(func(r record) bool { return r.ID%2 == 0 })) },
		"validate": func(f records) flow.End { return endRecords(f.Validate(func(record) error { return nil })) },
		"observe":  func(f records) flow.End { return endRecords(f.Observe(noteRecord)) },
		"route":    func(f records) flow.End { return f.Route().Case("a", keep, endRecords).Else(endRecords) },
		"a name":   func(f records) flow.End { return endRecords(f.Map(price).As("price")).As("sink") },
		"apply":    func(f records) flow.End { return endRecords(f.Apply(func(f records) records { return f.Map(price) })) },
		"retry":    func(f records) flow.End { return endRecords(f.Retry(retry.Policy{}).Map(price)) },
		"into":     func(f records) flow.End { return f.To(flow.Into(connector.Sink[record](&sum{}))) },
		"fold":     func(f records) flow.End { return foldRecords(f) },
		"all of these": func(f records) flow.End {
			return endRecords(f.Map(price).Filter(accept).Observe(noteRecord).Validate(func(record) error { return nil }))
		},
		"six more a map": func(f records) flow.End {
			return endRecords(f.Map(price).Map(price).Map(price).Map(price).Map(price).Map(price))
		},
	}
	for name, build := range tests {
		t.Run(name, func(t *testing.T) {
			if got := allocationsPerMessage(t, build); got > 0.001 {
				t.Errorf("%.3f allocations a message", got)
			}
		})
	}
}

func foldRecords(f records) flow.End {
	return f.KeyBy(func(r record) int64 { return r.ID % 10 }).Fold(func(a int64, r record) int64 { return a + r.Amount }).
		ForEach(func(context.Context, flow.Group[int64, int64]) error { return nil })
}

// TestAllocationsOfOtherStages: what the stages that wrap, hold or multiply messages cost
// at most on their success path, a message or, for Split, a part.
func TestAllocationsOfOtherStages(t *testing.T) {
	step := flow.Func("step", price)
	two := func(_ context.Context, r record) iter.Seq2[record, error] {
		return func(yield func(record, error) bool) { _ = yield(r, nil) && yield(r, nil) }
	}
	tests := map[string]struct {
		most  float64
		build func(records) flow.End
	}{
		// A sync.Pool forgets one in four under the race detector; elsewhere there are none.
		"dead letter": {0.3, func(f records) flow.End { return endRecords(f.DeadLetter(deadRecords())) }},
		"dead letter and retry": {0.3, func(f records) flow.End {
			return endRecords(f.DeadLetter(deadRecords()).Retry(retry.Policy{}).Map(price))
		}},
		"into with retry": {0.01, func(f records) flow.End { return f.To(flow.Into(connector.Sink[record](&sum{})).Retry(retry.Policy{})) }},
		"do":              {0.01, func(f records) flow.End { return endRecords(f.Do(step)) }},
		"enrich": {0.01, func(f records) flow.End {
			return endRecords(f.Enrich(func(r record) record { return r }, step, func(r, _ record) record { return r }))
		}},
		"batch":          {0.05, func(f records) flow.End { return f.Batch(100, 0).To(&sum{}) }},
		"batch map each": {0.05, func(f records) flow.End { return endRecords(f.Batch(100, time.Second).MapEach(sameRecords)) }},
		"split":          {10.1, func(f records) flow.End { return endRecords(f.Split(two)) }},
		"tee":            {3.1, func(f records) flow.End { return endRecords(f.Tee(endRecords)) }},
		"buffer":         {0.05, func(f records) flow.End { return endRecords(f.Buffer(256, flow.Block)) }},
		"aggregate": {0.2, func(f records) flow.End {
			return f.KeyBy(func(record) int { return 1 }).
				Aggregate(flow.Completion{Count: 100, Interval: time.Minute}, func(a int64, r record) int64 { return a + r.Amount }).
				ForEach(func(context.Context, flow.Group[int, int64]) error { return nil })
		}},
		"throttle": {0.05, func(f records) flow.End { return endRecords(f.Throttle(flow.Rate{Limit: 1e9, Per: time.Second})) }},
		// The passage that learns of the outcome.
		"resequence": {1.1, func(f records) flow.End {
			var n int64
			count := func(record) int64 { n++; return n }
			return endRecords(f.KeyBy(func(record) int { return 1 }).Resequence(count, flow.Sequence{First: 1}))
		}},
		"parallel": {0.5, func(f records) flow.End {
			return endRecords(f.Parallel(2, func(f records) records { return f.Map(price) }))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := allocationsPerMessage(t, test.build)
			t.Logf("%.3f allocations a message, at most %v", got, test.most)
			if got > test.most {
				t.Errorf("%.3f allocations a message, want at most %v", got, test.most)
			}
		})
	}
}

func sameRecords(_ context.Context, rs []record) ([]record, error) { return rs, nil }

func deadRecords() connector.Sink[connector.DeadLetter[record]] {
	return memory.NewSink[connector.DeadLetter[record]]()
}

// TestHopAllocatesLittle: a message through a queue in memory costs the text of its ID, and its
// share of what a chunk costs.
func TestHopAllocatesLittle(t *testing.T) {
	queue, err := queueconn.NewMemory[record](queueconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	got := allocationsPerMessage(t, func(f records) flow.End { return endRecords(f.Via(queue).Retry(retry.Policy{})) })
	if got > 2 {
		t.Errorf("%.2f allocations a message, want at most 2", got)
	}
}

// TestParallelAllocatesLittle: jobs are used again.
func TestParallelAllocatesLittle(t *testing.T) {
	got := allocationsPerMessage(t, func(f records) flow.End {
		return endRecords(f.Parallel(2, func(f records) records { return f.Map(price) }))
	})
	if got > 0.5 {
		t.Errorf("%.2f allocations a message, want at most 0.5", got)
	}
}
