package conntest

import (
	"context"
	"errors"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// bounds holds the cases of a queue that is full.
func (c queueCases[T]) bounds() {
	missing := unless(c.h.Capacity > 0, "the harness names no Capacity")
	c.run("full/a write waits or fails", missing, c.overflow)
	c.run("full/a write goes on when there is room", missing, c.makeRoom)
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
