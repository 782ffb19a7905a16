package conntest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// edges holds the cases of values and metadata at their bounds.
func (c queueCases[T]) edges() {
	metadata := unless(c.h.Metadata, "the queue carries values only")
	bad := unless(c.h.Bad != nil, "the queue takes every value")
	c.run("edge/values", unless(len(c.h.Edges) > 0, "the harness has no Edges"), c.edgeValues)
	c.run("edge/a refused value fails alone", bad, c.refuseSome)
	c.run("edge/nothing but refused values", bad, c.refuseAll)
	c.run("edge/headers", metadata, c.edgeHeaders)
	if metadata == "" {
		metadata = unless(c.h.MaxHeaders > 0, "the harness names no MaxHeaders")
	}
	c.run("edge/headers over the bound", metadata, c.boundHeaders)
}

func (c queueCases[T]) edgeValues(t *testing.T) {
	o := c.open(t, 0)
	list := messages(func(i int) T { return c.h.Edges[i] }, 0, len(c.h.Edges))
	c.write(t, o.queue, list)
	for _, m := range list {
		c.write(t, o.queue, []connector.Message[T]{connector.NewMessage(m.Value, connector.Fields{ID: "again-" + m.ID()})})
	}
	got := o.take(2 * len(list))
	sameValues(t, c.h.Equal, valuesOf(got), append(valuesOf(list), valuesOf(list)...))
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

// refuseSome writes good and bad values in one call.
func (c queueCases[T]) refuseSome(t *testing.T) {
	o := c.open(t, 0)
	list := messages(c.h.Value, 0, 5)
	list[0].Value, list[3].Value = c.h.Bad(0), c.h.Bad(3)
	err := o.queue.Write(c.context(t), list)
	c.partial(t, err, []bool{false, true, true, false, true})
	got := o.take(3)
	sameValues(t, c.h.Equal, valuesOf(got), []T{c.h.Value(1), c.h.Value(2), c.h.Value(4)})
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

// partial checks that the good messages of a Write were accepted and the others refused
// for good.
func (c queueCases[T]) partial(t *testing.T, err error, good []bool) {
	t.Helper()
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok || len(partial.Members) != len(good) {
		t.Fatalf("Write: %v: want a PartialError with %d members", err, len(good))
	}
	for i, m := range partial.Members {
		switch {
		case good[i] && (m.Fate != connector.Accepted || m.Err != nil):
			t.Errorf("message %d is %s: %v", i, m.Fate, m.Err)
		case !good[i] && (m.Fate != connector.Failed || connector.ClassOf(m.Err) != connector.ClassPermanent):
			t.Errorf("message %d is %s with class %s: want failed, permanent", i, m.Fate, connector.ClassOf(m.Err))
		}
	}
}

func (c queueCases[T]) refuseAll(t *testing.T) {
	o := c.open(t, 0)
	err := o.queue.Write(c.context(t), messages(c.h.Bad, 0, 2))
	if err == nil || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("Write: class %s of %v, want permanent", connector.ClassOf(err), err)
	}
	c.write(t, o.queue, messages(c.h.Value, 2, 1))
	got := o.take(1)
	sameValues(t, c.h.Equal, valuesOf(got), []T{c.h.Value(2)})
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}

func (c queueCases[T]) edgeHeaders(t *testing.T) {
	o := c.open(t, 0)
	many := map[string]string{"empty": "", "accents": "naïve ✓", "long": strings.Repeat("x", 2000)}
	for i := range 50 {
		many[fmt.Sprint("name-", i)] = fmt.Sprint("value ", i)
	}
	all := []map[string]string{nil, {}, many}
	for i, headers := range all {
		fields := connector.Fields{ID: fmt.Sprint("edge-", i), Headers: headers}
		c.write(t, o.queue, []connector.Message[T]{connector.NewMessage(c.h.Value(i), fields)})
	}
	got := o.take(len(all))
	for i, m := range got {
		sameHeaders(t, m.Fields().Headers, all[i])
	}
	o.settle(connector.Delivered, got...)
}

func sameHeaders(t *testing.T, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d headers, want %d", len(got), len(want))
	}
	for name, value := range want {
		if found, ok := got[name]; !ok || found != value {
			t.Errorf("header %q is %.80q, want %.80q", name, found, value)
		}
	}
}

// boundHeaders writes a message at the bound, and one that is a byte beyond it.
func (c queueCases[T]) boundHeaders(t *testing.T) {
	o := c.open(t, 0)
	list := messages(c.h.Value, 0, 2)
	for i := range list {
		list[i].Meta = list[i].WithID("id").WithHeader("name", strings.Repeat("x", c.h.MaxHeaders-len("id")-len("name")+i))
	}
	c.partial(t, o.queue.Write(c.context(t), list), []bool{true, false})
	got := o.take(1)
	if n := len(got[0].Header("name")); n != c.h.MaxHeaders-len("id")-len("name") {
		t.Errorf("the header came with %d bytes", n)
	}
	o.settle(connector.Delivered, got...)
	c.empty(t, o)
}
