package conntest

import (
	"context"
	"errors"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// crash holds the cases of a process or a broker that dies under a reader.
func (c queueCases[T]) crash() {
	missing := unless(c.h.Reopen != nil, "the queue does not outlive the process")
	c.run("kill/between work and settlement", missing, c.killWorking)
	c.run("kill/again and again", missing, c.killOften)
	c.run("restart/goes on", unless(c.h.Restart != nil, "the harness has no Restart"), c.brokerRestarts)
}

// killWorking kills two readers that have done the work of their messages and told nobody.
func (c queueCases[T]) killWorking(t *testing.T) {
	o := c.open(t, 5)
	other := open(t, c.suite, o.queue)
	one, two := snapshot(o.take(2)), snapshot(other.take(2))
	o.settle(connector.Delivered, one[0])
	o.closed, other.closed = true, true
	queue := c.h.Reopen(t, o.queue)
	again := line[T]{open(t, c.suite, queue), queue}
	var rest []connector.Message[T]
	for range 4 {
		next := again.take(1)
		rest = append(rest, snapshot(next)...)
		again.settle(connector.Delivered, next...)
	}
	sameSet(t, c.h.Equal, valuesOf(rest), values(c.h.Value, 5)[1:])
	was := identify(append(one[1:], two...))
	for _, m := range rest {
		attempt, tried := was[identity{m.ID(), m.Position()}]
		if tried && attempt > 0 && m.Attempt() < attempt {
			t.Errorf("message %s has attempt %d after %d", m.ID(), m.Attempt(), attempt)
		}
	}
	c.empty(t, again)
}

// killOften settles one message between two kills.
func (c queueCases[T]) killOften(t *testing.T) {
	const n = 4
	queue := c.h.New(t)
	c.write(t, queue, messages(c.h.Value, 0, n))
	var done []T
	for range n {
		o := line[T]{open(t, c.suite, queue), queue}
		got := snapshot(o.take(1))
		o.settle(connector.Delivered, got...)
		done = append(done, valuesOf(got)...)
		o.closed = true
		queue = c.h.Reopen(t, queue)
	}
	sameSet(t, c.h.Equal, done, values(c.h.Value, n))
	c.empty(t, line[T]{open(t, c.suite, queue), queue})
}

// brokerRestarts restarts the broker under a reader that has messages in hand.
func (c queueCases[T]) brokerRestarts(t *testing.T) {
	const n = 5
	o := c.open(t, n-1)
	got := snapshot(o.take(2))
	o.settle(connector.Delivered, got[0])
	c.h.Restart(t, o.queue)
	ctx := c.context(t)
	c.insistAnyhow(t, o.queue, messages(c.h.Value, n-1, 1))
	done := []T{got[0].Value}
	for len(done) < n && ctx.Err() == nil {
		list, err := o.readFor(c.unit(), 10)
		for _, m := range snapshot(list) {
			if o.trySettle(m) == nil && unused(c.h.Equal, done, make([]bool, len(done)), m.Value) < 0 {
				done = append(done, m.Value)
			}
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			c.openAgain(t, o.session)
		}
	}
	sameSet(t, c.h.Equal, done, values(c.h.Value, n))
	c.empty(t, o)
}

func (o *session[T]) trySettle(m connector.Message[T]) error {
	return o.reader.Settle(o.context(o.t), []connector.Settlement{{Position: m.Position(), Outcome: connector.Delivered}})
}

// openAgain takes the place of a Reader that is broken off.
func (c queueCases[T]) openAgain(t *testing.T, o *session[T]) {
	t.Helper()
	_ = o.reader.Close()
	o.closed = true
	ctx := c.context(t)
	for ctx.Err() == nil {
		reader, err := o.source.Open(ctx)
		if err == nil {
			o.reader, o.closed = reader, false

			return
		}
		pause(t, c.short()/10)
	}
	t.Fatal("Open fails on after the broker has come back")
}

// insistAnyhow repeats a Write until it works.
func (c queueCases[T]) insistAnyhow(t *testing.T, queue connector.Queue[T], list []connector.Message[T]) {
	t.Helper()
	ctx := c.context(t)
	for {
		err := queue.Write(ctx, list)
		if err == nil {
			return
		}
		if class := connector.ClassOf(err); class == connector.ClassPermanent || ctx.Err() != nil {
			t.Fatalf("Write while the broker restarts: class %s: %v", class, err)
		}
		pause(t, c.short()/10)
	}
}
