package flowtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// shop is a pipeline with places where a loss can be planted: in its connectors, in its
// functions, in how it is put together.
type shop struct {
	source   connector.Source[int]
	rejected connector.Sink[connector.DeadLetter[int]]
	seen     connector.Store
	price    func(context.Context, int) (int, error)
	parts    func(context.Context, int) iter.Seq2[int, error]
	queue    connector.Queue[int]
	invoices connector.Sink[int]
	// again filters messages that were seen before; nil is OncePerMessage.
	again func(ctx context.Context, store connector.Store, n int) bool
}

func (s *shop) pipeline() *flow.Pipeline {
	read := flow.From(s.source).DeadLetter(s.rejected)
	if s.again == nil {
		read = read.OncePerMessage(s.seen, 0)
	} else {
		read = read.Map(func(ctx context.Context, n int) (int, error) { return n * when(s.again(ctx, s.seen, n)), nil }).
			Filter(func(n int) bool { return n != 0 })
	}

	return flow.New("shop", read.Map(s.price).Split(s.parts).Via(s.queue).DeadLetter(s.rejected).Batch(3, time.Second).To(s.invoices))
}

func when(keep bool) int {
	if keep {
		return 1
	}

	return 0
}

var errBadOrder = errors.New("a bad order")

// shopTest is what a user would write about his own pipeline, whatever is wrong with it.
func shopTest(plant func(w *World, s *shop)) func(w *World) *flow.Pipeline {
	return func(w *World) *flow.Pipeline {
		orders, queue, invoices := w.Source("orders", 1, 2, 3, 4, 5, 6), w.Queue[int]("queue"), w.Sink[int]("invoices")
		rejected := w.Sink[connector.DeadLetter[int]]("rejected")
		w.Check("each order is invoiced or rejected", func() error { return invoiced(invoices.Values(), rejected.Values()) })
		s := &shop{source: orders, rejected: rejected, seen: w.Store("seen"), price: price, parts: halves, queue: queue, invoices: invoices}
		plant(w, s)

		return s.pipeline()
	}
}

func price(_ context.Context, n int) (int, error) {
	if n == 5 {
		return 0, connector.Permanent(errBadOrder)
	}

	return n, nil
}

// halves makes two parts of an order: 10 n and 10 n + 1.
func halves(_ context.Context, n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) { _ = yield(10*n, nil) && yield(10*n+1, nil) }
}

func invoiced(invoices []int, rejected []connector.DeadLetter[int]) error {
	for n := range 6 {
		order := n + 1
		whole := slices.Contains(invoices, 10*order) && slices.Contains(invoices, 10*order+1)
		if !whole && !slices.ContainsFunc(rejected, func(d connector.DeadLetter[int]) bool { return d.Value == order || d.Value/10 == order }) {
			return fmt.Errorf("order %d is neither", order)
		}
	}

	return nil
}

