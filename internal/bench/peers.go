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
