package flow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

type dead = *memory.Sink[connector.DeadLetter[int]]

func newDead() dead { return memory.NewSink[connector.DeadLetter[int]]() }

func failAt(bad int) func(context.Context, int) (int, error) {
	return func(_ context.Context, n int) (int, error) {
		if n == bad {
			return 0, connector.Permanent(errBad)
		}

		return n, nil
	}
}

// TestDeadLetterCatchesEverythingBelow puts the failing stage behind every kind of stage.
func TestDeadLetterCatchesEverythingBelow(t *testing.T) {
	type part = func(flow.Flow[int]) flow.Flow[int]
	tests := map[string]part{
		"map":      func(f flow.Flow[int]) flow.Flow[int] { return f },
		"buffer":   func(f flow.Flow[int]) flow.Flow[int] { return f.Buffer(3, flow.Block) },
		"batch":    func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(3, 0).MapEach(sameAll) },
		"parallel": func(f flow.Flow[int]) flow.Flow[int] { return f.Parallel(3, nothing) },
		"once":     func(f flow.Flow[int]) flow.Flow[int] { return f.OncePerMessage(memory.NewStore(), 0) },
		"tee": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End { return f.To(memory.NewSink[int]()) })
		},
		"split":       func(f flow.Flow[int]) flow.Flow[int] { return f.Split(twice) },
		"merge":       func(f flow.Flow[int]) flow.Flow[int] { return flow.Merge(f, flow.From(memory.NewSource[int]())) },
		"dead letter": func(f flow.Flow[int]) flow.Flow[int] { return f.DeadLetter(failingDead()) },
	}
	for name, between := range tests {
		bubble(t, name, func(t *testing.T) {
			source, rejected := memory.NewSource(numbers(5)...), newDead()
			f := between(flow.From(source).DeadLetter(rejected))
			p := flow.New("catch", f.Map(failAt(3)).As("price").To(memory.NewSink[int]()))
			mustRun(t, p)
			got := rejected.Values()
			if len(got) != 1 || got[0].Value != 3 || got[0].ID != "memory:3" || !errors.Is(got[0].Err, errBad) {
				t.Fatalf("letters %+v", got)
			}
			want := connector.DeadLetter[int]{
				ID: "memory:3", Flow: "catch", Stage: "price", Class: "permanent", Attempt: 1, Value: 3,
				Cause: got[0].Cause, Err: got[0].Err, Parts: got[0].Parts,
			}
			if fmt.Sprint(got[0]) != fmt.Sprint(want) {
				t.Errorf("letter %+v, want %+v", got[0], want)
			}
			if source.Count(connector.DeadLettered) != 1 || source.Count(connector.Delivered) != 4 {
				t.Errorf("settled %v", source.Settled())
			}
		})
	}
}

func nothing(f flow.Flow[int]) flow.Flow[int] { return f.Map(same) }

func failingDead() dead {
	d := newDead()
	d.Script(memory.Fail(errors.New("disk full")).Always())

	return d
}

// TestDeadLetterAndParts: above a Split it takes the whole message and lists the parts
// that failed, below it the part alone.
func TestDeadLetterAndParts(t *testing.T) {
	three := func(context.Context, int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) { _ = yield(1, nil) && yield(2, nil) && yield(3, nil) }
	}
	odd := func(_ context.Context, n int) (int, error) {
		if n%2 == 1 {
			return 0, fmt.Errorf("%d is odd", n)
		}

		return n, nil
	}
	bubble(t, "above", func(t *testing.T) {
		rejected, sink := newDead(), memory.NewSink[int]()
		p := flow.New("parts", flow.From(memory.NewSource(7)).DeadLetter(rejected).Split(three).Map(odd).To(sink))
		mustRun(t, p)
		got := rejected.Values()
		if len(got) != 1 || got[0].Value != 7 || len(got[0].Parts) != 2 || !strings.Contains(got[0].Parts[1], "memory:1/3") {
			t.Errorf("letters %+v", got)
		}
		wantLedger(t, p, flow.Line{In: 1, DeadLettered: 1}, flow.Line{In: 3, Delivered: 1, Returned: 2})
	})
	bubble(t, "below", func(t *testing.T) {
		rejected, sink := newDead(), memory.NewSink[int]()
		p := flow.New("parts", flow.From(memory.NewSource(7)).Split(three).DeadLetter(rejected).Map(odd).To(sink))
		mustRun(t, p)
		got := rejected.Values()
		if len(got) != 2 || got[1].Value != 3 || got[1].ID != "memory:1/3" || got[1].Parts != nil {
			t.Errorf("letters %+v", got)
		}
		wantLedger(t, p, flow.Line{In: 1, DeadLettered: 1}, flow.Line{In: 3, Delivered: 1, DeadLettered: 2})
	})
}

