package flow_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// TestMulticastPattern: one branch that fails does not keep the others from their work, and
// the message is done only when all branches are.
func TestMulticastPattern(t *testing.T) {
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name          string
		first, second func(ints) ints
		// one and two are how many of three messages the branches deliver.
		one, two int
		line     flow.Line
	}{
		{"the second branch works where the first fails", func(f ints) ints { return f.Map(failAt(2)) }, nothing, 2, 3,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"the first has worked where the second fails", nothing, func(f ints) ints { return f.Map(failAt(2)) }, 3, 2,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a failure of both has one letter", func(f ints) ints { return f.Map(failAt(2)) }, func(f ints) ints { return f.Map(failAt(2)) }, 2, 2,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a failure long after the others are done still counts", func(f ints) ints { return f.Batch(9, time.Hour).MapEach(sameAll).Map(failAt(3)) }, nothing, 2, 3,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"in parallel too", func(f ints) ints { return f.Parallel(3, func(f ints) ints { return f.Map(failAt(1)) }) },
			func(f ints) ints { return f.Buffer(2, flow.Block) }, 2, 3, flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a panic of one is a failure of that one", func(f ints) ints {
			return f.Map(func(_ context.Context, n int) (int, error) {
				if n == 2 {
					panic(errBad)
				}

				return n, nil
			})
		}, nothing, 2, 3, flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a time-out of one is a failure of that one", func(f ints) ints {
			return f.Do(flow.Func("slow", func(ctx context.Context, n int) (int, error) {
				if n == 2 {
					<-ctx.Done()

					return n, ctx.Err()
				}

				return n, nil
			}).Timeout(time.Second))
		}, nothing, 2, 3, flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a message that each branch filters is filtered", func(f ints) ints { return f.Filter(even) }, func(f ints) ints { return f.Filter(even) }, 1, 1,
			flow.Line{In: 3, Delivered: 1, Filtered: 2}},
		{"a repeat in one branch is a message in the other", func(f ints) ints { return f.Once(memory.NewStore(), byOne, 0) }, nothing, 1, 3,
			flow.Line{In: 3, Delivered: 3}},
		{"a branch that splits counts with each part", func(f ints) ints { return f.Split(twice).Map(failAt(2)) }, nothing, 4, 3,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"what one branch filters is delivered by the other", func(f ints) ints { return f.Filter(even) }, nothing, 1, 3,
			flow.Line{In: 3, Delivered: 3}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, one, two, rejected := memory.NewSource(numbers(3)...), memory.NewSink[int](), memory.NewSink[int](), newDead()
			f := flow.From(audit(t, source)).DeadLetter(rejected)
			p := flow.New("multicast", test.first(f).To(one), test.second(f).To(two))
			mustRun(t, p)
			if one.Accepted() != test.one || two.Accepted() != test.two || p.Ledger().Source != test.line {
				t.Errorf("branches got %d and %d, ledger %v; want %d, %d, %v",
					one.Accepted(), two.Accepted(), p.Ledger().Source, test.one, test.two, test.line)
			}
			if rejected.Accepted() != int(test.line.DeadLettered) || !p.Ledger().Balanced() {
				t.Errorf("%d letters, ledger %v", rejected.Accepted(), p.Ledger())
			}
		})
	}
}

// Multicast, a branch that drops what it has no room for: the message is dropped, although
// the other branch delivers it; a failure there counts for more.
func TestMulticastPatternDrops(t *testing.T) {
	for name, test := range map[string]struct {
		other func(ints) ints
		line  flow.Line
	}{
		"the other delivers": {nothing, flow.Line{In: 3, Delivered: 2, Dropped: 1}},
		"the other fails":    {func(f ints) ints { return f.Map(failAt(3)) }, flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
	} {
		bubble(t, name, func(t *testing.T) {
			source, sink := memory.NewFeed[int](), memory.NewSink[int]()
			f := flow.From(audit(t, source)).DeadLetter(newDead())
			p := start(t, flow.New("multicast", f.Buffer(1, flow.DropNewest).Map(func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Minute)

				return n, nil
			}).To(sink), test.other(f).To(memory.NewSink[int]())))
			for _, n := range numbers(3) { // the first is at work, the second in the buffer
				source.Send(n)
				time.Sleep(time.Second)
			}
			source.Finish()
			if err := p.wait(); err != nil || !slices.Equal(sink.Values(), []int{1, 2}) {
				t.Errorf("delivered %v, %v", sink.Values(), err)
			}
			if p.Ledger().Source != test.line {
				t.Errorf("ledger %v, want %v", p.Ledger().Source, test.line)
			}
		})
	}
}

