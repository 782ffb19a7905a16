package flow_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// keptOrNot are what may stand below a split: stages that keep no part, and one that does.
func keptOrNot[T any]() map[string]func(flow.Flow[T]) flow.Flow[T] {
	return map[string]func(flow.Flow[T]) flow.Flow[T]{
		"no part is kept":    func(f flow.Flow[T]) flow.Flow[T] { return f },
		"the parts are kept": func(f flow.Flow[T]) flow.Flow[T] { return f.Buffer(10, flow.Block) },
	}
}

func TestSplit(t *testing.T) {
	for name, below := range keptOrNot[int]() {
		t.Run(name, func(t *testing.T) { testSplit(t, below) })
	}
}

func testSplit(t *testing.T, below func(flow.Flow[int]) flow.Flow[int]) {
	t.Helper()
	times := func(_ context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if i == 3 {
					yield(0, connector.Permanent(errBad))

					return
				}
				if !yield(n, nil) {
					return
				}
			}
		}
	}
	sink, rejected := memory.NewSink[int](), newDead()
	p := flow.New("split", flow.From(memory.NewSource(0, 1, 2, 4)).DeadLetter(rejected).Split(times).Apply(below).To(sink))
	mustRun(t, p)
	var ids []string
	for _, m := range sink.Messages() {
		ids = append(ids, m.ID())
	}
	if want := []string{"memory:2/1", "memory:3/1", "memory:3/2", "memory:4/1", "memory:4/2", "memory:4/3"}; !slices.Equal(ids, want) {
		t.Errorf("parts %q, want %q: those before the error go on", ids, want)
	}
	wantLedger(t, p, flow.Line{In: 4, Filtered: 1, Delivered: 2, DeadLettered: 1}, flow.Line{In: 6, Delivered: 6})
}

// TestParentHasTheMostSevereOutcome: of a filtered, a duplicate and a delivered part.
func TestParentHasTheMostSevereOutcome(t *testing.T) {
	split := func(_ context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for d := n; d > 0; d /= 10 {
				if !yield(d%10, nil) {
					return
				}
			}
		}
	}
	const delivered, filtered, bad = 1, 2, 3
	tests := []struct {
		in   int
		want connector.Outcome
	}{
		{filtered*10 + filtered, connector.Filtered},
		{delivered*10 + filtered, connector.Delivered},
		{filtered*10 + delivered, connector.Delivered},
		{bad*10 + delivered, connector.DeadLettered},
		{delivered*100 + bad*10 + filtered, connector.DeadLettered},
	}
	for _, test := range tests {
		for name, below := range keptOrNot[int]() {
			source := memory.NewSource(test.in)
			mustRun(t, flow.New("severe", flow.From(source).Split(split).Apply(below).DeadLetter(newDead()).
				Filter(func(n int) bool { return n != filtered }).Map(failAt(bad)).To(memory.NewSink[int]())))
			if got := source.Outcome("memory:1"); got != test.want {
				t.Errorf("%s: %d ended as %v, want %v", name, test.in, got, test.want)
			}
		}
	}
}

// TestEndlessSplitEndsAtTheDeadline: parts without end must not outlive the stop.
func TestEndlessSplitEndsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1)
		p := start(t, flow.New("endless", flow.From(source).Split(func(context.Context, int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for yield(1, nil) {
					time.Sleep(time.Second)
				}
			}
		}).To(memory.NewSink[int]())))
		if left, err := p.stop(time.Minute); err != nil || left.Returned != 1 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}
