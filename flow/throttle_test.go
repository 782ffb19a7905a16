package flow_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// passes notes when messages go on, in milliseconds from the beginning.
func passes(to *[]string) func(connector.Message[int]) {
	begin := time.Now()

	return func(m connector.Message[int]) {
		*to = append(*to, fmt.Sprintf("%d@%d", m.Value, time.Since(begin).Milliseconds()))
	}
}

// TestThrottle sends all messages at once, waits, and sends them again.
func TestThrottle(t *testing.T) {
	fast, slow := flow.Rate{Limit: 10, Per: time.Second}, flow.Rate{Limit: 10, Per: time.Second, Burst: 3}
	tests := []struct {
		name  string
		stage func(flow.Flow[int]) flow.Flow[int]
		in    []int
		pause time.Duration
		want  string
	}{
		{"evenly", func(f ints) ints { return f.Throttle(fast) }, numbers(3), 0, "1@0 2@100 3@200 1@300 2@400 3@500"},
		{"after a rest", func(f ints) ints { return f.Throttle(fast) }, numbers(3), time.Hour, "1@0 2@100 3@200 1@3600000 2@3600100 3@3600200"},
		{"after less than a rest", func(f ints) ints { return f.Throttle(fast) }, numbers(2), 150 * time.Millisecond, "1@0 2@100 1@200 2@300"},
		{"burst", func(f ints) ints { return f.Throttle(slow) }, numbers(4), 0, "1@0 2@0 3@0 4@100 1@200 2@300 3@400 4@500"},
		{"burst after a rest", func(f ints) ints { return f.Throttle(slow) }, numbers(4), time.Minute, "1@0 2@0 3@0 4@100 1@60000 2@60000 3@60000 4@60100"},
		{"burst after less than a rest", func(f ints) ints { return f.Throttle(slow) }, numbers(4), 200 * time.Millisecond, "1@0 2@0 3@0 4@100 1@200 2@300 3@400 4@500"},
		{"keys", func(f ints) ints { return f.KeyBy(parity).Throttle(fast) }, numbers(5), 0, "1@0 2@0 3@100 4@100 5@200 2@200 1@300 4@300 3@400 5@500"},
		{"rounded up", func(f ints) ints { return f.Throttle(flow.Rate{Limit: 3, Per: 100 * time.Millisecond}) }, numbers(4), 0, "1@0 2@33 3@66 4@100 1@133 2@166 3@200 4@233"},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			var got []string
			source := memory.NewFeed[int]()
			p := start(t, flow.New("throttle", test.stage(flow.From(audit(t, source))).Observe(passes(&got)).To(memory.NewSink[int]())))
			source.Send(test.in...)
			time.Sleep(test.pause)
			source.Send(test.in...)
			source.Finish()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("messages went on as\n%s, want\n%s", text, test.want)
			}
			n := int64(2 * len(test.in))
			wantLedger(t, p.Pipeline, flow.Line{In: n, Delivered: n}, flow.Line{})
		})
	}
}

// TestThrottleKeepsTheOrder of each key on a busy lane, whose timers are late.
func TestThrottleKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewFeed[int](), memory.NewSink[int]()
		late := func(ctx context.Context, n int) (int, error) { time.Sleep(35 * time.Millisecond); return n, nil }
		p := start(t, flow.New("late", flow.From(source).Map(late).KeyBy(parity).
			Throttle(flow.Rate{Limit: 20, Per: time.Second}).To(sink)))
		for _, n := range numbers(60) {
			source.Send(n)
		}
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
		for _, is := range []func(int) bool{even, odd} {
			if got := slices.DeleteFunc(sink.Values(), is); !slices.IsSorted(got) || len(got) != 30 {
				t.Errorf("order %v", got)
			}
		}
	})
}

// TestThrottleKeepsTheOrderAboveASlowStage: while one message is on its way, others become
// due.
func TestThrottleKeepsTheOrderAboveASlowStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewFeed[int](), memory.NewSink[int]()
		slow := func(_ context.Context, n int) (int, error) {
			if n%7 == 0 {
				time.Sleep(400 * time.Millisecond)
			}

			return n, nil
		}
		p := start(t, flow.New("slow", flow.From(source).Throttle(flow.Rate{Limit: 20, Per: time.Second, Burst: 3}).Map(slow).To(sink)))
		for _, n := range numbers(100) {
			source.Send(n)
			time.Sleep(45 * time.Millisecond)
		}
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
		if got := sink.Values(); !slices.IsSorted(got) || len(got) != 100 {
			t.Errorf("order %v", got)
		}
	})
}

