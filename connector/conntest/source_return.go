package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// notTakenBack is the opposite of Returns.
func (c sourceCases[T]) notTakenBack(t *testing.T) {
	o := c.open(t, 2)
	messages := snapshot(o.take(2))
	o.settle(connector.Delivered, messages[0])
	o.giveBack(errRefused, 0, messages[1])
	c.over(t, o)
}

// countUp brings one message back by returns and by Close.
func (c sourceCases[T]) countUp(t *testing.T) {
	o := c.open(t, 1)
	before := snapshot(o.take(1))
	for round := range 4 {
		if round%2 == 0 {
			o.giveBack(errRefused, 0, before[0])
		} else {
			o.reopen()
		}
		after := snapshot(c.again(o, 1))
		checkRedelivered(t, before, after, 1)
		before = after
	}
	o.settle(connector.Delivered, before...)
	c.over(t, o)
}

// failSome has every second message fail once: it alone comes again.
func (c sourceCases[T]) failSome(t *testing.T) {
	o := c.open(t, 6)
	messages := snapshot(o.take(6))
	var failed []connector.Message[T]
	for i, m := range messages {
		if i%2 == 1 {
			o.giveBack(errRefused, 0, m)
			failed = append(failed, m)
		} else {
			o.settle(connector.Delivered, m)
		}
	}
	again := snapshot(c.again(o, len(failed)))
	checkRedelivered(t, failed, again, 1)
	o.settle(connector.Delivered, again...)
	c.over(t, o)
}

// stopReading stops with messages in hand, as a pipeline does.
func (c sourceCases[T]) stopReading(t *testing.T) {
	o := c.open(t, 5)
	before := snapshot(o.take(3))
	o.giveBack(connector.ErrStopped, 0, before...)
	o.reopen()
	got := snapshot(o.take(5))
	sameSet(t, c.h.Equal, valuesOf(got), values(c.h.Value, 5))
	was := identify(before)
	for _, m := range got {
		if attempt, ok := was[identity{m.ID(), m.Position()}]; ok && m.Attempt() != attempt {
			t.Errorf("message %s has attempt %d after %d, though it was not tried", m.ID(), m.Attempt(), attempt)
		}
	}
	o.settle(connector.Delivered, got...)
	c.over(t, o)
}
