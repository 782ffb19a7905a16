package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// settle holds the cases of settlement within one Open.
func (c sourceCases[T]) settle() {
	if !c.caps.Returns && c.h.Feed == nil {
		c.run("return/none: stays away until Close", "", c.notTakenBack)
	}
	returns := unless(c.caps.Returns, "Returns")
	if c.h.Feed != nil {
		returns = answered
	}
	c.run("settle/every outcome", "", c.settleOutcomes)
	c.run("settle/nothing", "", func(t *testing.T) {
		o := c.open(t, 1)
		o.settle(connector.Delivered)
		o.settle(connector.Delivered, o.take(1)...)
	})
	c.run("settle/twice is harmless", "", c.settleTwice)
	c.run("settle/in any order", unless(!c.caps.Ordered, "any order: the source declares Ordered"), c.settleBackwards)
	c.run("settle/context already ended", "", c.settleEnded)
	c.run("return/comes again", returns, func(t *testing.T) { c.comeAgain(t, errRefused, 1) })
	c.run("return/stopped is no attempt", returns, func(t *testing.T) { c.comeAgain(t, connector.ErrStopped, 0) })
	c.run("return/waits for its delay", returns, c.waitForDelay)
	c.run("return/settled twice comes once", returns, c.returnTwice)
	c.run("return/attempts count up", returns, c.countUp)
	c.run("return/one of several fails", returns, c.failSome)
	c.run("stop/what was read goes back untried", returns, c.stopReading)
}

func (c sourceCases[T]) settleOutcomes(t *testing.T) {
	o := c.open(t, len(connector.Outcomes))
	for i, m := range o.take(len(connector.Outcomes)) {
		if outcome := connector.Outcomes[i]; outcome.Done() {
			o.settle(outcome, m)
		}
	}
}

func (c sourceCases[T]) settleTwice(t *testing.T) {
	o := c.open(t, 4)
	messages := snapshot(o.take(4))
	o.settle(connector.Delivered, messages[:2]...)
	o.settle(connector.Delivered, messages[:2]...)
	o.settle(connector.Delivered, messages...)
	c.over(t, o)
}

func (c sourceCases[T]) settleBackwards(t *testing.T) {
	o := c.open(t, 4)
	messages := snapshot(o.take(4))
	for i := range messages {
		o.settle(connector.Delivered, messages[len(messages)-1-i])
	}
	c.over(t, o)
}

// settleEnded repeats a Settle that failed, as flow does: after the repetition, the
// settlement counts once.
func (c sourceCases[T]) settleEnded(t *testing.T) {
	o := c.open(t, 2)
	messages := snapshot(o.take(2))
	settlements := []connector.Settlement{
		{Position: messages[0].Position(), Outcome: connector.Delivered},
		{Position: messages[1].Position(), Outcome: connector.Delivered},
	}
	_ = o.reader.Settle(ended(t), settlements) // may fail, and may have worked
	if err := o.reader.Settle(c.context(t), settlements); err != nil {
		t.Errorf("Settle: %v", err)
	}
	c.over(t, o)
}

// comeAgain returns a message and reads it again, under the attempt that is due.
func (c sourceCases[T]) comeAgain(t *testing.T, cause error, counted int) {
	o := c.open(t, 3)
	messages := snapshot(o.take(3))
	o.settle(connector.Delivered, messages[0])
	o.giveBack(cause, 0, messages[1])
	o.settle(connector.Delivered, messages[2])
	again := c.again(o, 1)
	checkRedelivered(t, messages[1:2], again, counted)
	sameSet(t, c.h.Equal, valuesOf(again), valuesOf(messages[1:2]))
	o.settle(connector.Delivered, again...)
	c.over(t, o)
}

// again reads returned messages; a Reader that was at its end when they were returned
// leaves them to the next Open.
func (c sourceCases[T]) again(o *session[T], n int) []connector.Message[T] {
	o.t.Helper()
	if o.eof {
		o.reopen()
	}

	return o.take(n)
}

func (c sourceCases[T]) waitForDelay(t *testing.T) {
	o := c.open(t, 1)
	messages := snapshot(o.take(1))
	o.giveBack(errRefused, 2*c.unit(), messages...)
	if o.eof {
		o.reopen()
	}
	o.quiet(c.unit())
	again := c.again(o, 1)
	checkRedelivered(t, messages, again, 1)
	o.settle(connector.Delivered, again...)
}

func (c sourceCases[T]) returnTwice(t *testing.T) {
	o := c.open(t, 1)
	messages := snapshot(o.take(1))
	o.giveBack(errRefused, 0, messages...)
	o.giveBack(errRefused, 0, messages...)
	again := c.again(o, 1)
	checkRedelivered(t, messages, again, 1)
	o.settle(connector.Delivered, again...)
	c.over(t, o)
}
