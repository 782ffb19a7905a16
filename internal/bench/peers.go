package main

import (
	"context"

	"github.com/samber/ro"
)

// byRo runs the chain with samber/ro, which has no acknowledgement: a slice, operators,
// and an observer. Its Map takes a function that cannot fail, which is faster there than
// the one that can.
func byRo() contestant {
	return contestant{"samber/ro", func(_ *desk, n int) (job, error) {
		to := &sum{}
		values := make([]record, len(ring))
		for i := range ring {
			values[i] = ring[i].Value
		}
		slices := make([][]record, 0, n/len(values)+1)
		for left := n; left > 0; left -= len(values) {
			slices = append(slices, values[:min(left, len(values))])
		}

		return func() (int, error) {
			var problem error
			observable := ro.Pipe3(ro.FromSlice(slices...), ro.Map(pureDouble), ro.Filter(filterA), ro.Map(purePrice))
			observable.Subscribe(ro.NewObserver(to.add, func(err error) { problem = err }, func() {}))

			return int(to.n), problem
		}, nil
	}}
}

var (
	pureDouble = func(r record) record { r, _ = mapA(context.Background(), r); return r }
	purePrice  = func(r record) record { r, _ = mapB(context.Background(), r); return r }
)

func peers() family {
	ours := byFlow(chunk, false)
	router := byMill("Watermill's router", millConfig{}, false)
	full := byMill("Watermill's router with its middleware", millConfig{middleware: true}, false)

	return family{
		name: "peers", title: "The chain beside peers",
		intro: "The same chain over the same records. samber/ro has no acknowledgement and takes functions that cannot fail. " +
			"Watermill's router runs on gochannel, a handler for each stage, records as 64 bytes of payload; its middleware is " +
			"CorrelationID, Retry and Recoverer. One handler that does all four stages is the least that the router can cost.",
		rows: []row{
			{
				name: "samber/ro", ours: ours, baseline: byRo(), arrive: kept, byCPU: true,
				floors: []floor{timesFaster(1.5, ours.name, "samber/ro")},
			},
			{
				name: "Watermill", ours: ours, baseline: router, arrive: kept, most: 1 << 20,
				others: []contestant{
					full,
					byMill("one handler for all", millConfig{}, true),
					byMill("one handler for all, with middleware", millConfig{middleware: true}, true),
				},
				floors: []floor{timesFaster(300, ours.name, router.name), timesFaster(300, ours.name, full.name)},
			},
		},
	}
}
