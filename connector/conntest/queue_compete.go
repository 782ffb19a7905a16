package conntest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// lease holds the cases of a lease that ends, with one reader and with two.
func (c queueCases[T]) lease() {
	leased(c.suite, c.caps, func(t *testing.T, n int) *session[T] { return c.open(t, n).session })
	missing := unless(c.caps.Lease > 0, "Lease")
	c.run("lease/returned late is with the other", missing, c.lateReturn)
}

// lateReturn gives back a message that another reader has by now: nobody may get it.
func (c queueCases[T]) lateReturn(t *testing.T) {
	o := c.open(t, 1)
	got := snapshot(o.take(1))
	other := open(t, c.suite, o.queue)
	again := other.take(1) // waits for the lease to end
	checkRedelivered(t, got, again, 1)
	o.giveBack(errRefused, 0, got...)
	o.quiet(c.short())
	other.settle(connector.Delivered, again...)
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

// compete holds the cases of concurrent use.
func (c queueCases[T]) compete() {
	c.run("concurrent/readers get disjoint messages", "", c.readers)
	c.run("concurrent/writers lose nothing", "", c.writers)
	c.run("depth/counts", "", c.depths)
	c.run("close/no goroutine is left", "", c.leak)
	c.run("reopen/nothing is lost", unless(c.h.Reopen != nil, "the queue does not outlive the process"), c.reopen)
}

func (c queueCases[T]) readers(t *testing.T) {
	const n = 60
	queue := c.h.New(t)
	c.write(t, queue, messages(c.h.Value, 0, n))
	ctx, cancel := context.WithTimeout(t.Context(), c.wait)
	defer cancel()
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		got []connector.Message[T]
	)
	collect := func(list []connector.Message[T]) {
		mu.Lock()
		defer mu.Unlock()
		if got = append(got, list...); len(got) >= n {
			cancel()
		}
	}
	for range 4 {
		reader := open(t, c.suite, queue).reader
		wg.Go(func() { drain(ctx, t, reader, collect) })
	}
	wg.Wait()
	sameSet(t, c.h.Equal, valuesOf(got), values(c.h.Value, n))
	if depth := c.depth(t, queue); depth != (connector.Depth{}) {
		t.Errorf("depth %+v, want an empty queue", depth)
	}
}

// drain reads and settles until the context ends.
func drain[T any](
	ctx context.Context, t *testing.T, reader connector.Reader[T], collect func([]connector.Message[T]),
) {
	t.Helper()
	for ctx.Err() == nil {
		list, err := reader.Read(ctx, 7)
		if err != nil && ctx.Err() == nil {
			t.Errorf("Read: %v", err)

			return
		}
		settlements := make([]connector.Settlement, len(list))
		for i, m := range list {
			settlements[i] = connector.Settlement{Position: m.Position(), Outcome: connector.Delivered}
		}
		copies := snapshot(list)
		if err := reader.Settle(context.WithoutCancel(ctx), settlements); err != nil {
			t.Errorf("Settle: %v", err)
		}
		collect(copies)
	}
}

func (c queueCases[T]) writers(t *testing.T) {
	const writers, each = 4, 10
	o := c.open(t, 0)
	ctx := c.context(t)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := o.queue.Write(ctx, messages(c.h.Value, w*each+i, 1)); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got := valuesOf(o.take(writers * each))
	sameSet(t, c.h.Equal, got, values(c.h.Value, writers*each))
	for w := range writers {
		c.inOrder(t, got, w*each, each)
	}
}

// inOrder checks that what one writer wrote is read in its order.
func (c queueCases[T]) inOrder(t *testing.T, got []T, from, n int) {
	t.Helper()
	last := -1
	for i := from; i < from+n; i++ {
		at := slices.IndexFunc(got, func(v T) bool { return same(c.h.Equal, v, c.h.Value(i)) })
		if at < last {
			t.Errorf("value %v was written after another of its writer and read before it", c.h.Value(i))
		}
		last = at
	}
}

func (c queueCases[T]) depths(t *testing.T) {
	o := c.open(t, 5)
	check := func(want connector.Depth) {
		t.Helper()
		if got := c.depth(t, o.queue); got != want {
			t.Errorf("depth %+v, want %+v", got, want)
		}
	}
	check(connector.Depth{Ready: 5})
	got := snapshot(o.take(3))
	check(connector.Depth{Ready: 2, Leased: 3})
	o.settle(connector.Delivered, got[0])
	check(connector.Depth{Ready: 2, Leased: 2})
	o.giveBack(errRefused, c.unit(), got[1])
	check(connector.Depth{Ready: 2, Delayed: 1, Leased: 1})
	o.giveBack(errRefused, 0, got[2])
	check(connector.Depth{Ready: 3, Delayed: 1})
	pause(t, c.unit()+c.unit()/4)
	check(connector.Depth{Ready: 4})
	o.settle(connector.Delivered, o.take(4)...)
	c.empty(t, o)
}

func (c queueCases[T]) leak(t *testing.T) {
	o := c.open(t, 3)
	c.steady(t, func() {
		o.giveBack(connector.ErrStopped, 0, o.take(1)...)
		o.reopen()
	})
}

// reopen crashes the queue with messages in each state.
func (c queueCases[T]) reopen(t *testing.T) {
	o := c.open(t, 5)
	got := snapshot(o.take(4))
	o.settle(connector.Delivered, got[0])
	o.settle(connector.DeadLettered, got[1])
	o.giveBack(errRefused, c.short(), got[2])
	o.closed = true // got[3] stays leased by a reader that is never closed
	queue := c.h.Reopen(t, o.queue)
	if depth := c.depth(t, queue); depth.Ready+depth.Delayed+depth.Leased != 3 {
		t.Errorf("depth %+v, want three messages", depth)
	}
	again := line[T]{session: open(t, c.suite, queue), queue: queue}
	var rest []connector.Message[T]
	for range 3 { // one at a time: what was leased may come as late as its lease ends
		next := again.take(1)
		rest = append(rest, snapshot(next)...)
		again.settle(connector.Delivered, next...)
	}
	sameSet(t, c.h.Equal, valuesOf(rest), []T{c.h.Value(2), c.h.Value(3), c.h.Value(4)})
	c.sameAfterReopen(t, got[2:], rest)
	c.empty(t, again)
	c.write(t, queue, messages(c.h.Value, 5, 1))
	slices.SortFunc(rest, func(a, b connector.Message[T]) int {
		return cmp.Compare(a.Position().Offset, b.Position().Offset)
	})
	checkIdentities(t, append(rest, again.take(1)...)) // the new one comes behind all
}

// sameAfterReopen checks IDs and positions of those that had been handed out, and that
// the failed attempt still counts.
func (c queueCases[T]) sameAfterReopen(t *testing.T, before, after []connector.Message[T]) {
	t.Helper()
	is := identify(after)
	for who, attempt := range identify(before) {
		again, ok := is[who]
		if !ok {
			t.Errorf("message %s at %s did not come again under this ID and position", who.id, who.position)
		} else if again < attempt {
			t.Errorf("message %s has attempt %d after %d", who.id, again, attempt)
		}
	}
	for _, m := range after {
		if m.ID() == before[0].ID() && before[0].Attempt() > 0 && m.Attempt() != before[0].Attempt()+1 {
			t.Errorf("message %s has attempt %d after the failed %d", m.ID(), m.Attempt(), before[0].Attempt())
		}
	}
}
