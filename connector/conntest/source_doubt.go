package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// doubt holds the cases of a settlement that is repeated otherwise, or comes too late.
func (c sourceCases[T]) doubt() {
	c.run("settle/twice with another outcome", "", c.settleOtherwise)
	c.run("settle/twice in one call", "", c.settleDoubled)
	c.run("settle/after Close is harmless", unless(!c.h.Once, "the source cannot be opened a second time"), c.settleClosed)
	c.run("edge/values", unless(len(c.h.Edges) > 0, "the harness has no Edges"), c.edgeValues)
}

// settleOtherwise takes back what it said of a message: only the first word counts.
func (c sourceCases[T]) settleOtherwise(t *testing.T) {
	o := c.open(t, 2)
	messages := snapshot(o.take(2))
	o.settle(connector.Delivered, messages...)
	o.giveBack(errRefused, 0, messages[1])
	c.over(t, o)
	if c.h.Feed != nil {
		c.wantAnswer(t, o, messages[1].Value, connector.Delivered)
	}
}

func (c sourceCases[T]) settleDoubled(t *testing.T) {
	o := c.open(t, 2)
	messages := snapshot(o.take(2))
	o.settle(connector.Delivered, messages[0], messages[0], messages[1])
	c.over(t, o)
}

// settleClosed settles by a Reader that has been closed. That may be refused or ignored, but
// the other messages come again.
func (c sourceCases[T]) settleClosed(t *testing.T) {
	o := c.open(t, 3)
	messages := snapshot(o.take(2))
	o.close()
	err := o.reader.Settle(c.context(t), []connector.Settlement{{Position: messages[0].Position(), Outcome: connector.Delivered}})
	if c.h.Feed != nil {
		return // what had no outcome was answered by Close
	}
	o.start()
	rest := c.all(o)
	want := values(c.h.Value, 3)
	if err == nil && len(rest) == 2 {
		want = want[1:]
	}
	sameSet(t, c.h.Equal, valuesOf(rest), want)
	o.settle(connector.Delivered, rest...)
}

// all reads until nothing more comes.
func (c sourceCases[T]) all(o *session[T]) []connector.Message[T] {
	o.t.Helper()
	switch {
	case c.caps.Lease > 0: // what was read comes again when it ends
		return o.gather(min(c.unit(), c.caps.Lease/4))
	case c.h.Endless:
		return o.gather(c.unit())
	default:
		return o.gather(c.wait)
	}
}

func (c sourceCases[T]) edgeValues(t *testing.T) {
	var o *session[T]
	t.Cleanup(func() { c.allAnswered(t, o) })
	if c.h.Feed != nil {
		o = open(t, c.suite, c.h.New(t, nil))
		c.send(o, c.h.Edges)
	} else {
		o = open(t, c.suite, c.h.New(t, c.h.Edges))
	}
	messages := o.take(len(c.h.Edges))
	sameSet(t, c.h.Equal, valuesOf(messages), c.h.Edges)
	checkIdentities(t, messages)
	o.settle(connector.Delivered, messages...)
	c.over(t, o)
}
