package flow_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

func inSeconds(n int) time.Duration { return time.Duration(n) * time.Second }

// TestDelay gives every message its time, in a queue of either kind.
func TestDelay(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *queueconn.Queue[int]{
		"memory": func(t *testing.T) *queueconn.Queue[int] { return memoryQueue(t, 10) },
		"durable": func(t *testing.T) *queueconn.Queue[int] {
			return durableQueue(t, filepath.Join(t.TempDir(), "later"))
		},
	} {
		bubble(t, name, func(t *testing.T) {
			var got []string
			q, source := open(t), memory.NewSource(3, 0, 1, -5, 2, 1)
			mustRun(t, flow.New("delay", flow.From(audit(t, source)).Delay(q, inSeconds).
				Observe(passes(&got)).To(memory.NewSink[int]())))
			if text := strings.Join(got, " "); text != "0@0 -5@0 1@1000 1@1000 2@2000 3@3000" {
				t.Errorf("messages went on as %s", text)
			}
			if err := q.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func durableQueue(t *testing.T, path string) *queueconn.Queue[int] {
	t.Helper()
	q, err := queueconn.Open(path, transform.JSON[int](), queueconn.Config{})
	if err != nil {
		t.Fatal(err)
	}

	return q
}

// TestDelayIsDurable: the source is done with a message when the queue has it, and its time
// goes on while nothing runs.
func TestDelayIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		path, at := filepath.Join(t.TempDir(), "later"), passes(&got)
		build := func(source connector.Source[int], q connector.Queue[int]) *flow.Pipeline {
			return flow.New("delay", flow.From(source).Delay(q, inSeconds).Observe(at).To(memory.NewSink[int]()))
		}
		q, source := durableQueue(t, path), memory.NewFeed(3600, 60, 7200)
		p := start(t, build(source, q))
		if source.Count(connector.Delivered) != 3 {
			t.Errorf("the source has %v", p.Ledger())
		}
		time.Sleep(30 * time.Minute)
		if left, err := p.stop(time.Minute); err != nil || !left.Clean() {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(60 * time.Minute)
		q = durableQueue(t, path)
		mustRun(t, build(memory.NewSource[int](), q))
		if text := strings.Join(got, " "); text != "60@60000 3600@5400000 7200@7200000" {
			t.Errorf("messages went on as %s", text)
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestDelayOutcomes: a failure after the delay, and one of the queue itself.
func TestDelayOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, rejected := memoryQueue(t, 10), newDead()
		defer q.Close()
		year := func(n int) time.Duration {
			if n == 5 {
				return 366 * 24 * time.Hour
			}

			return time.Minute
		}
		p := flow.New("delay", flow.From(memory.NewSource(numbers(5)...)).DeadLetter(rejected).Delay(q, year).
			Map(failAt(3)).To(memory.NewSink[int]()))
		mustRun(t, p)
		letters := rejected.Values()
		if len(letters) != 2 || letters[0].Value != 5 || letters[0].Stage != "delay" || !strings.Contains(letters[0].Cause, "365 days") ||
			letters[1].Value != 3 {
			t.Errorf("letters %+v", letters)
		}
		if l := p.Ledger(); l.Source != (flow.Line{In: 5, Delivered: 3, DeadLettered: 2}) || !l.Balanced() {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestDelayInMemoryStops: what still waits at the deadline goes back to the source.
func TestDelayInMemoryStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, source := memoryQueue(t, 10), memory.NewFeed(1, 100, 200)
		defer q.Close()
		p := start(t, flow.New("delay", flow.From(audit(t, source)).Delay(q, inSeconds).To(memory.NewSink[int]())))
		left, err := p.stop(10 * time.Second)
		if err != nil || left.Returned != 2 || left.InFlight != 0 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if l := p.Ledger(); l.Source != (flow.Line{In: 3, Delivered: 1, Returned: 2}) || !l.Balanced() {
			t.Errorf("ledger %v", l)
		}
	})
}

// TestDelayIsBounded by Config.MaxInFlight, where the queue is not durable.
func TestDelayIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, source := memoryQueue(t, 100), memory.NewFeed(numbers(10)...)
		defer q.Close()
		p := start(t, flow.New("delay", flow.From(source).
			Delay(q, func(int) time.Duration { return time.Minute }).To(memory.NewSink[int]())).With(flow.Config{MaxInFlight: 4}))
		if d, err := q.Depth(context.Background()); err != nil || d.Delayed != 4 {
			t.Errorf("depth %+v, error %v", d, err)
		}
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if got := source.Count(connector.Delivered); got != 10 {
			t.Errorf("%d delivered", got)
		}
	})
}

// looked counts how often a queue is asked how much it holds.
type looked struct {
	*queueconn.Queue[int]

	times atomic.Int64
}

func (q *looked) Depth(ctx context.Context) (connector.Depth, error) {
	q.times.Add(1)

	return q.Queue.Depth(ctx)
}

// TestLongDelayIsNotPolled: while the last messages wait for a week, the pipeline does not ask
// the queue all the time whether they are the last, and it still finds out soon.
func TestLongDelayIsNotPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const week = 7 * 24 * time.Hour
		begin, sink, q := time.Now(), memory.NewSink[[]int](), &looked{Queue: memoryQueue(t, 10)}
		mustRun(t, flow.New("delay", flow.From(memory.NewSource(1, 2)).Delay(q, func(int) time.Duration { return week }).
			Batch(9, 0).Map(flow.Pure(slices.Clone[[]int])).To(sink)))
		if n, most := q.times.Load(), int64(week/time.Second)+10; n == 0 || n > most {
			t.Errorf("the queue was asked %d times in a week, want %d at most", n, most)
		}
		if late := time.Since(begin) - week; sink.Accepted() != 1 || late > 2*time.Second {
			t.Errorf("%d batches, the last one %v late", sink.Accepted(), late)
		}
	})
}
