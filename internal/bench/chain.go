package main

import (
	"context"
	"runtime"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

func double(_ context.Context, r record) (record, error) { r.Amount *= 2; return r, nil }
func keep(r record) bool                                 { return r.Quantity != 3 }
func price(_ context.Context, r record) (record, error) {
	r.Customer = r.Amount * r.Quantity

	return r, nil
}

// The stages are called through variables, so that the compiler cannot inline them.
var (
	mapA    = double
	filterA = keep
	mapB    = price
)

// kept counts how many of the first n records of the ring pass the filter.
func kept(n int) int {
	whole := 0
	for i := range ring {
		if keep(ring[i].Value) {
			whole++
		}
	}
	rest := 0
	for i := range n % len(ring) {
		if keep(ring[i].Value) {
			rest++
		}
	}

	return n/len(ring)*whole + rest
}

func chains() family {
	loop128, loop1 := byLoop(chunk), byLoop(1)
	source := contestant{"the source alone", func(_ *desk, n int) (job, error) {
		s := newChunked(ring, n)

		return func() (int, error) { return kept(n), drain(s) }, nil
	}}
	row128 := chainRow("chunks of 128", 1.6, 0, byFlow(chunk, false), loop128)
	row128.others = []contestant{source}
	row128.floors = append(row128.floors, floor{
		text: "the source at most a tenth of the loop", limit: 0.1,
		of: func(r result) spread { return r.ratio(source.name, loop128.name, r.row.time) },
	})

	return family{
		name: "chain", title: "Map, filter, map, sink",
		intro: "A struct of 64 bytes from a chunked source. The flow has its ledger, counters and sampled times on. " +
			"The loop drives the same source and calls the same functions through variables.",
		rows: []row{
			row128,
			chainRow("one message a chunk", 4, 1, byFlow(1, false), loop1),
			chainRow("chunks of 128, DeadLetter and Retry above", 4, 1, byFlow(chunk, true), loop128),
			chainRow("one message a chunk, DeadLetter and Retry above", 4, 1, byFlow(1, true), loop1),
		},
	}
}

func chainRow(name string, times, allocations float64, ours, loop contestant) row {
	return row{
		name: name, ours: ours, baseline: loop, arrive: kept, byCPU: true,
		floors: []floor{atMostTimes(times, ours.name, loop.name), atMostAllocs(allocations, ours.name, "message")},
	}
}

// byFlow runs the chain as a flow, with DeadLetter and Retry above it or without.
func byFlow(size int, policies bool) contestant {
	return contestant{"millrace", func(_ *desk, n int) (job, error) {
		to := &sum{}
		from := flow.From(newChunked(ring, n))
		if policies {
			from = from.DeadLetter(memory.NewSink[connector.DeadLetter[record]]()).Retry(retry.Policy{})
		}
		p := flow.New("chain", from.Map(mapA).Filter(filterA).Map(mapB).To(to)).With(flow.Config{Chunk: size})

		return func() (int, error) {
			err := p.Run(context.Background())

			return int(to.n), err
		}, nil
	}}
}

// byLoop drives the same source by hand: the limit for any library.
func byLoop(size int) contestant {
	return contestant{"the loop", func(_ *desk, n int) (job, error) {
		to, s := &sum{}, newChunked(ring, n)

		return func() (int, error) {
			err := loop(s, to, size)

			return int(to.n), err
		}, nil
	}}
}

func loop(source connector.Reader[record], sink connector.Sink[record], size int) error {
	ctx := context.Background()
	one := make([]connector.Message[record], 1)
	for {
		messages, err := source.Read(ctx, size)
		if err != nil {
			return ended(err)
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
			return err
		}
	}
}

func drain(s connector.Reader[record]) error {
	for {
		if _, err := s.Read(context.Background(), chunk); err != nil {
			return ended(err)
		}
	}
}

// busy keeps a core at work for as long as the loop takes.
func busy(turns int, seed uint64) uint64 {
	for range turns {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
	}

	return seed
}

// turnsFor finds how many turns of busy take so long.
func turnsFor(d time.Duration) int {
	const turns = 1 << 20
	best := time.Duration(1 << 62)
	for range 5 {
		begin := time.Now()
		runtime.KeepAlive(busy(turns, 88172645463325252))
		best = min(best, time.Since(begin))
	}

	return int(float64(turns) * float64(d) / float64(best))
}
