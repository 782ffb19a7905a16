package conntest

import (
	"errors"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// refuse holds the cases of what the sink does not accept.
func (c sinkCases[T]) refuse() {
	missing := unless(c.h.Bad != nil, "the sink takes every value")
	c.run("refuse/one message", missing, c.refuseOne)
	c.run("refuse/one of several", missing, c.refuseSome)
	c.run("refuse/first, last and neighbours", missing, c.refuseMany)
	c.run("refuse/all of several", missing, c.refuseAll)
	c.run("refuse/works afterwards", missing, c.refuseAndGoOn)
}

func (c sinkCases[T]) bad(messages []connector.Message[T], at ...int) []connector.Message[T] {
	for _, i := range at {
		messages[i].Value = c.h.Bad(i)
	}

	return messages
}

func (c sinkCases[T]) refuseOne(t *testing.T) {
	o := c.open(t)
	messages := c.bad(c.messages(0, 1), 0)
	err := o.sink.Write(c.context(t), messages)
	if err == nil {
		t.Fatal("Write accepted a bad value")
	}
	if class := connector.ClassOf(err); class != connector.ClassPermanent {
		t.Errorf("class %s of %v, want permanent", class, err)
	}
	o.fates(messages, err)
}

func (c sinkCases[T]) refuseSome(t *testing.T) {
	o := c.open(t)
	messages := c.bad(c.messages(0, 5), 2, 4)
	err := o.sink.Write(c.context(t), messages)
	if err == nil {
		t.Fatal("Write accepted bad values")
	}
	o.fates(messages, err)
	if partial, ok := errors.AsType[*connector.PartialError](err); ok && c.caps.Ordered {
		stopsAtFirst(t, partial.Members)
	}
}

func (c sinkCases[T]) refuseMany(t *testing.T) {
	o := c.open(t)
	messages := c.bad(c.messages(0, 60), 0, 29, 30, 59)
	err := o.sink.Write(c.context(t), messages)
	if err == nil {
		t.Fatal("Write accepted bad values")
	}
	o.fates(messages, err)
	for i, m := range o.members(len(messages), err) {
		if bad := i == 0 || i == 29 || i == 30 || i == 59; bad && m.Fate == connector.Accepted {
			t.Errorf("message %d was accepted although it is bad", i)
		}
	}
}

func (c sinkCases[T]) refuseAll(t *testing.T) {
	o := c.open(t)
	messages := c.bad(c.messages(0, 3), 0, 1, 2)
	err := o.sink.Write(c.context(t), messages)
	if class := connector.ClassOf(err); err == nil || class != connector.ClassPermanent {
		t.Errorf("class %s of %v, want permanent", class, err)
	}
	o.fates(messages, err)
	o.holds(nil)
}

func stopsAtFirst(t *testing.T, members []connector.Member) {
	t.Helper()
	failed := false
	for i, m := range members {
		if failed && m.Fate != connector.NotAttempted {
			t.Errorf("message %d is %s, though the sink declares Ordered and one before it failed", i, m.Fate)
		}
		failed = failed || m.Fate != connector.Accepted
	}
}

func (c sinkCases[T]) refuseAndGoOn(t *testing.T) {
	o := c.open(t)
	if err := o.sink.Write(c.context(t), c.bad(c.messages(0, 1), 0)); err == nil {
		t.Fatal("Write accepted a bad value")
	}
	o.write(c.messages(1, 2))
	o.holds([]T{c.h.Value(1), c.h.Value(2)})
}

// fates checks that what Write said of its messages is true of the contents.
func (o target[T]) fates(messages []connector.Message[T], err error) {
	o.t.Helper()
	var must, may []T
	for i, m := range o.members(len(messages), err) {
		switch m.Fate {
		case connector.Accepted:
			must = append(must, messages[i].Value)
		case connector.Unclear:
			may = append(may, messages[i].Value)
		case connector.Failed, connector.NotAttempted:
		}
		if m.Fate != connector.NotAttempted && (m.Err == nil) != (m.Fate == connector.Accepted) {
			o.t.Errorf("message %d is %s with error %v", i, m.Fate, m.Err)
		}
	}
	got := o.flushed()
	for _, value := range may {
		if at := unused(o.h.Equal, got, make([]bool, len(got)), value); at >= 0 {
			got = append(got[:at:at], got[at+1:]...)
		}
	}
	sameSet(o.t, o.h.Equal, got, must)
}

// members gives the fate of each of n messages of a Write that returned err.
func (o target[T]) members(n int, err error) []connector.Member {
	o.t.Helper()
	if partial, ok := errors.AsType[*connector.PartialError](err); ok {
		if len(partial.Members) != n {
			o.t.Fatalf("the PartialError has %d members for %d messages", len(partial.Members), n)
		}

		return partial.Members
	}
	fate := connector.Failed
	switch {
	case err == nil:
		fate = connector.Accepted
	case connector.ClassOf(err) == connector.ClassAmbiguous:
		fate = connector.Unclear
	}
	members := make([]connector.Member, n)
	for i := range members {
		members[i] = connector.Member{Fate: fate, Err: err}
	}

	return members
}
