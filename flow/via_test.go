package flow_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

func memoryQueue(t *testing.T, most int) *queueconn.Queue[int] {
	t.Helper()
	q, err := queueconn.NewMemory[int](queueconn.Config{MaxMessages: most})
	if err != nil {
		t.Fatal(err)
	}

	return q
}

// TestViaMemoryHoldsThroughToTheFarOutcome: a message has one account, on both sides.
func TestViaMemoryHoldsThroughToTheFarOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, rejected, sink := memoryQueue(t, 10), newDead(), memory.NewSink[int]()
		source := memory.NewSource(numbers(20)...)
		p := flow.New("hop", flow.From(source).DeadLetter(rejected).Via(q).
			Filter(func(n int) bool { return n != 2 }).Map(failAt(3)).To(sink))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 20, Delivered: 18, Filtered: 1, DeadLettered: 1},
			flow.Line{In: 20, Delivered: 18, Filtered: 1, Returned: 1})
		if got := rejected.Values(); len(got) != 1 || got[0].Value != 3 {
			t.Errorf("letters %+v", got)
		}
		if !slices.IsSorted(sink.Values()) || sink.Messages()[0].ID() != "memory:1" || sink.Messages()[0].Header("millrace-hop") != "" {
			t.Errorf("order or metadata lost: %v, %v", sink.Values(), sink.Messages()[0].Fields())
		}
		if d, err := q.Depth(t.Context()); err != nil || d != (connector.Depth{}) {
			t.Errorf("left in the queue: %+v, %v", d, err)
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestViaFullQueueBelowABatch: the queue is full of what a Batch below it collects.
func TestViaFullQueueBelowABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, sink := memoryQueue(t, 10), memory.NewSink[int]()
		defer q.Close()
		mustRun(t, flow.New("full", flow.From(memory.NewSource(numbers(95)...)).Via(q).Batch(50, 0).To(sink)))
		if len(sink.Values()) != 95 {
			t.Errorf("got %d values", len(sink.Values()))
		}
	})
}

func TestViaMemoryAtAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, source := memoryQueue(t, 100), memory.NewFeed(numbers(50)...)
		defer q.Close()
		p := start(t, flow.New("stop", flow.From(source).Via(q).Batch(1, 0).MapEach(func(ctx context.Context, ns []int) ([]int, error) {
			<-ctx.Done()

			return ns, ctx.Err()
		}).To(memory.NewSink[int]())))
		left, err := p.stop(time.Second)
		if err != nil || left.InFlight != 0 || left.Returned != 50 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if l := p.Ledger(); !l.Balanced() || source.Count(connector.Returned) != 50 {
			t.Errorf("ledger %v", l)
		}
	})
}

func openQueue(t *testing.T, path string) *queueconn.Queue[int] {
	t.Helper()
	q, err := queueconn.Open(path, transform.JSON[int](), queueconn.Config{})
	if err != nil {
		t.Fatal(err)
	}

	return q
}

// TestViaDurableBeginsANewAccount: delivered at accept, settled with the queue on the far
// side, and kept by the queue when the pipeline stops in between.
func TestViaDurableBeginsANewAccount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hop.queue")
	source, sink := memory.NewSource(numbers(20)...), memory.NewSink[int]()
	down := errors.New("down")
	build := func(q connector.Queue[int], fail bool) *flow.Pipeline {
		return flow.New("durable", flow.From(source).Via(q).Map(func(_ context.Context, n int) (int, error) {
			if fail && n > 10 {
				return 0, down
			}

			return n, nil
		}).To(sink))
	}
	q := openQueue(t, path)
	p := build(q, true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if source.Count(connector.Delivered) != 20 {
		t.Errorf("the near side: %v", source.Settled())
	}
	l := p.Ledger().Source
	if l.Delivered != 20+10 || l.Returned < 10 || !l.Balanced() {
		t.Errorf("ledger %v", l)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = openQueue(t, path)
	defer q.Close()
	mustRun(t, build(q, false))
	got := sink.Values()
	slices.Sort(got)
	if !slices.Equal(got, numbers(20)) {
		t.Errorf("after the restart: %v", got)
	}
}

// TestViaAgainAfterAStop: a pipeline that was stopped can run again on the same queue.
func TestViaAgainAfterAStop(t *testing.T) {
	q := openQueue(t, filepath.Join(t.TempDir(), "again.queue"))
	defer q.Close()
	source, sink := memory.NewFeed(1, 2), memory.NewSink[int]()
	p := flow.New("again", flow.From(source).Via(q).To(sink))
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		source.Send(3, 4)
	}
	if got := sink.Values(); !slices.Equal(got, []int{1, 2, 3, 4}) {
		t.Errorf("got %v", got)
	}
}

// TestViaAgainAfterAStopBehindTheEnd: the input had ended, and the stop came while the far
// side was at work. The next run must be able to write: its near side may have read again
// what was not confirmed.
func TestViaAgainAfterAStopBehindTheEnd(t *testing.T) {
	durable := openQueue(t, filepath.Join(t.TempDir(), "again.queue"))
	inMemory := memoryQueue(t, 10)
	for _, q := range []*queueconn.Queue[int]{durable, inMemory} {
		defer q.Close()
		source, done := memory.NewSource(1, 2), []int{}
		ctx, stop := context.WithCancel(t.Context())
		p := flow.New("again", flow.From(source).Via(q).ForEach(func(_ context.Context, n int) error {
			if ctx.Err() == nil {
				stop()

				return connector.Transient(errBad)
			}
			done = append(done, n)

			return nil
		}))
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		source.Send(3)
		mustRun(t, p)
		slices.Sort(done)
		if !slices.Equal(done, []int{1, 2, 3}) {
			t.Errorf("%v: got %v; the near side: %v", connector.Describe(q).Durable, done, source.Settled())
		}
	}
}

// endless is a queue whose readers cannot be told that the input has ended.
type endless struct{ *queueconn.Queue[int] }

func (q endless) Open(ctx context.Context) (connector.Reader[int], error) {
	r, err := q.Queue.Open(ctx)

	return struct{ connector.Reader[int] }{r}, err
}

func TestViaNeedsAFinisher(t *testing.T) {
	q := memoryQueue(t, 10)
	defer q.Close()
	err := flow.New("endless", flow.From(memory.NewSource(1)).Via(endless{q}).To(memory.NewSink[int]())).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "connector.Finisher") {
		t.Errorf("error %v", err)
	}
}

// TestViaWriteFails: what the queue refuses fails on the near side.
func TestViaWriteFails(t *testing.T) {
	shut := refusing{memoryQueue(t, 10)}
	defer shut.Close()
	rejected := newDead()
	p := flow.New("refused", flow.From(memory.NewSource(1, 2)).DeadLetter(rejected).Via(shut).To(memory.NewSink[int]()))
	mustRun(t, p)
	wantLedger(t, p, flow.Line{In: 2, Delivered: 1, DeadLettered: 1}, flow.Line{In: 1, Delivered: 1})
}

// refusing accepts all but the first message of each Write.
type refusing struct{ *queueconn.Queue[int] }

func (q refusing) Write(ctx context.Context, ms []connector.Message[int]) error {
	partial := connector.NewPartialError(len(ms))
	partial.Members[0] = connector.Member{Fate: connector.Failed, Err: connector.Permanent(errBad)}
	for i := range ms[1:] {
		partial.Members[i+1].Fate = connector.Accepted
	}
	if len(ms) > 1 {
		if err := q.Queue.Write(ctx, ms[1:]); err != nil {
			return err
		}
	}

	return partial
}