// TestThrottleReturnsAtStop at once, whatever the rate is.
func TestThrottleReturnsAtStop(t *testing.T) {
	for name, ends := range map[string]bool{"while it reads": false, "after the input": true} {
		bubble(t, name, func(t *testing.T) {
			source, begin := memory.NewFeed(numbers(5)...), time.Now()
			p := start(t, flow.New("stop", flow.From(audit(t, source)).Throttle(flow.Rate{Limit: 1, Per: time.Hour}).
				To(memory.NewSink[int]())))
			if ends {
				source.Finish()
			}
			time.Sleep(90 * time.Minute)
			left, err := p.stop(time.Minute)
			if err != nil || left.Returned != 3 || left.InFlight != 0 || time.Since(begin) != 90*time.Minute {
				t.Errorf("left %+v, error %v, after %v", left, err, time.Since(begin))
			}
			if err := p.wait(); err != nil {
				t.Error(err)
			}
			wantLedger(t, p.Pipeline, flow.Line{In: 5, Delivered: 2, Returned: 3}, flow.Line{})
		})
	}
}

// TestThrottleIsBounded: it holds as many as may be in flight; one part more waits above it.
func TestThrottleIsBounded(t *testing.T) {
	for _, stop := range []bool{false, true} {
		bubble(t, fmt.Sprintf("stop %v", stop), func(t *testing.T) {
			var made atomic.Int64
			source := memory.NewFeed(6)
			p := start(t, flow.New("bounded", flow.From(audit(t, source)).
				Split(func(_ context.Context, n int) iter.Seq2[int, error] {
					return func(yield func(int, error) bool) {
						for made.Load() < int64(n) {
							if !yield(int(made.Add(1)), nil) {
								return
							}
						}
					}
				}).
				Throttle(flow.Rate{Limit: 1, Per: time.Minute}).To(memory.NewSink[int]())).With(flow.Config{MaxInFlight: 3}))
			if made := made.Load(); made != 5 { // one went on, three are held, one waits
				t.Errorf("%d parts were made", made)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if made := made.Load(); made != 6 {
				t.Errorf("%d parts were made after a minute", made)
			}
			if stop {
				left, err := p.stop(time.Second)
				if err != nil || left.Returned != 1 || left.InFlight != 0 {
					t.Errorf("left %+v, error %v", left, err)
				}
				wantLedger(t, p.Pipeline, flow.Line{In: 1, Returned: 1}, flow.Line{In: 6, Delivered: 2, Returned: 4})
			} else {
				source.Finish()
			}
			if err := p.wait(); err != nil {
				t.Error(err)
			}
			if !stop {
				wantLedger(t, p.Pipeline, flow.Line{In: 1, Delivered: 1}, flow.Line{In: 6, Delivered: 6})
			}
		})
	}
}

// TestThrottleMaxKeys goes to the bound and one key beyond it. Keys that rest do not count.
func TestThrottleMaxKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, rejected := memory.NewFeed[int](), newDead()
		p := start(t, flow.New("keys", flow.From(source).DeadLetter(rejected).KeyBy(self).
			Throttle(flow.Rate{Limit: 1, Per: time.Second}).To(memory.NewSink[int]())).With(flow.Config{MaxKeys: 3}))
		source.Send(1, 2, 3, 4, 1)
		time.Sleep(2 * time.Second)
		source.Send(5, 6)
		source.Send(numbers(2)...)
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
		letters := rejected.Values()
		if len(letters) != 2 || letters[0].Value != 4 || letters[1].Value != 2 || !strings.Contains(letters[0].Cause, "more than 3 keys") {
			t.Errorf("letters %+v", letters)
		}
	})
}

// TestThrottleForgetsKeys: many keys, of which few are at work.
func TestThrottleForgetsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New("keys", flow.From(memory.NewSource(numbers(1000)...)).
			Map(func(_ context.Context, n int) (int, error) { time.Sleep(time.Second); return n, nil }).
			KeyBy(self).Throttle(flow.Rate{Limit: 1, Per: time.Second}).To(memory.NewSink[int]())).With(flow.Config{MaxKeys: 10})
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 1000, Delivered: 1000}, flow.Line{})
	})
}

// TestThrottleAboveAFullQueue: what the Throttle holds cannot go on while its lane waits for
// room in the queue, so the batch that fills the queue must let go.
func TestThrottleAboveAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memoryQueue(t, 3)
		defer q.Close()
		p := flow.New("full", flow.From(memory.NewSource(numbers(20)...)).Throttle(flow.Rate{Limit: 10, Per: time.Second, Burst: 5}).
			Via(q).Batch(10, 0).To(memory.NewSink[int]())).With(flow.Config{MaxInFlight: 10})
		mustRun(t, p)
		if l := p.Ledger(); l.Source != (flow.Line{In: 20, Delivered: 20}) || !l.Balanced() {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestThrottleIsWork: a full pipeline whose messages wait for their time is not stuck, so
// a batch below is not torn and a group beside it is not given up.
func TestThrottleIsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := memory.NewSink[int]()
		p := flow.New("full", flow.From(memory.NewSource(numbers(20)...)).Throttle(flow.Rate{Limit: 1, Per: time.Minute}).
			Batch(5, 0).To(sink)).With(flow.Config{MaxInFlight: 10})
		mustRun(t, p)
		if got := len(sink.Writes()); got != 4 {
			t.Errorf("%d batches, want 4 full ones", got)
		}
	})
}
