package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// restart holds the cases of Close and another Open.
func (c sourceCases[T]) restart() {
	twice := unless(!c.h.Once, "the source cannot be opened a second time")
	resumes := twice
	if resumes == "" {
		resumes = unless(c.h.Resumes || c.caps.Returns, "the source does not resume")
	}
	again := twice
	if c.h.Feed != nil {
		again, resumes = answered, answered
	}
	c.run("close/what was not settled comes again", again, c.closeUnsettled)
	c.run("close/what was not read comes", again, c.leave)
	c.run("close/what is done does not come again", resumes, c.resume)
	c.run("close/what was returned comes again", resumes, c.resumeReturned)
	c.run("close/no goroutine is left", twice, c.leak)
}

func (c sourceCases[T]) closeUnsettled(t *testing.T) {
	o := c.open(t, 5)
	was := snapshot(o.take(5))
	o.reopen()
	after := o.take(5)
	sameSet(t, c.h.Equal, valuesOf(after), valuesOf(was))
	if c.caps.Returns {
		checkRedelivered(t, was, after, 1)
	} else {
		checkSame(t, was, after)
	}
	o.settle(connector.Delivered, after...)
}

func (c sourceCases[T]) leave(t *testing.T) {
	o := c.open(t, 5)
	o.take(2)
	o.reopen()
	messages := o.take(5)
	sameSet(t, c.h.Equal, valuesOf(messages), values(c.h.Value, 5))
	o.settle(connector.Delivered, messages...)
}

func (c sourceCases[T]) resume(t *testing.T) {
	o := c.open(t, 6)
	messages := snapshot(o.take(6))
	o.settle(connector.Delivered, messages[:2]...)
	o.settle(connector.DeadLettered, messages[2])
	o.settle(connector.Filtered, messages[3])
	o.reopen()
	rest := o.take(2)
	sameSet(t, c.h.Equal, valuesOf(rest), valuesOf(messages[4:]))
	o.settle(connector.Delivered, rest...)
	c.over(t, o)
	o.reopen()
	c.over(t, o)
}

func (c sourceCases[T]) resumeReturned(t *testing.T) {
	o := c.open(t, 3)
	messages := snapshot(o.take(3))
	o.settle(connector.Delivered, messages[:2]...)
	o.settle(connector.Returned, messages[2])
	o.reopen()
	rest := o.take(1)
	sameSet(t, c.h.Equal, valuesOf(rest), valuesOf(messages[2:]))
	o.settle(connector.Delivered, rest...)
	c.over(t, o)
}

func (c sourceCases[T]) leak(t *testing.T) {
	o := c.open(t, 3)
	c.steady(t, func() {
		if c.h.Feed != nil { // what was not read is gone with each Close
			c.send(o, values(c.h.Value, 1))
		}
		o.read(1)
		o.reopen()
	})
}
