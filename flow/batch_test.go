package flow_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func TestBatchBounds(t *testing.T) {
	bytes := func(limit int) func(flow.Batched[int]) flow.Batched[int] {
		return func(b flow.Batched[int]) flow.Batched[int] { return b.Bytes(limit, func(n int) int { return n }) }
	}
	tests := []struct {
		name   string
		count  int
		wait   time.Duration
		more   func(flow.Batched[int]) flow.Batched[int]
		every  time.Duration
		in     []int
		writes []int
	}{
		{name: "count", count: 3, in: numbers(7), writes: []int{3, 3, 1}},
		{name: "count one", count: 1, in: numbers(3), writes: []int{1, 1, 1}},
		{name: "time", count: 100, wait: time.Second, every: 400 * time.Millisecond, in: numbers(7), writes: []int{3, 3, 1}},
		{name: "time goes by the first message", count: 100, wait: time.Second, every: 999 * time.Millisecond, in: numbers(4), writes: []int{2, 2}},
		{name: "count before time", count: 2, wait: time.Hour, in: numbers(4), writes: []int{2, 2}},
		{name: "bytes at the bound", count: 100, more: bytes(6), in: []int{3, 3, 3, 3}, writes: []int{2, 2}},
		{name: "bytes one beyond", count: 100, more: bytes(5), in: []int{3, 3, 3, 3}, writes: []int{1, 1, 1, 1}},
		{name: "a large one is alone", count: 100, more: bytes(5), in: []int{1, 9, 1, 1}, writes: []int{1, 1, 2}},
		{name: "bytes and count", count: 2, more: bytes(10), in: []int{1, 1, 9, 1, 9}, writes: []int{2, 2, 1}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, sink := memory.NewFeed[int](), memory.NewSink[int]()
			b := flow.From(source).Batch(test.count, test.wait)
			if test.more != nil {
				b = test.more(b)
			}
			p := start(t, flow.New("batch", b.To(sink)))
			for _, n := range test.in {
				source.Send(n)
				synctest.Wait()
				time.Sleep(test.every)
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			if got := sink.Writes(); !slices.Equal(got, test.writes) {
				t.Errorf("writes of %v messages, want %v", got, test.writes)
			}
			if !slices.Equal(sink.Values(), test.in) {
				t.Errorf("values %v, want %v", sink.Values(), test.in)
			}
		})
	}
}

// TestBatchIsReleasedWhenThePipelineIsFull: a Batch without a wait must not stand still
// for ever where the source may hand out no more.
func TestBatchIsReleasedWhenThePipelineIsFull(t *testing.T) {
	type part = func(flow.Flow[int], connector.Sink[int]) []flow.End
	halves := func(f flow.Flow[int], sink connector.Sink[int]) []flow.End {
		to := func(f flow.Flow[int]) flow.End { return f.Batch(8, 0).To(sink) }

		return []flow.End{f.Route().Case("even", func(n int) bool { return n%2 == 0 }, to).Else(to)}
	}
	tests := map[string]part{
		"two branches": halves,
		"behind a buffer": func(f flow.Flow[int], sink connector.Sink[int]) []flow.End {
			return halves(f.Buffer(3, flow.Block), sink)
		},
		"behind two buffers": func(f flow.Flow[int], sink connector.Sink[int]) []flow.End {
			return halves(f.Buffer(1, flow.Block).Map(same).Buffer(1, flow.Block), sink)
		},
		"in a parallel stage": func(f flow.Flow[int], sink connector.Sink[int]) []flow.End {
			return []flow.End{f.Unordered(4, func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(8, 0).MapEach(sameAll) }).To(sink)}
		},
		"in two parallel stages": func(f flow.Flow[int], sink connector.Sink[int]) []flow.End {
			return []flow.End{f.Unordered(2, func(f flow.Flow[int]) flow.Flow[int] {
				return f.Unordered(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(8, 0).MapEach(sameAll) })
			}).To(sink)}
		},
		"two batches": func(f flow.Flow[int], sink connector.Sink[int]) []flow.End {
			return halves(f.Batch(7, 0).MapEach(sameAll), sink)
		},
	}
	for name, build := range tests {
		bubble(t, name, func(t *testing.T) {
			source, sink := memory.NewFeed(numbers(100)...), memory.NewSink[int]()
			a := audit(t, source)
			a.most = 8
			p := flow.New("full", build(flow.From(a), sink)...).With(flow.Config{MaxInFlight: 8})
			r := start(t, p)
			if n := len(sink.Values()); n < 92 {
				t.Errorf("it stands still after %d of 100 messages", n)
			}
			if a.peak != 8 {
				t.Errorf("at most %d messages were out, want 8", a.peak)
			}
			source.Finish()
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestBatchIsNotTornWhileSomethingMoves: a full source alone is no reason to let go.
func TestBatchIsNotTornWhileSomethingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewSource(numbers(400)...), memory.NewSink[int]()
		slow := func(f flow.Flow[int]) flow.Flow[int] {
			return f.Map(func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Duration(100+n%17) * time.Millisecond)

				return n, nil
			})
		}
		p := flow.New("whole", flow.From(source).Unordered(8, slow).
			Filter(func(n int) bool { return n%3 != 0 }).Batch(20, 0).To(sink)).With(flow.Config{MaxInFlight: 40})
		mustRun(t, p)
		writes := sink.Writes()
		for _, n := range writes[:len(writes)-1] {
			if n != 20 {
				t.Errorf("batches of %v, want 20 each", sink.Writes())

				break
			}
		}
	})
}

func TestBatchFailures(t *testing.T) {
	t.Run("MapEach of the wrong length", func(t *testing.T) {
		rejected := newDead()
		p := flow.New("short", flow.From(memory.NewSource(numbers(4)...)).DeadLetter(rejected).Batch(2, 0).
			MapEach(func(_ context.Context, ns []int) ([]int, error) { return ns[:1], nil }).To(memory.NewSink[int]()))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 4, DeadLettered: 4}, flow.Line{})
		if !strings.Contains(rejected.Values()[0].Cause, "returned 1 values for 2 messages") {
			t.Error(rejected.Values()[0].Cause)
		}
	})
	t.Run("members of a partial write", func(t *testing.T) {
		rejected, sink := newDead(), memory.NewSink[int]()
		sink.FailWhen(func(n int) error {
			if n%3 == 0 {
				return errBad
			}

			return nil
		})
		p := flow.New("partial", flow.From(memory.NewSource(numbers(9)...)).DeadLetter(rejected).Batch(5, 0).To(sink))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 9, Delivered: 6, DeadLettered: 3}, flow.Line{})
		for _, l := range rejected.Values() {
			if l.Value%3 != 0 || !errors.Is(l.Err, errBad) {
				t.Errorf("letter %+v", l)
			}
		}
	})
	t.Run("members of a batch end as the batch ends", func(t *testing.T) {
		p := flow.New("whole", flow.From(memory.NewSource(numbers(6)...)).DeadLetter(newDead()).Batch(2, 0).
			Map(func(_ context.Context, ns []int) (int, error) { return ns[0], nil }).
			Filter(func(n int) bool { return n != 3 }).Map(failAt(5)).To(memory.NewSink[int]()))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 6, Delivered: 2, Filtered: 2, DeadLettered: 2}, flow.Line{In: 3, Delivered: 1, Filtered: 1, Returned: 1})
	})
}
