package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// settle holds the cases of a settlement that is repeated, or comes too late.
func (c queueCases[T]) settle() {
	c.run("settle/twice with another outcome", "", c.settleOtherwise)
	c.run("settle/twice in one call", "", c.settleDoubled)
	c.run("settle/after Close is harmless", "", c.settleClosed)
	c.run("settle/context already ended", "", c.settleEnded)
}

// settleOtherwise takes back what it said of a message.
func (c queueCases[T]) settleOtherwise(t *testing.T) {
	o := c.open(t, 2)
	got := snapshot(o.take(2))
	o.settle(connector.Delivered, got[0])
	o.giveBack(errRefused, 0, got[0])
	o.quiet(c.short())
	o.settle(connector.Delivered, got[1])
	o.giveBack(errRefused, c.unit(), got...)
	c.empty(t, o)
}

func (c queueCases[T]) settleDoubled(t *testing.T) {
	o := c.open(t, 2)
	got := snapshot(o.take(2))
	o.giveBack(errRefused, 0, got[0], got[0])
	o.settle(connector.Delivered, got[1], got[1])
	again := o.take(1)
	checkRedelivered(t, got[:1], again, 1)
	o.settle(connector.Delivered, again...)
	c.empty(t, o)
}

// settleClosed settles by a Reader that has been closed: what it says may be refused or
// ignored, but nothing that was refused may be gone, and nothing may come twice.
func (c queueCases[T]) settleClosed(t *testing.T) {
	o := c.open(t, 3)
	other := open(t, c.suite, o.queue)
	got := snapshot(o.take(2))
	o.close()
	done := o.reader.Settle(c.context(t), []connector.Settlement{{Position: got[0].Position(), Outcome: connector.Delivered}})
	_ = o.reader.Settle(c.context(t), []connector.Settlement{
		{Position: got[1].Position(), Outcome: connector.Returned, Cause: errRefused},
	})
	rest := other.gather(c.short())
	want := values(c.h.Value, 3)
	if done == nil && len(rest) == 2 {
		want = want[1:]
	}
	sameSet(t, c.h.Equal, valuesOf(rest), want)
	other.settle(connector.Delivered, rest...)
	c.empty(t, line[T]{other, o.queue})
}

// gather reads until nothing comes for as long as d.
func (o *session[T]) gather(d time.Duration) []connector.Message[T] {
	o.t.Helper()
	var all []connector.Message[T]
	for {
		messages, err := o.readFor(d, 10)
		all = append(all, snapshot(messages)...)
		if err != nil || o.eof {
			return all
		}
	}
}

// settleEnded believes a Settle that says that it worked, and repeats one that failed.
func (c queueCases[T]) settleEnded(t *testing.T) {
	o := c.open(t, 2)
	got := snapshot(o.take(2))
	settlements := []connector.Settlement{
		{Position: got[0].Position(), Outcome: connector.Delivered}, {Position: got[1].Position(), Outcome: connector.Delivered},
	}
	if o.reader.Settle(ended(t), settlements) != nil {
		if err := o.reader.Settle(c.context(t), settlements); err != nil {
			t.Errorf("Settle: %v", err)
		}
	}
	if depth := c.depth(t, o.queue); depth != (connector.Depth{}) {
		t.Errorf("depth %+v although everything was settled", depth)
	}
	o.reopen()
	c.empty(t, o)
}
