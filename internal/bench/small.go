package main

import (
	"context"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

var calls int

func call(context.Context) error { calls++; return nil }

var called = call

func policies() family {
	ours := contestant{"Policy.Do", func(_ *desk, n int) (job, error) {
		policy, ctx := retry.Policy{Attempts: 5}, context.Background()

		return counting(func() error {
			for range n {
				if err := policy.Do(ctx, called); err != nil {
					return err
				}
			}

			return nil
		}), nil
	}}
	bare := contestant{"the call alone", func(_ *desk, n int) (job, error) {
		ctx := context.Background()

		return counting(func() error {
			for range n {
				if err := called(ctx); err != nil {
					return err
				}
			}

			return nil
		}), nil
	}}
	over := floor{text: "at most 15 ns over the call alone", limit: 15, of: func(r result) spread {
		with, without := r.each(ours.name, r.row.time), r.each(bare.name, r.row.time)
		for i := range with {
			with[i] -= without[i]
		}

		return spreadOf(with)
	}}

	return family{
		name: "retry", title: "A retry policy where nothing fails",
		intro: "A function that succeeds, called through a policy of five attempts and called by itself.",
		rows: []row{{
			name: "success path", unit: "call", ours: ours, baseline: bare, byCPU: true,
			floors: []floor{over, atMostAllocs(0, ours.name, "call")},
		}},
	}
}

func counting(work func() error) job {
	return func() (int, error) {
		before := calls
		err := work()

		return calls - before, err
	}
}

func builds() family {
	ours := contestant{"millrace", func(_ *desk, n int) (job, error) {
		source, sink := newChunked(ring, 0), &sum{}
		dead := memory.NewSink[connector.DeadLetter[record]]()

		return func() (int, error) {
			made := 0
			for range n {
				p := flow.New("six", flow.From(source).DeadLetter(dead).Map(mapA).Filter(filterA).Map(mapB).To(sink))
				if err := p.Check(); err != nil {
					return made, err
				}
				made++
			}

			return made, nil
		}, nil
	}}

	return family{
		name: "build", title: "Making a pipeline",
		intro: "A source, DeadLetter, Map, Filter, Map and a sink: made by New, which checks the definition.",
		rows: []row{{
			name: "six stages", unit: "pipeline", ours: ours, byCPU: true,
			floors: []floor{atMostNanos(25_000, ours.name, "pipeline")},
		}},
	}
}
