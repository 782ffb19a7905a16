package flow_test

import (
	"context"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// slowFor is slow, or fails once, for some values.
func slowFor(slow int, d time.Duration) func(context.Context, int) (int, error) {
	return func(ctx context.Context, n int) (int, error) {
		if n == slow {
			select {
			case <-time.After(d):
			case <-ctx.Done():
				return n, ctx.Err()
			}
		}

		return n, nil
	}
}

// TestEffectsAreCounted: for each option that can decide something there is an input for
// which it does, and one for which it does not.
func TestEffectsAreCounted(t *testing.T) {
	slowSource := func(f flow.Flow[int]) flow.Flow[int] {
		return f.Map(slowFor(3, time.Hour)).Buffer(9, flow.Block)
	}
	grouped := func(f flow.Flow[int], when flow.Completion, until ...func(int) bool) flow.End {
		return f.KeyBy(parity).Aggregate(when, sumUp, until...).ForEach(func(context.Context, flow.Group[string, int]) error { return nil })
	}
	force := new(flow.Force[string])
	down := connector.Transient(errBad)
	sink := func(steps ...memory.Step) connector.Sink[int] {
		s := memory.NewSink[int]()
		s.Script(steps...)

		return s
	}
	tests := []struct {
		option, stage string
		yes, no       func(flow.Flow[int]) flow.End
	}{
		{"batch", "to", func(f ints) flow.End { return f.Batch(4, 0).To(sink()) }, func(f ints) flow.End { return f.Batch(5, 0).To(sink()) }},
		{
			"wait", "to", func(f ints) flow.End { return slowSource(f).Batch(9, time.Minute).To(sink()) },
			func(f ints) flow.End { return f.Batch(9, time.Minute).To(sink()) },
		},
		{
			"bytes", "to", func(f ints) flow.End { return f.Batch(9, 0).Bytes(5, self).To(sink()) },
			func(f ints) flow.End { return f.Batch(9, 0).Bytes(10, self).To(sink()) },
		},
		{"count", "aggregate", func(f ints) flow.End { return grouped(f, flow.Completion{Count: 2}) }, func(f ints) flow.End { return grouped(f, flow.Completion{Count: 3}) }},
		{
			"idle", "aggregate", func(f ints) flow.End { return grouped(slowSource(f), flow.Completion{Idle: time.Minute}) },
			func(f ints) flow.End { return grouped(f, flow.Completion{Idle: time.Minute}) },
		},
		{
			"interval", "aggregate", func(f ints) flow.End { return grouped(slowSource(f), flow.Completion{Interval: time.Minute}) },
			func(f ints) flow.End { return grouped(f, flow.Completion{Interval: time.Minute}) },
		},
		{
			"new key", "aggregate", func(f ints) flow.End { return grouped(f, flow.Completion{NewKey: true}) },
			func(f ints) flow.End { return grouped(f.Filter(even), flow.Completion{NewKey: true}) },
		},
		{
			"predicates", "aggregate", func(f ints) flow.End { return grouped(f, flow.Completion{}, func(n int) bool { return n == 6 }) },
			func(f ints) flow.End { return grouped(f, flow.Completion{}, func(n int) bool { return n == 7 }) },
		},
		{
			"forced", "aggregate", func(f ints) flow.End {
				return slowSource(f).KeyBy(parity).ForcedBy(force).Aggregate(flow.Completion{}, sumUp).
					ForEach(func(context.Context, flow.Group[string, int]) error { return nil })
			}, func(f ints) flow.End {
				return f.KeyBy(parity).ForcedBy(new(flow.Force[string])).Aggregate(flow.Completion{}, sumUp).
					ForEach(func(context.Context, flow.Group[string, int]) error { return nil })
			},
		},
		{
			"wait", "resequence", func(f ints) flow.End {
				return f.KeyBy(byOne).Resequence(func(n int) int64 { return int64(2 * n) }, flow.Sequence{First: 2, Wait: time.Second}).To(sink())
			},
			func(f ints) flow.End {
				return f.KeyBy(byOne).Resequence(func(n int) int64 { return int64(n) }, flow.Sequence{First: 1, Wait: time.Second}).To(sink())
			},
		},
		{
			"rate", "throttle", func(f ints) flow.End { return f.Throttle(flow.Rate{Limit: 1, Per: time.Second}).To(sink()) },
			func(f ints) flow.End { return f.Throttle(flow.Rate{Limit: 1, Per: time.Second, Burst: 4}).To(sink()) },
		},
		{
			"timeout", "to", func(f ints) flow.End {
				return f.To(flow.Into(sink(memory.Pass().Delay(time.Hour))).Timeout(time.Minute))
			},
			func(f ints) flow.End { return f.To(flow.Into(sink()).Timeout(time.Minute)) },
		},
		{
			"retry", "to", func(f ints) flow.End { return f.To(flow.Into(sink(memory.Fail(down))).Retry(retry.Policy{})) },
			func(f ints) flow.End { return f.To(flow.Into(sink()).Retry(retry.Policy{})) },
		},
		{
			"timeout", "do", func(f ints) flow.End { return end(f.Do(flow.Func("s", slowFor(2, time.Hour)).Timeout(time.Minute))) },
			func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Timeout(time.Minute))) },
		},
		{
			"retry", "do", func(f ints) flow.End { return end(f.Do(flow.Func("s", flaky(1, down)).Retry(retry.Policy{}))) },
			func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Retry(retry.Policy{}))) },
		},
		{
			"fallback", "do", func(f ints) flow.End { return end(f.Do(flow.Func("s", flaky(1, down)).Fallback(instead))) },
			func(f ints) flow.End { return end(f.Do(flow.Func("s", same).Fallback(instead))) },
		},
	}
	for _, test := range tests {
		bubble(t, test.stage+" "+test.option, func(t *testing.T) {
			count := func(to func(flow.Flow[int]) flow.End) uint64 {
				p := flow.New("effects", to(flow.From(memory.NewSource(1, 2, 3, 4)).DeadLetter(newDead())))
				r := start(t, p)
				_ = force.CompleteAll() // an error where no stage listens
				if err := r.wait(); err != nil {
					t.Fatal(err)
				}
				for _, e := range statsOf(t, p, test.stage).Effects {
					if e.Option == test.option {
						return e.Count
					}
				}
				t.Fatal("the option is not listed")

				return 0
			}
			if n := count(test.yes); n == 0 {
				t.Error("an effect was not counted")
			}
			if n := count(test.no); n != 0 {
				t.Errorf("%d effects were counted where there was none", n)
			}
		})
	}
}

func instead(_ context.Context, n int, _ error) (int, error) { return n, nil }
