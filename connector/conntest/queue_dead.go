package conntest

import (
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// dead holds the cases of the dead letters that a queue keeps.
func (c queueCases[T]) dead() {
	missing := unless(c.h.MaxAttempts > 0, "the queue never gives up")
	if missing == "" {
		missing = unless(c.h.Dead != nil, "the harness has no Dead")
	}
	c.run("dead/keeps value, headers and cause", missing, c.deadKeeps)
	c.run("dead/does not hold up others", missing, c.deadAmong)
	if missing == "" {
		missing = unless(c.h.Reopen != nil, "the queue does not outlive the process")
	}
	c.run("dead/outlives the process", missing, c.deadAfterReopen)
}

// kill fails a message until the queue gives it up, with a message of no harm behind it.
func (c queueCases[T]) kill(t *testing.T) line[T] {
	t.Helper()
	o := c.open(t, 0)
	fields := connector.Fields{ID: "bad order", Key: "customer-7", Headers: map[string]string{"trace": "abc", "empty": ""}}
	c.write(t, o.queue, []connector.Message[T]{connector.NewMessage(c.h.Value(0), fields)})
	for range c.h.MaxAttempts {
		o.giveBack(connector.Permanent(errRefused), 0, o.take(1)...)
	}
	o.quiet(c.short())

	return o
}

func (c queueCases[T]) deadKeeps(t *testing.T) {
	o := c.kill(t)
	c.checkDead(t, c.h.Dead(t, o.queue))
}

func (c queueCases[T]) checkDead(t *testing.T, letters []connector.DeadLetter[T]) {
	t.Helper()
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	l := letters[0]
	sameValues(t, c.h.Equal, []T{l.Value}, values(c.h.Value, 1))
	if !strings.Contains(l.Cause, errRefused.Error()) || l.Class != connector.ClassPermanent.String() {
		t.Errorf("cause %q of class %q, want %q, permanent", l.Cause, l.Class, errRefused)
	}
	if l.Attempt != c.h.MaxAttempts {
		t.Errorf("attempt %d, want %d", l.Attempt, c.h.MaxAttempts)
	}
	if !c.h.Metadata {
		return
	}
	if l.ID != "bad order" {
		t.Errorf("ID %q", l.ID)
	}
	sameHeaders(t, l.Headers, map[string]string{"trace": "abc", "empty": ""})
}

func (c queueCases[T]) deadAmong(t *testing.T) {
	o := c.kill(t)
	c.write(t, o.queue, messages(c.h.Value, 1, 2))
	got := o.take(2)
	sameValues(t, c.h.Equal, valuesOf(got), values(c.h.Value, 3)[1:])
	o.settle(connector.Delivered, got...)
	if depth := c.depth(t, o.queue); depth != (connector.Depth{Dead: 1}) {
		t.Errorf("depth %+v, want one dead message", depth)
	}
}

func (c queueCases[T]) deadAfterReopen(t *testing.T) {
	o := c.kill(t)
	o.closed = true
	queue := c.h.Reopen(t, o.queue)
	c.checkDead(t, c.h.Dead(t, queue))
	o = line[T]{open(t, c.suite, queue), queue}
	o.quiet(c.short())
}
