package flow_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// Resequencer, started again: a run that begins with later numbers than the first does not
// stand still for ever, and loses none of them.
func TestResequencerPatternStartedAgain(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second} {
		bubble(t, fmt.Sprintf("wait %v", wait), func(t *testing.T) {
			source, sink, rejected := memory.NewSource(events("a7 a9 a8")...), memory.NewSink[event](), deadEvents()
			p := flow.New("again", inSequence(flow.From(audit(t, source)).DeadLetter(rejected), flow.Sequence{Wait: wait}).To(sink))
			mustRun(t, p)
			if got := eventText(sink.Values()); got != "a7 a8 a9" && wait > 0 || len(sink.Values())+rejected.Accepted() != 3 {
				t.Errorf("delivered %q, %d letters", got, rejected.Accepted())
			}
		})
	}
}

// Throttler: no window of the period sees more than the limit and what a burst may add,
// whatever pauses and rushes there were before.
func TestThrottlerPatternInEveryWindow(t *testing.T) {
	for _, rate := range []flow.Rate{
		{Limit: 5, Per: time.Second}, {Limit: 5, Per: time.Second, Burst: 4}, {Limit: 3, Per: 100 * time.Millisecond, Burst: 2},
	} {
		bubble(t, fmt.Sprintf("%+v", rate), func(t *testing.T) {
			source, begin := memory.NewFeed[int](), time.Now()
			var at []time.Duration
			p := start(t, flow.New("windows", flow.From(audit(t, source)).Throttle(rate).
				Map(flow.Pure(func(n int) int { at = append(at, time.Since(begin)); return n })).To(memory.NewSink[int]())))
			for i := range 60 {
				source.Send(i)
				time.Sleep(time.Duration([]int{0, 7, 0, 0, 450, 0, 0, 0, 1900, 33}[i%10]) * time.Millisecond)
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			most := rate.Limit + max(rate.Burst, 1) - 1
			for i, first := range at {
				end := slices.IndexFunc(at[i:], func(d time.Duration) bool { return d >= first+rate.Per })
				if end < 0 {
					end = len(at) - i
				}
				if end > most {
					t.Fatalf("%d messages within %v from %v on, want at most %d", end, rate.Per, first, most)
				}
			}
			if len(at) != 60 {
				t.Errorf("%d of 60 messages", len(at))
			}
		})
	}
}