// losses are ways to lose a message, each by a few lines that compile and look well.
var losses = []struct {
	name  string
	plant func(w *World, s *shop)
}{
	{"the source settles what it has just read", func(_ *World, s *shop) {
		source := s.source
		s.source = connector.SourceFunc[int](func(ctx context.Context) (connector.Reader[int], error) {
			r, err := source.Open(ctx)

			return &earlyReader{Reader: r}, err
		})
	}},
	{"the source takes returned for delivered", func(_ *World, s *shop) {
		s.source = readers(s.source, func(r connector.Reader[int]) connector.Reader[int] { return &proudReader{Reader: r} })
	}},
	{"the source forgets messages that come with an error", func(_ *World, s *shop) {
		s.source = readers(s.source, func(r connector.Reader[int]) connector.Reader[int] { return &hastyReader{Reader: r} })
	}},
	{"the key is noted before the work is done", func(_ *World, s *shop) {
		s.again = func(ctx context.Context, store connector.Store, n int) bool {
			_, err := store.Put(ctx, fmt.Sprint(n), nil, connector.Absent, 0)

			return !errors.Is(err, connector.ErrConflict)
		}
	}},
	{"a filter takes an error for a no", func(_ *World, s *shop) {
		s.again = func(ctx context.Context, store connector.Store, n int) bool {
			_, err := store.Get(ctx, fmt.Sprint(n))

			return errors.Is(err, connector.ErrNotFound)
		}
	}},
	{"a function swallows an error", func(_ *World, s *shop) {
		s.price = func(ctx context.Context, n int) (int, error) {
			n, err := price(ctx, n)
			if err != nil {
				return 0, nil
			}

			return n, nil
		}
	}},
	{"a split forgets its last part", func(_ *World, s *shop) {
		s.parts = func(_ context.Context, n int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) { yield(10*n, nil) }
		}
	}},
	{"the queue is not durable, although it says so", func(_ *World, s *shop) {
		s.queue.(*SimQueue[int]).shelf.forgets = true
	}},
	{"the sink drops the last of a batch", func(_ *World, s *shop) {
		s.invoices = writing(s.invoices, func(ctx context.Context, ms []connector.Message[int], to connector.Sink[int]) error {
			return to.Write(ctx, ms[:max(len(ms)-1, 1)])
		})
	}},
	{"the sink logs its errors and goes on", func(_ *World, s *shop) {
		s.invoices = writing(s.invoices, func(ctx context.Context, ms []connector.Message[int], to connector.Sink[int]) error {
			_ = to.Write(ctx, ms)

			return nil
		})
	}},
	{"the sink forgets the rest of a partial failure", func(_ *World, s *shop) {
		s.invoices = writing(s.invoices, func(ctx context.Context, ms []connector.Message[int], to connector.Sink[int]) error {
			err := to.Write(ctx, ms)
			if _, partly := errors.AsType[*connector.PartialError](err); partly {
				return nil
			}

			return err
		})
	}},
	{"the sink has a buffer that nobody flushes", func(_ *World, s *shop) {
		var buffer []connector.Message[int]
		s.invoices = writing(s.invoices, func(ctx context.Context, ms []connector.Message[int], to connector.Sink[int]) error {
			if buffer = append(buffer, ms...); len(buffer) < 4 {
				return nil
			}
			err := to.Write(ctx, buffer)
			if err == nil {
				buffer = nil
			}

			return err
		})
	}},
	{"the dead letters go nowhere", func(_ *World, s *shop) {
		s.rejected = connector.SinkFunc[connector.DeadLetter[int]](
			func(context.Context, []connector.Message[connector.DeadLetter[int]]) error { return nil })
	}},
}

func readers(source connector.Source[int], wrap func(connector.Reader[int]) connector.Reader[int]) connector.Source[int] {
	return &plainSource{source, wrap}
}

// plainSource is a source with another reader.
type plainSource struct {
	source connector.Source[int]
	wrap   func(connector.Reader[int]) connector.Reader[int]
}

func (s *plainSource) Describe() connector.Capabilities { return connector.Describe(s.source) }

func (s *plainSource) Open(ctx context.Context) (connector.Reader[int], error) {
	r, err := s.source.Open(ctx)
	if err != nil {
		return nil, err
	}

	return s.wrap(r), nil
}

type proudReader struct{ connector.Reader[int] }

func (r *proudReader) Settle(ctx context.Context, s []connector.Settlement) error {
	for i := range s {
		if s[i].Outcome == connector.Returned {
			s[i].Outcome = connector.Delivered
		}
	}

	return r.Reader.Settle(ctx, s)
}

type hastyReader struct{ connector.Reader[int] }

func (r *hastyReader) Read(ctx context.Context, limit int) ([]connector.Message[int], error) {
	ms, err := r.Reader.Read(ctx, limit)
	if err != nil {
		return nil, err
	}

	return ms, nil
}

func writing(
	to connector.Sink[int], write func(context.Context, []connector.Message[int], connector.Sink[int]) error,
) connector.Sink[int] {
	return connector.SinkFunc[int](func(ctx context.Context, ms []connector.Message[int]) error { return write(ctx, ms, to) })
}

// The test of ten lines finds nothing wrong with the shop as it is, and each of the losses.
func TestFindsEachLoss(t *testing.T) {
	if found := search(t, shopTest(func(*World, *shop) {}), SimOptions{Schedules: 100}); found != "" {
		t.Fatalf("the shop as it is: %s", found)
	}
	for _, l := range losses {
		t.Run(l.name, func(t *testing.T) {
			start := time.Now()
			found := search(t, shopTest(l.plant), SimOptions{})
			if found == "" {
				t.Fatal("not found")
			}
			problem, _, _ := strings.Cut(strings.TrimPrefix(found, "flowtest: the schedule fails:\n\t"), "\n")
			t.Logf("found and shrunk in %v: %s", time.Since(start).Round(time.Millisecond), problem)
		})
	}
}
