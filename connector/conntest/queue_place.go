package conntest

import (
	"fmt"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// countUp brings one message back by a return, by Close and by the end of a lease.
func (c queueCases[T]) countUp(t *testing.T) {
	o := c.open(t, 1)
	back := []func(m connector.Message[T]){
		func(m connector.Message[T]) { o.giveBack(errRefused, 0, m) },
		func(connector.Message[T]) { o.reopen() },
		func(m connector.Message[T]) { o.giveBack(connector.Ambiguous(errRefused), c.short(), m) },
	}
	if c.caps.Lease > 0 {
		back = append(back, func(connector.Message[T]) {}) // the next Read waits for the end of the lease
	}
	if c.h.MaxAttempts > 0 {
		back = back[:min(len(back), c.h.MaxAttempts-1)]
	}
	before := snapshot(o.take(1))
	for _, comeBack := range back {
		comeBack(before[0])
		after := snapshot(o.take(1))
		checkRedelivered(t, before, after, 1)
		before = after
	}
	o.settle(connector.Delivered, before...)
	c.empty(t, o)
}

// failSome has every second message fail once: it alone comes again.
func (c queueCases[T]) failSome(t *testing.T) {
	const n = 10
	o := c.open(t, n)
	got := snapshot(o.take(n))
	var failed []connector.Message[T]
	for i, m := range got {
		if i%2 == 1 {
			o.giveBack(errRefused, 0, m)
			failed = append(failed, m)
		} else {
			o.settle(connector.Delivered, m)
		}
	}
	again := snapshot(o.take(len(failed)))
	checkRedelivered(t, failed, again, 1)
	sameSet(t, c.h.Equal, valuesOf(again), valuesOf(failed))
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

// keepPlace returns messages while others, written before and after them, wait to be read.
func (c queueCases[T]) keepPlace(t *testing.T) {
	o := c.open(t, 6)
	got := snapshot(o.take(4))
	o.settle(connector.Delivered, got[1])
	o.giveBack(errRefused, 0, got[2])
	o.giveBack(errRefused, 0, got[0])
	c.write(t, o.queue, messages(c.h.Value, 6, 1))
	o.giveBack(connector.ErrStopped, 0, got[3])
	again := o.take(6)
	sameValues(t, c.h.Equal, valuesOf(again), []T{
		c.h.Value(0), c.h.Value(2), c.h.Value(3), c.h.Value(4), c.h.Value(5), c.h.Value(6),
	})
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

// neverGiveUp is the opposite of MaxAttempts.
func (c queueCases[T]) neverGiveUp(t *testing.T) {
	o := c.open(t, 1)
	for range 30 {
		o.giveBack(errRefused, 0, o.take(1)...)
	}
	o.settle(connector.Delivered, o.take(1)...)
	c.empty(t, o)
}

// keyOrder writes the messages of several keys in turn.
func (c queueCases[T]) keyOrder(t *testing.T) {
	const keys, each = 3, 5
	o := c.open(t, 0)
	list := messages(c.h.Value, 0, keys*each)
	for i := range list {
		list[i].Meta = list[i].WithKey(fmt.Sprint("key-", i%keys))
	}
	c.write(t, o.queue, list[:4])
	c.write(t, o.queue, list[4:])
	var got []connector.Message[T]
	for len(got) < len(list) {
		got = append(got, snapshot(o.take(min(4, len(list)-len(got))))...)
	}
	for key := range keys {
		var want, have []T
		for i := key; i < len(list); i += keys {
			want = append(want, c.h.Value(i))
		}
		for _, m := range got {
			if unused(c.h.Equal, want, make([]bool, len(want)), m.Value) >= 0 {
				have = append(have, m.Value)
			}
		}
		sameValues(t, c.h.Equal, have, want)
	}
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}
