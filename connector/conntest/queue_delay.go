package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// delays holds the cases of messages that are written for later.
func (c queueCases[T]) delays() {
	if !c.caps.Delays {
		c.run("delay/none: handed out at once", "", c.writeUndelayed)
	}
	delays := unless(c.caps.Delays, "Delays")
	c.run("delay/waits for its time", delays, c.writeDelayed)
	c.run("delay/does not hold up others", delays, c.writeDelayedAmong)
	c.run("delay/a time that has passed", delays, c.writeDelayPassed)
	c.run("delay/finish waits for it", delays, c.finishWrittenDelayed)
	if c.h.Reopen == nil {
		delays = "the queue does not outlive the process"
	}
	c.run("delay/outlives the process", delays, c.reopenDelayed)
}

// later makes the values from first on messages that may come after the time.
func (c queueCases[T]) later(after time.Duration, first, n int) []connector.Message[T] {
	list := messages(c.h.Value, first, n)
	for i := range list {
		list[i].Meta = list[i].WithNotBefore(time.Now().Add(after))
	}

	return list
}

// late takes n messages and checks that they come no sooner than the time.
func (c queueCases[T]) late(t *testing.T, o line[T], due time.Time, first, n int) {
	t.Helper()
	got := o.take(n)
	if early := time.Until(due); early > 0 {
		t.Errorf("a message came %v too early", early)
	}
	sameSet(t, c.h.Equal, valuesOf(got), values(c.h.Value, first+n)[first:])
	for _, m := range got {
		if m.Attempt() > 1 || !m.NotBefore().IsZero() {
			t.Errorf("it comes with attempt %d, not before %v", m.Attempt(), m.NotBefore())
		}
	}
	o.settle(connector.Delivered, got...)
}

// writeUndelayed is the opposite of Delays.
func (c queueCases[T]) writeUndelayed(t *testing.T) {
	o := c.open(t, 0)
	c.write(t, o.queue, c.later(100*time.Hour, 0, 2))
	got := o.take(2)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 2))
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

func (c queueCases[T]) writeDelayed(t *testing.T) {
	o, due := c.open(t, 0), time.Now().Add(2*c.unit())
	c.write(t, o.queue, c.later(2*c.unit(), 0, 3))
	if depth := c.depth(t, o.queue); depth != (connector.Depth{Delayed: 3}) {
		t.Errorf("depth %+v, want three delayed messages", depth)
	}
	o.quiet(c.unit())
	c.late(t, o, due, 0, 3)
	c.empty(t, o)
}

// writeDelayedAmong has delayed messages before, between and behind others.
func (c queueCases[T]) writeDelayedAmong(t *testing.T) {
	o, due := c.open(t, 0), time.Now().Add(2*c.unit())
	list := c.later(2*c.unit(), 0, 2)
	list = append(list, messages(c.h.Value, 3, 2)...)
	list = append(list, c.later(2*c.unit(), 2, 1)...)
	c.write(t, o.queue, append(list, messages(c.h.Value, 5, 1)...))
	got := o.take(3)
	sameValues(t, c.h.Equal, valuesOf(got), []T{c.h.Value(3), c.h.Value(4), c.h.Value(5)})
	o.settle(connector.Delivered, got...)
	c.late(t, o, due, 0, 3)
	c.write(t, o.queue, messages(c.h.Value, 6, 1))
	o.settle(connector.Delivered, o.take(1)...)
	c.empty(t, o)
}

func (c queueCases[T]) writeDelayPassed(t *testing.T) {
	o := c.open(t, 0)
	c.write(t, o.queue, c.later(-time.Hour, 0, 2))
	got := o.take(2)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 2))
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

func (c queueCases[T]) finishWrittenDelayed(t *testing.T) {
	if !c.finisher {
		return // the case of Finish says so
	}
	o, due := c.open(t, 0), time.Now().Add(c.unit())
	c.write(t, o.queue, c.later(c.unit(), 0, 1))
	o.finish()
	c.late(t, o, due, 0, 1)
	c.over(t, o)
}

func (c queueCases[T]) reopenDelayed(t *testing.T) {
	before, due := c.open(t, 0), time.Now().Add(2*c.unit())
	list := append(messages(c.h.Value, 2, 1), c.later(2*c.unit(), 0, 2)...)
	c.write(t, before.queue, append(list, messages(c.h.Value, 3, 1)...))
	before.closed = true
	queue := c.h.Reopen(t, before.queue)
	o := line[T]{session: open(t, c.suite, queue), queue: queue}
	got := o.take(2)
	sameValues(t, c.h.Equal, valuesOf(got), []T{c.h.Value(2), c.h.Value(3)})
	o.settle(connector.Delivered, got...)
	c.late(t, o, due, 0, 2)
	c.empty(t, o)
}
