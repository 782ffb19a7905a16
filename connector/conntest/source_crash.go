package conntest

import (
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// crash holds the cases of a process that dies between its work and the settlement.
func (c sourceCases[T]) crash() {
	missing := unless(c.caps.Durable, "Durable")
	if missing == "" {
		missing = unless(c.h.Reopen != nil, "the harness has no Reopen")
	}
	c.run("kill/between work and settlement", missing, c.killWorking)
	c.run("kill/what was not read comes", missing, c.killReading)
}

// killed gives up the session without a Close.
func (c sourceCases[T]) killed(o *session[T]) *session[T] {
	o.t.Helper()
	o.closed = true
	reader := o.reader
	o.t.Cleanup(func() { _ = reader.Close() }) // it is gone, but its files are to be removed

	return open(o.t, c.suite, c.h.Reopen(o.t, o.source))
}

func (c sourceCases[T]) killWorking(t *testing.T) {
	o := c.open(t, 5)
	was := snapshot(o.take(4))
	o.settle(connector.Delivered, was[0])
	o = c.killed(o)
	got := snapshot(c.all(o))
	again := identify(got)
	for who := range identify(was[1:]) {
		if _, ok := again[who]; !ok {
			t.Errorf("message %s at %s did not come again under this ID and position", who.id, who.position)
		}
	}
	want := values(c.h.Value, 5)
	if len(got) == 4 { // a source that keeps what is done
		want = remove(c.h.Equal, want, was[0].Value)
	}
	sameSet(t, c.h.Equal, valuesOf(got), want)
	o.settle(connector.Delivered, got...)
}

func remove[T any](equal func(a, b T) bool, list []T, value T) []T {
	at := unused(equal, list, make([]bool, len(list)), value)

	return append(list[:at:at], list[at+1:]...)
}

func (c sourceCases[T]) killReading(t *testing.T) {
	o := c.open(t, 5)
	o.take(1)
	o = c.killed(c.killed(o))
	got := c.all(o)
	sameSet(t, c.h.Equal, valuesOf(got), values(c.h.Value, 5))
	o.settle(connector.Delivered, got...)
}
