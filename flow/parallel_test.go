package flow_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// crowd counts how many calls go on at once.
type crowd struct {
	mu        sync.Mutex
	now, most int
}

func (c *crowd) enter() (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	c.most = max(c.most, c.now)

	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}
}

func (c *crowd) work(d time.Duration) func(context.Context, int) (int, error) {
	return func(_ context.Context, n int) (int, error) {
		defer c.enter()()
		time.Sleep(d * time.Duration(n%5+1))

		return n, nil
	}
}

func TestParallelKinds(t *testing.T) {
	type parallel = func(f flow.Flow[int], n int, body func(flow.Flow[int]) flow.Flow[int]) flow.Flow[int]
	tests := []struct {
		name    string
		stage   parallel
		workers int
		sorted  bool
	}{
		{"ordered", func(f flow.Flow[int], n int, body func(flow.Flow[int]) flow.Flow[int]) flow.Flow[int] {
			return f.Parallel(n, body)
		}, 6, true},
		{"unordered", func(f flow.Flow[int], n int, body func(flow.Flow[int]) flow.Flow[int]) flow.Flow[int] {
			return f.Unordered(n, body)
		}, 6, false},
		{"one goroutine", func(f flow.Flow[int], n int, body func(flow.Flow[int]) flow.Flow[int]) flow.Flow[int] {
			return f.Unordered(n, body)
		}, 1, true},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			var c crowd
			sink := memory.NewSink[int]()
			p := flow.New("p", test.stage(flow.From(memory.NewSource(numbers(200)...)), test.workers,
				func(f flow.Flow[int]) flow.Flow[int] { return f.Map(c.work(time.Millisecond)) }).To(sink))
			mustRun(t, p)
			got := sink.Values()
			if sorted := slices.IsSorted(got); sorted != test.sorted || len(got) != 200 {
				t.Errorf("%d values, sorted %v", len(got), sorted)
			}
			if c.most != test.workers {
				t.Errorf("%d calls at once, want %d", c.most, test.workers)
			}
		})
	}
}

func TestKeyedParallelKeepsTheOrderOfAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c crowd
		sink := memory.NewSink[int]()
		p := flow.New("keyed", flow.From(memory.NewSource(numbers(300)...)).KeyBy(byTen).
			Parallel(4, func(f flow.Flow[int]) flow.Flow[int] {
				return f.Split(twice).Map(c.work(time.Millisecond)).Batch(3, time.Millisecond).MapEach(sameAll)
			}).To(sink))
		mustRun(t, p)
		last := map[string]int{}
		for _, n := range sink.Values() {
			if n < last[byTen(n)] {
				t.Fatalf("%d after %d", n, last[byTen(n)])
			}
			last[byTen(n)] = n
		}
		if len(sink.Values()) != 600 || c.most < 2 {
			t.Errorf("%d values, %d calls at once", len(sink.Values()), c.most)
		}
	})
}

// TestSinkInABodyIsNeverWrittenConcurrently: one stage never calls Write concurrently,
// and a parallel body is one definition of a stage.
func TestSinkInABodyIsNeverWrittenConcurrently(t *testing.T) {
	var c crowd
	slow := connector.SinkFunc[int](func(context.Context, []connector.Message[int]) error {
		defer c.enter()()
		time.Sleep(time.Millisecond)

		return nil
	})
	slowDead := connector.SinkFunc[connector.DeadLetter[int]](func(context.Context, []connector.Message[connector.DeadLetter[int]]) error {
		defer c.enter()()
		time.Sleep(time.Millisecond)

		return nil
	})
	type part = func(flow.Flow[int]) flow.Flow[int]
	for name, body := range map[string]part{
		"to": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End { return f.To(slow) })
		},
		"batch to": func(f flow.Flow[int]) flow.Flow[int] {
			return f.Tee(func(f flow.Flow[int]) flow.End { return f.Batch(2, 0).To(slow) })
		},
		"dead letter": func(f flow.Flow[int]) flow.Flow[int] {
			return f.DeadLetter(slowDead).Map(func(context.Context, int) (int, error) { return 0, errBad })
		},
	} {
		bubble(t, name, func(t *testing.T) {
			c = crowd{}
			mustRun(t, flow.New("one", flow.From(memory.NewSource(numbers(50)...)).Unordered(6, body).To(memory.NewSink[int]())))
			if c.most != 1 {
				t.Errorf("%d Writes at once", c.most)
			}
		})
	}
}

// TestBodyTimers: a batch inside a body is closed by its wait although no input comes.
func TestBodyTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewFeed(1, 2, 3), memory.NewSink[int]()
		p := start(t, flow.New("timers", flow.From(source).Unordered(2, func(f flow.Flow[int]) flow.Flow[int] {
			return f.Batch(100, time.Second).MapEach(sameAll)
		}).To(sink)))
		time.Sleep(time.Second)
		synctest.Wait()
		if len(sink.Values()) != 3 {
			t.Errorf("after the wait: %v", sink.Values())
		}
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestNestedParallel: results of an inner parallel stage go on without further input.
func TestNestedParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewFeed(numbers(5)...), memory.NewSink[int]()
		p := start(t, flow.New("nested", flow.From(source).Unordered(2, func(f flow.Flow[int]) flow.Flow[int] {
			return f.Parallel(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(same) })
		}).To(sink)))
		if len(sink.Values()) != 5 {
			t.Errorf("results that wait for more input: %v", sink.Values())
		}
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
	})
}
