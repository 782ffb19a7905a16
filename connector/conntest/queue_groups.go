package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// groups holds the cases of readers that come late, and of groups of readers.
func (c queueCases[T]) groups() {
	c.run("write/order of a key", "", c.keyOrder)
	c.run("open/a late reader gets what is there", "", c.lateReader)
	if c.h.Group == nil {
		c.run("group/one: readers share the messages", "", c.oneGroup)
	}
	c.run("group/each gets every message", unless(c.h.Group != nil, "the harness has no Group"), c.eachGroup)
}

// lateReader comes when one reader has taken a part, and another one is gone.
func (c queueCases[T]) lateReader(t *testing.T) {
	o := c.open(t, 4)
	first := o.take(1)
	gone := open(t, c.suite, o.queue)
	gone.settle(connector.Delivered, gone.take(1)...)
	gone.close()
	late := open(t, c.suite, o.queue)
	got := snapshot(late.take(2))
	c.write(t, o.queue, messages(c.h.Value, 4, 1))
	got = append(got, snapshot(late.take(1))...)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 5)[2:])
	late.settle(connector.Delivered, got...)
	o.settle(connector.Delivered, first...)
	c.empty(t, o)
}

// oneGroup is the opposite of Group: what one reader has got no other gets.
func (c queueCases[T]) oneGroup(t *testing.T) {
	o := c.open(t, 2)
	other := open(t, c.suite, o.queue)
	got, rest := snapshot(o.take(1)), snapshot(other.take(1))
	sameSet(t, c.h.Equal, append(valuesOf(got), valuesOf(rest)...), values(c.h.Value, 2))
	other.quiet(c.short())
	o.settle(connector.Delivered, got...)
	other.settle(connector.Delivered, rest...)
	c.empty(t, o)
}

func (c queueCases[T]) eachGroup(t *testing.T) {
	const n = 6
	queue := c.h.New(t)
	own := open(t, c.suite, queue)
	others := c.h.Group(t, queue, "others")
	one, two := open(t, c.suite, others), open(t, c.suite, others)
	c.write(t, queue, messages(c.h.Value, 0, n))
	got := snapshot(own.take(n))
	own.giveBack(errRefused, 0, got[0]) // which is nothing to the other group
	own.settle(connector.Delivered, got[1:]...)
	own.settle(connector.Delivered, own.take(1)...)
	sameSet(t, c.h.Equal, valuesOf(got), values(c.h.Value, n))
	shared := snapshot(one.take(n / 2))
	rest := snapshot(two.take(n - n/2))
	sameSet(t, c.h.Equal, append(valuesOf(shared), valuesOf(rest)...), values(c.h.Value, n))
	one.settle(connector.Delivered, shared...)
	two.settle(connector.Delivered, rest...)
	c.empty(t, line[T]{own, queue})
	two.quiet(c.short())
}
