package flow_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// ends is a user function that ends its goroutine.
func ends(context.Context, int) error {
	runtime.Goexit()

	return nil
}

// TestGoexitTwiceOnALane: the first ends the run; the second comes as the lane lets go of
// what it has collected.
func TestGoexitTwiceOnALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewFeed(1, 2)
		p := flow.New("exits", flow.From(source).Route().
			Case("odd", func(n int) bool { return n == 1 }, func(f flow.Flow[int]) flow.End {
				return f.Batch(2, 0).MapEach(sameAll).ForEach(ends)
			}).
			Else(func(f flow.Flow[int]) flow.End { return f.ForEach(ends) }))
		if err := p.Run(t.Context()); err == nil {
			t.Error("no error")
		}
		if l := p.Ledger().Source; l.Returned != 2 || l.InFlight != 0 {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestGoexitAtTheEndOfABranch: a lane that ends its stages goes on behind the one that ended
// the goroutine, and does not end the others twice.
func TestGoexitAtTheEndOfABranch(t *testing.T) {
	for _, first := range []bool{true, false} {
		name := "last"
		if first {
			name = "first"
		}
		bubble(t, name, func(t *testing.T) {
			sink, begin := memory.NewSink[int](), time.Now()
			f := flow.From(memory.NewSource(1))
			branches := []flow.End{f.Batch(2, 0).MapEach(sameAll).ForEach(ends), f.Buffer(1, flow.Block).To(sink)}
			if !first {
				branches[0], branches[1] = branches[1], branches[0]
			}
			p := flow.New("exits", branches...)
			if err := p.Run(t.Context()); err == nil {
				t.Error("no error")
			}
			if took := time.Since(begin); took > 0 {
				t.Errorf("it ended after %v, so something waited", took)
			}
			if l := p.Ledger(); !l.Balanced() || l.Source.InFlight+l.Derived.InFlight != 0 {
				t.Errorf("ledger %v", l)
			}
		})
	}
}

// TestAStallIsFoundAfterOthersHaveMoved: a group that can never be complete is given up
// although something else was under way when its time had come.
func TestAStallIsFoundAfterOthersHaveMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalled, other := memory.NewFeed(1, 2, 3), memory.NewFeed(1)
		rejected := newDead()
		p := start(t, flow.New("stall",
			flow.From(stalled).DeadLetter(rejected).KeyBy(parity).Aggregate(flow.Completion{Count: 3}, sumUp).To(memory.NewSink[group]()),
			flow.From(other).KeyBy(byOne).Aggregate(flow.Completion{Idle: 4900 * time.Millisecond}, sumUp).
				ForEach(func(context.Context, group) error {
					time.Sleep(time.Minute)

					return nil
				}),
		).With(flow.Config{MaxInFlight: 3}))
		time.Sleep(2 * time.Minute)
		if n := stalled.Count(connector.DeadLettered); n != 2 {
			t.Errorf("%d messages were given up, want 2", n)
		}
		stalled.Finish()
		other.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}
