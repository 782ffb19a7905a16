package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// redeliver holds the cases of settlement and return.
func (c queueCases[T]) redeliver() {
	c.run("settle/every outcome", "", c.settleOutcomes)
	c.run("settle/twice is harmless", "", c.settleTwice)
	c.run("return/comes again in order", "", c.returnAll)
	c.run("return/stopped is no attempt", "", c.returnStopped)
	c.run("return/waits for its delay", "", c.returnDelayed)
	c.run("return/does not hold up others", "", c.returnBehind)
	c.run("return/attempts count up", "", c.countUp)
	c.run("return/one of several fails", "", c.failSome)
	c.run("return/keeps its place", unless(c.caps.KeepsPlace, "KeepsPlace"), c.keepPlace)
	if c.h.MaxAttempts > 0 {
		c.run("return/given up", "", c.giveUp)
	} else {
		c.run("return/never given up", "", c.neverGiveUp)
	}
	c.run("close/what was not settled comes again", "", c.closeUnsettled)
	c.run("close/the closed reader settles harmlessly", "", c.closeOne)
}

// settleOutcomes ends messages last to first: a queue takes settlements in any order.
func (c queueCases[T]) settleOutcomes(t *testing.T) {
	o := c.open(t, len(connector.Outcomes))
	got := snapshot(o.take(len(connector.Outcomes)))
	for i := len(got) - 1; i >= 0; i-- {
		if connector.Outcomes[i].Done() {
			o.settle(connector.Outcomes[i], got[i])
		}
	}
	o.settle(connector.Returned, got[len(got)-1])
	again := o.take(1)
	checkRedelivered(t, got[len(got)-1:], again, 1)
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

// empty checks that nothing is left.
func (c queueCases[T]) empty(t *testing.T, o line[T]) {
	t.Helper()
	o.quiet(c.short())
	if depth := c.depth(t, o.queue); depth != (connector.Depth{}) {
		t.Errorf("depth %+v, want an empty queue", depth)
	}
}

func (c queueCases[T]) settleTwice(t *testing.T) {
	o := c.open(t, 4)
	got := snapshot(o.take(4))
	o.settle(connector.Delivered, got[:2]...)
	o.settle(connector.Delivered, got[:2]...)
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

func (c queueCases[T]) returnAll(t *testing.T) {
	o := c.open(t, 3)
	got := snapshot(o.take(3))
	o.giveBack(errRefused, 0, got...)
	again := o.take(3)
	checkRedelivered(t, got, again, 1)
	sameValues(t, c.h.Equal, valuesOf(again), valuesOf(got))
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

// returnStopped goes on for longer than a queue that gives up would let a failure.
func (c queueCases[T]) returnStopped(t *testing.T) {
	o := c.open(t, 1)
	for range c.h.MaxAttempts + 2 {
		got := snapshot(o.take(1))
		if got[0].Attempt() > 1 {
			t.Errorf("attempt %d, though none has failed", got[0].Attempt())
		}
		o.giveBack(connector.ErrStopped, 0, got...)
	}
	o.settle(connector.Delivered, o.take(1)...)
	c.empty(t, o)
}

func (c queueCases[T]) returnDelayed(t *testing.T) {
	o := c.open(t, 1)
	got := snapshot(o.take(1))
	o.giveBack(errRefused, 2*c.unit(), got...)
	if depth := c.depth(t, o.queue); depth != (connector.Depth{Delayed: 1}) {
		t.Errorf("depth %+v, want one delayed message", depth)
	}
	o.quiet(c.unit())
	again := o.take(1)
	checkRedelivered(t, got, again, 1)
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

func (c queueCases[T]) returnBehind(t *testing.T) {
	o := c.open(t, 2)
	first := snapshot(o.take(1))
	o.giveBack(errRefused, 2*c.unit(), first...)
	second := o.take(1)
	sameValues(t, c.h.Equal, valuesOf(second), []T{c.h.Value(1)})
	o.settle(connector.Delivered, second...)
	again := o.take(1)
	checkRedelivered(t, first, again, 1)
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

func (c queueCases[T]) giveUp(t *testing.T) {
	o := c.open(t, 1)
	for attempt := 1; attempt <= c.h.MaxAttempts; attempt++ {
		got := snapshot(o.take(1))
		if got[0].Attempt() != attempt {
			t.Errorf("attempt %d, want %d", got[0].Attempt(), attempt)
		}
		o.giveBack(errRefused, 0, got...)
	}
	o.quiet(c.short())
	if depth := c.depth(t, o.queue); depth != (connector.Depth{Dead: 1}) {
		t.Errorf("depth %+v, want one dead message", depth)
	}
}

func (c queueCases[T]) closeUnsettled(t *testing.T) {
	o := c.open(t, 4)
	got := snapshot(o.take(3))
	o.settle(connector.Delivered, got[0])
	o.reopen()
	again := o.take(3)
	sameSet(t, c.h.Equal, valuesOf(again), []T{c.h.Value(1), c.h.Value(2), c.h.Value(3)})
	for _, m := range again {
		if attempt, ok := identify(got)[identity{m.ID(), m.Position()}]; ok && m.Attempt() != attempt+1 {
			t.Errorf("message %s has attempt %d after %d", m.ID(), m.Attempt(), attempt)
		}
	}
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

// closeOne closes one of two readers; what it had goes to the other.
func (c queueCases[T]) closeOne(t *testing.T) {
	o := c.open(t, 2)
	other := open(t, c.suite, o.queue)
	got := snapshot(o.take(1))
	kept := other.take(1)
	o.close()
	again := other.take(1)
	checkRedelivered(t, got, again, 1)
	other.settle(connector.Delivered, kept...)
	other.settle(connector.Delivered, again...)
	if depth := c.depth(t, o.queue); depth != (connector.Depth{}) {
		t.Errorf("depth %+v, want an empty queue", depth)
	}
}
