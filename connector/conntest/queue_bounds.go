package conntest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// bounds holds the cases of a queue that is full.
func (c queueCases[T]) bounds() {
	missing := unless(c.h.Capacity > 0, "the harness names no Capacity")
	c.run("full/a write waits or fails", missing, c.overflow)
	c.run("full/a write goes on when there is room", missing, c.makeRoom)
	c.run("full/a write that waits is woken", missing, c.wakeWriter)
	c.run("full/leased and delayed messages count", missing, c.countAll)
	c.run("full/never holds more", missing, c.neverMore)
}

func (c queueCases[T]) overflow(t *testing.T) {
	o := c.open(t, c.h.Capacity)
	ctx, cancel := context.WithTimeout(t.Context(), c.short())
	defer cancel()
	err := o.queue.Write(ctx, messages(c.h.Value, c.h.Capacity, 1))
	switch {
	case err == nil:
		t.Fatal("Write took a message more than the queue holds")
	case errors.Is(err, context.DeadlineExceeded):
	case connector.ClassOf(err) == connector.ClassThrottled, connector.ClassOf(err) == connector.ClassTransient:
	default:
		t.Errorf("Write: %v: want the context's error, or a throttled or transient one", err)
	}
	got := o.take(c.h.Capacity)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, c.h.Capacity))
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

func (c queueCases[T]) makeRoom(t *testing.T) {
	o := c.open(t, c.h.Capacity)
	o.settle(connector.Delivered, o.take(1)...)
	c.write(t, o.queue, messages(c.h.Value, c.h.Capacity, 1))
	got := o.take(c.h.Capacity)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, c.h.Capacity+1)[1:])
	o.settle(connector.Delivered, got...)
}

// wakeWriter settles a message while a Write waits for room. A queue whose Write fails
// instead must say so by its class.
func (c queueCases[T]) wakeWriter(t *testing.T) {
	o := c.open(t, c.h.Capacity)
	first := snapshot(o.take(1))
	written := make(chan error, 1)
	go func() { written <- o.queue.Write(t.Context(), messages(c.h.Value, c.h.Capacity, 1)) }()
	pause(t, c.short())
	waited := len(written) == 0
	o.settle(connector.Delivered, first...)
	n := c.h.Capacity
	select {
	case err := <-written:
		if class := connector.ClassOf(err); err != nil && (waited || class != connector.ClassThrottled && class != connector.ClassTransient) {
			t.Errorf("Write: %v", err)
		}
		if err != nil {
			n--
		}
	case <-c.context(t).Done():
		t.Fatal("Write waits on although there is room")
	}
	o.settle(connector.Delivered, o.take(n)...)
	c.empty(t, o)
}

// countAll fills the queue with messages that are leased, and then with delayed ones.
func (c queueCases[T]) countAll(t *testing.T) {
	o := c.open(t, c.h.Capacity)
	got := snapshot(o.take(c.h.Capacity))
	refused := func(what string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), c.short())
		defer cancel()
		if err := o.queue.Write(ctx, messages(c.h.Value, c.h.Capacity, 1)); err == nil {
			t.Errorf("Write took a message more than the queue holds, because the others are %s", what)
		}
	}
	refused("leased")
	o.giveBack(connector.ErrStopped, 4*c.unit(), got...)
	refused("delayed")
	o.settle(connector.Delivered, o.take(c.h.Capacity)...)
	c.empty(t, o)
}

// neverMore counts while several writers fill the queue faster than it is read.
func (c queueCases[T]) neverMore(t *testing.T) {
	const writers = 3
	o := c.open(t, 0)
	each := c.h.Capacity/2 + 5
	ctx, cancel := context.WithTimeout(t.Context(), c.wait)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				c.insist(ctx, t, o.queue, messages(c.h.Value, w*each+i, 1))
			}
		})
	}
	var got []T
	for len(got) < writers*each && ctx.Err() == nil {
		if len(got)%16 == 0 {
			pause(t, c.short()/10) // for the writers to fill it
		}
		d := c.depth(t, o.queue)
		if n := d.Ready + d.Delayed + d.Leased; n > c.h.Capacity {
			t.Errorf("the queue holds %d messages, more than %d", n, c.h.Capacity)
		}
		list := snapshot(o.take(1))
		got = append(got, valuesOf(list)...)
		o.settle(connector.Delivered, list...)
	}
	sameSet(t, c.h.Equal, got, values(c.h.Value, writers*each))
}

// insist repeats a Write that found no room.
func (c queueCases[T]) insist(ctx context.Context, t *testing.T, queue connector.Queue[T], list []connector.Message[T]) {
	t.Helper()
	for {
		err := queue.Write(ctx, list)
		class := connector.ClassOf(err)
		if err == nil || class != connector.ClassThrottled && class != connector.ClassTransient || ctx.Err() != nil {
			if err != nil && ctx.Err() == nil {
				t.Errorf("Write: %v", err)
			}

			return
		}
		pause(t, c.short()/10)
	}
}
