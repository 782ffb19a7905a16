package flow_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// TestThrottlerPattern: what counts is a message that goes on, each time that it does, and
// nothing else; waiting costs a message nothing but time.
func TestThrottlerPattern(t *testing.T) {
	slow := flow.Rate{Limit: 1, Per: time.Second}
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name string
		in   []int
		// build makes the flow; seen notes what passes it, and when.
		build func(f ints, seen func(connector.Message[int])) ints
		want  string
		line  flow.Line
	}{
		{"a busy key does not slow down one that rests", []int{1, 11, 21, 2, 31, 3}, func(f ints, seen func(connector.Message[int])) ints {
			return f.KeyBy(byTen).Throttle(slow).Observe(seen)
		}, "1@0 2@0 3@0 11@1000 21@2000 31@3000", flow.Line{In: 6, Delivered: 6}},
		{"what is filtered above takes no place", []int{1, 2, 3, 4, 5}, func(f ints, seen func(connector.Message[int])) ints {
			return f.Filter(odd).Throttle(slow).Observe(seen)
		}, "1@0 3@1000 5@2000", flow.Line{In: 5, Delivered: 3, Filtered: 2}},
		{"what fails below has had its place", []int{1, 2, 3}, func(f ints, seen func(connector.Message[int])) ints {
			return f.Throttle(slow).Observe(seen).Map(failAt(2))
		}, "1@0 2@1000 3@2000", flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a retry below is not slowed down", []int{1, 2}, func(f ints, seen func(connector.Message[int])) ints {
			again := retry.Policy{Attempts: 3, Initial: 10 * time.Millisecond, NoJitter: true, Multiplier: 1}

			return f.Throttle(slow).Observe(seen).Retry(again).Map(flaky(2, connector.Transient(errBad)))
		}, "1@0 2@1000", flow.Line{In: 2, Delivered: 2}},
		{"each part of a split takes a place", []int{1, 2}, func(f ints, seen func(connector.Message[int])) ints {
			return f.Split(twice).Throttle(slow).Observe(seen)
		}, "1@0 1@1000 2@2000 2@3000", flow.Line{In: 2, Delivered: 2}},
		{"a batch takes one place", numbers(6), func(f ints, seen func(connector.Message[int])) ints {
			return f.Batch(3, 0).Slices().Map(flow.Pure(func(ns []int) int { return ns[0] })).Throttle(slow).Observe(seen)
		}, "1@0 4@1000", flow.Line{In: 6, Delivered: 6}},
		{"the wait does not count for a time-out below", []int{1, 2, 3}, func(f ints, seen func(connector.Message[int])) ints {
			return f.Throttle(slow).Observe(seen).Do(flow.Func("quick", func(_ context.Context, n int) (int, error) {
				time.Sleep(90 * time.Millisecond)

				return n, nil
			}).Timeout(100 * time.Millisecond))
		}, "1@0 2@1000 3@2000", flow.Line{In: 3, Delivered: 3}},
		{"a slow stage below does not save up places", []int{1, 2, 3, 4}, func(f ints, seen func(connector.Message[int])) ints {
			return f.Throttle(slow).Observe(seen).Map(func(_ context.Context, n int) (int, error) {
				if n == 1 {
					time.Sleep(2500 * time.Millisecond)
				}

				return n, nil
			})
		}, "1@0 2@2500 3@3500 4@4500", flow.Line{In: 4, Delivered: 4}},
		{"two in a row are as slow as the slower", []int{1, 2, 3}, func(f ints, seen func(connector.Message[int])) ints {
			return f.Throttle(flow.Rate{Limit: 10, Per: time.Second}).Throttle(slow).Observe(seen)
		}, "1@0 2@1000 3@2000", flow.Line{In: 3, Delivered: 3}},
		{"once an hour is once an hour", []int{1, 2}, func(f ints, seen func(connector.Message[int])) ints {
			return f.Throttle(flow.Rate{Limit: 1, Per: time.Hour}).Observe(seen)
		}, "1@0 2@3600000", flow.Line{In: 2, Delivered: 2}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			var got []string
			p := flow.New("throttler", test.build(flow.From(audit(t, memory.NewSource(test.in...))).DeadLetter(newDead()), passes(&got)).
				To(memory.NewSink[int]()))
			mustRun(t, p)
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("went on as %q, want %q", text, test.want)
			}
			if p.Ledger().Source != test.line || !p.Ledger().Balanced() {
				t.Errorf("ledger %v, want %v", p.Ledger(), test.line)
			}
		})
	}
}

// Throttler, beside another branch: what waits in one holds up the other in nothing.
func TestThrottlerPatternBesideAnotherBranch(t *testing.T) {
	bubble(t, "beside", func(t *testing.T) {
		var slow, quick []string
		f := flow.From(audit(t, memory.NewSource(numbers(3)...)))
		mustRun(t, flow.New("beside",
			f.Throttle(flow.Rate{Limit: 1, Per: time.Second}).Observe(passes(&slow)).To(memory.NewSink[int]()),
			f.Observe(passes(&quick)).To(memory.NewSink[int]())))
		if got := strings.Join(slow, " ") + ", " + strings.Join(quick, " "); got != "1@0 2@1000 3@2000, 1@0 2@0 3@0" {
			t.Errorf("the branches went on as %s", got)
		}
	})
}

// Throttler, a lease shorter than the wait: the message stays with its reader, and is not
// handed out again, and again, while it waits for its turn.
func TestThrottlerPatternKeepsTheLease(t *testing.T) {
	bubble(t, "lease", func(t *testing.T) {
		source, sink := memory.NewSource(numbers(5)...), memory.NewSink[int]()
		source.Declare(connector.Capabilities{Returns: true, Lease: time.Second})
		p := flow.New("lease", flow.From(audit(t, source)).Throttle(flow.Rate{Limit: 1, Per: time.Minute}).To(sink))
		mustRun(t, p)
		if got := sink.Values(); !slices.Equal(got, numbers(5)) {
			t.Errorf("delivered %v", got)
		}
		wantLedger(t, p, flow.Line{In: 5, Delivered: 5}, flow.Line{})
	})
}

// Throttler, messages that come back: each delivery takes a place, so a failing message is
// no way past the rate, and those behind it have their turn.
func TestThrottlerPatternComesAgain(t *testing.T) {
	bubble(t, "again", func(t *testing.T) {
		var got []string
		source := memory.NewSource(numbers(3)...)
		source.HoldEOF()
		p := flow.New("again", flow.From(audit(t, source)).Throttle(flow.Rate{Limit: 1, Per: time.Second}).Observe(passes(&got)).
			Map(flaky(2, connector.Transient(errBad))).To(memory.NewSink[int]()))
		mustRun(t, p)
		if text := strings.Join(got, " "); text != "1@0 2@1000 3@2000 1@3000 2@4000" {
			t.Errorf("went on as %s", text)
		}
		wantLedger(t, p, flow.Line{In: 5, Delivered: 3, Returned: 2}, flow.Line{})
	})
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
