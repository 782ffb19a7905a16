package flow_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
)

// TestAFullSourceThatStopsIsNotFullAnyMore: a stop comes while the source is full. From then
// on it waits for no room, so a batch is not torn although nothing moves for a while.
func TestAFullSourceThatStopsIsNotFullAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, release := memoryQueue(t, 10), make(chan struct{})
		defer q.Close()
		var writes [][]int
		sink := connector.SinkFunc[int](func(_ context.Context, ms []connector.Message[int]) error {
			writes = append(writes, valuesOf(ms))

			return nil
		})
		late := func(n int) time.Duration { return time.Duration(n-1) * time.Second }
		p := start(t, flow.New("full", flow.From(memory.NewFeed(1, 2, 3)).Delay(q, late).
			Map(func(_ context.Context, n int) (int, error) {
				<-release

				return n, nil
			}).Batch(2, 0).To(sink)).With(flow.Config{MaxInFlight: 2}))
		stopped := make(chan error)
		go func() {
			_, err := p.stop(time.Minute)
			stopped <- err
		}()
		synctest.Wait()
		close(release)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if len(writes) != 1 || !slices.Equal(writes[0], []int{1, 2}) {
			t.Errorf("writes %v, want one of both messages", writes)
		}
	})
}

// TestASettlementMakesRoom: a full source has room again as soon as something is settled, so
// that a batch goes on to wait for what comes.
func TestASettlementMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewFeed(1, 2), memory.NewSink[int]()
		source.ScriptSettle(memory.Pass().Delay(time.Minute).Always())
		p := start(t, flow.New("room", flow.From(source).Filter(func(n int) bool { return n%2 == 0 }).
			Map(func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Second) // until the settler has taken the first message

				return n, nil
			}).Batch(2, 0).To(sink)).With(flow.Config{MaxInFlight: 2}))
		time.Sleep(time.Hour)
		if got := sink.Writes(); len(got) > 0 {
			t.Errorf("batches of %v before a second message has come", got)
		}
		source.Send(4)
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if got := sink.Writes(); !slices.Equal(got, []int{2}) {
			t.Errorf("batches of %v, want one of 2", got)
		}
	})
}

func valuesOf[T any](ms []connector.Message[T]) []T {
	values := make([]T, len(ms))
	for i, m := range ms {
		values[i] = m.Value
	}

	return values
}

// inlineQueue is a durable queue without leases, so that one goroutine can read, run and
// settle its far side.
type inlineQueue struct{ *queueconn.Queue[int] }

func (q inlineQueue) Describe() connector.Capabilities {
	c := q.Queue.Describe()
	c.Durable, c.Lease = true, 0

	return c
}

// TestAQueueWithoutLeasesRunsDry: when the input has ended and nothing can come any more, a
// batch behind another queue goes on as it is.
func TestAQueueWithoutLeasesRunsDry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inline, other := inlineQueue{memoryQueue(t, 100)}, memoryQueue(t, 100)
		defer inline.Close()
		defer other.Close()
		near, far := memory.NewSink[int](), memory.NewSink[int]()
		f, begin := flow.From(memory.NewSource(numbers(5)...)), time.Now()
		p := flow.New("dry", f.Via(inline).To(near), f.Via(other).Batch(100, 0).To(far))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it ended after %v", took)
		}
		if !slices.Equal(near.Values(), numbers(5)) || !slices.Equal(far.Values(), numbers(5)) {
			t.Errorf("got %v and %v", near.Values(), far.Values())
		}
	})
}