// Multicast, without a dead letter: the message comes back for the branch that failed. The
// other branch gets it again, unless a Once stands there; the failed one never loses it.
func TestMulticastPatternComesAgain(t *testing.T) {
	tests := []struct {
		name        string
		fails, once bool // the first branch fails at first; the second has a Once
		one, two    []int
	}{
		{"nothing fails", false, false, []int{1, 2, 3}, []int{1, 2, 3}},
		{"the branch that has worked works again", true, false, []int{2, 3, 1}, []int{1, 2, 3, 1}},
		{"not behind a Once", true, true, []int{2, 3, 1}, []int{1, 2, 3}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, one, two := memory.NewSource(numbers(3)...), memory.NewSink[int](), memory.NewSink[int]()
			source.HoldEOF()
			f, times := flow.From(audit(t, source)), 0
			if test.fails {
				times = 1
			}
			second := f
			if test.once {
				second = f.OncePerMessage(memory.NewStore(), 0)
			}
			p := flow.New("multicast", f.Map(flaky(times, errBad)).To(one), second.To(two))
			mustRun(t, p)
			if !slices.Equal(one.Values(), test.one) || !slices.Equal(two.Values(), test.two) {
				t.Errorf("branches got %v and %v, want %v and %v", one.Values(), two.Values(), test.one, test.two)
			}
			wantLedger(t, p, flow.Line{In: int64(3 + times), Delivered: 3, Returned: int64(times)}, flow.Line{In: 2 * int64(3+times),
				Delivered: p.Ledger().Derived.Delivered, Duplicate: p.Ledger().Derived.Duplicate, Returned: int64(times)})
		})
	}
}

// Multicast, a branch that is slow, or stands still: the source hears of a message when the
// last branch has it, and not before; each branch keeps the order.
func TestMulticastPatternWaitsForTheLast(t *testing.T) {
	bubble(t, "slow", func(t *testing.T) {
		source, quick, slow, gate := memory.NewFeed(numbers(3)...), memory.NewSink[int](), memory.NewSink[int](), make(chan struct{})
		slow.Script(memory.Block(gate))
		f := flow.From(audit(t, source))
		p := start(t, flow.New("multicast", f.To(quick), f.Buffer(9, flow.Block).To(slow)))
		if quick.Accepted() != 3 || len(source.Settled()) > 0 {
			t.Errorf("the quick branch has %d, and %d are settled; want 3 and none", quick.Accepted(), len(source.Settled()))
		}
		close(gate)
		source.Finish()
		if err := p.wait(); err != nil || !slices.Equal(slow.Values(), numbers(3)) || source.Count(connector.Delivered) != 3 {
			t.Errorf("the slow branch got %v, %v; settled %v", slow.Values(), err, source.Settled())
		}
	})
}

// Multicast, stopped while one branch works: the message goes back once, as stopped, and is
// no dead letter, whatever the other branch has made of it.
func TestMulticastPatternStops(t *testing.T) {
	for _, bad := range []bool{false, true} {
		bubble(t, fmt.Sprintf("the other fails %v", bad), func(t *testing.T) {
			source, rejected := memory.NewFeed(1), newDead()
			f := flow.From(audit(t, source)).DeadLetter(rejected)
			first := f
			if bad {
				first = f.Map(failAt(1))
			}
			p := start(t, flow.New("multicast", first.To(memory.NewSink[int]()),
				f.Map(func(ctx context.Context, _ int) (int, error) {
					<-ctx.Done()

					return 0, ctx.Err()
				}).To(memory.NewSink[int]())))
			if _, err := p.stop(time.Second); err != nil {
				t.Error(err)
			}
			if err := p.wait(); err != nil {
				t.Error(err)
			}
			if source.Count(connector.Returned) != 1 || rejected.Accepted() > 0 {
				t.Errorf("settled %v, %d letters", source.Settled(), rejected.Accepted())
			}
		})
	}
}

// Multicast, what one branch writes on a message is not on that of the other.
func TestMulticastPatternSharesNoHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		note := func(m connector.Message[int]) { seen = append(seen, m.Header("mark")) }
		mark := func(text string) func(context.Context, connector.Message[int]) (connector.Message[int], error) {
			return func(_ context.Context, m connector.Message[int]) (connector.Message[int], error) {
				m.Meta = m.WithHeader("mark", text)

				return m, nil
			}
		}
		f := flow.From(audit(t, memory.NewSource(1)))
		mustRun(t, flow.New("multicast", f.MapMessage(mark("one")).Observe(note).To(memory.NewSink[int]()),
			f.Observe(note).To(memory.NewSink[int]()), f.MapMessage(mark("three")).Observe(note).To(memory.NewSink[int]())))
		if !slices.Equal(seen, []string{"one", "", "three"}) {
			t.Errorf("headers %q", seen)
		}
	})
}