func TestDeadLetterThatFails(t *testing.T) {
	panicking := connector.SinkFunc[connector.DeadLetter[int]](
		func(context.Context, []connector.Message[connector.DeadLetter[int]]) error { panic("dead letters too") })
	tests := map[string]connector.Sink[connector.DeadLetter[int]]{"error": failingDead(), "panic": panicking}
	for name, sink := range tests {
		bubble(t, name+" goes to the next above", func(t *testing.T) {
			upper := newDead()
			p := flow.New("two", flow.From(memory.NewSource(1, 2)).DeadLetter(upper).DeadLetter(sink).Map(failAt(2)).To(memory.NewSink[int]()))
			mustRun(t, p)
			if got := upper.Values(); len(got) != 1 || !errors.Is(got[0].Err, errBad) || !strings.Contains(got[0].Cause, "dead-letter sink") {
				t.Errorf("letters %+v", got)
			}
		})
		bubble(t, name+" returns the message", func(t *testing.T) {
			source := memory.NewSource(2)
			source.Declare(connector.Capabilities{})
			p := flow.New("one", flow.From(source).DeadLetter(sink).Map(failAt(2)).To(memory.NewSink[int]()))
			if err := p.Run(t.Context()); !errors.Is(err, errBad) {
				t.Errorf("error %v", err)
			}
			wantLedger(t, p, flow.Line{In: 1, Returned: 1}, flow.Line{})
		})
	}
}

// TestValueAsItWasAbove: the letter has the message as it passed the DeadLetter stage.
func TestValueAsItWasAbove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rejected := newDead()
		mustRun(t, flow.New("as-was", flow.From(memory.NewSource(1, 2)).
			MapMessage(func(_ context.Context, m connector.Message[int]) (connector.Message[int], error) {
				return connector.Message[int]{Meta: m.WithID("own").WithKey("k"), Value: m.Value}, nil
			}).
			DeadLetter(rejected).
			MapMessage(func(_ context.Context, m connector.Message[int]) (connector.Message[string], error) {
				return connector.Message[string]{Meta: m.WithID("changed"), Value: "changed"}, nil
			}).
			Batch(2, 0).To(connector.SinkFunc[string](func(context.Context, []connector.Message[string]) error { return errBad }))))
		for i, m := range rejected.Messages() {
			if m.Value.ID != "own" || m.Key() != "k" || m.Value.Value != i+1 {
				t.Errorf("letter %+v of key %q", m.Value, m.Key())
			}
		}
	})
}

// TestStopIsNoDeadLetter: a context that ends at shutdown never becomes a dead letter,
// and does not count as an attempt.
func TestStopIsNoDeadLetter(t *testing.T) {
	type part = func(flow.Flow[int]) flow.Flow[int]
	wait := func(ctx context.Context, n int) (int, error) {
		<-ctx.Done()

		return n, ctx.Err()
	}
	tests := map[string]part{
		"map": func(f flow.Flow[int]) flow.Flow[int] { return f.Map(wait) },
		"own text": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Map(func(ctx context.Context, n int) (int, error) { <-ctx.Done(); return 0, errBad })
		},
		"step": func(f flow.Flow[int]) flow.Flow[int] { return f.Do(flow.Func("wait", wait).Timeout(time.Hour)) },
		"batch": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Batch(2, 0).MapEach(func(ctx context.Context, ns []int) ([]int, error) { <-ctx.Done(); return ns, ctx.Err() })
		},
		"parallel": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Parallel(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(wait) })
		},
		"buffer": func(f flow.Flow[int]) flow.Flow[int] { return f.Buffer(3, flow.Block).Map(wait) },
		"split":  func(f flow.Flow[int]) flow.Flow[int] { return f.Split(twice).Map(wait) },
		"aggregate": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(byOne).Aggregate(flow.Completion{Count: 100}, sumUp).Map(value)
		},
	}
	for name, between := range tests {
		bubble(t, name, func(t *testing.T) {
			source, rejected := memory.NewFeed(numbers(4)...), newDead()
			p := start(t, flow.New("stop", between(flow.From(source).DeadLetter(rejected)).To(memory.NewSink[int]())))
			left, err := p.stop(time.Second)
			if err != nil || left.Returned != 4 || left.InFlight != 0 {
				t.Errorf("left %+v, error %v", left, err)
			}
			if err := p.wait(); err != nil {
				t.Error(err)
			}
			if len(rejected.Values()) > 0 {
				t.Errorf("dead letters %+v", rejected.Values())
			}
			for _, s := range source.Settled() {
				if s.Outcome != connector.Returned || !errors.Is(s.Cause, connector.ErrStopped) || s.Delay != 0 {
					t.Errorf("settled %+v", s)
				}
			}
			if ids := []int{source.Attempts("memory:1"), source.Attempts("memory:4")}; !slices.Equal(ids, []int{0, 0}) {
				t.Errorf("the stop counts as an attempt: %v", ids)
			}
		})
	}
}
