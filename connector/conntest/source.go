package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// SourceHarness says how to test a source.
type SourceHarness[T any] struct {
	// New returns a source that hands out exactly the values and nothing else; none with
	// Feed. Clean up with t.Cleanup.
	New func(t testing.TB, values []T) connector.Source[T]
	// Value returns the i-th test value; the values of different i must differ.
	Value func(i int) T
	// Equal compares what was put in with what came out; default reflect.DeepEqual.
	Equal func(a, b T) bool

	// Feed is for a source whose messages are requests: it sends one value to the open
	// source, waits for the answer, and returns the outcome that the answer tells,
	// connector.Returned for a refusal. It is called on a goroutine of its own. That answer
	// is how such a source returns a message, so nothing comes again; its Close answers what
	// has no outcome.
	Feed func(t testing.TB, source connector.Source[T], value T) connector.Outcome
	// Reopen gives up the source, as a crash does, and returns another on the same data. A
	// source that declares Durable needs it.
	Reopen func(t testing.TB, source connector.Source[T]) connector.Source[T]
	// Edges are values at the edges of what the source hands out: empty, the largest, every
	// byte.
	Edges []T

	// Revoke takes a partition away from the open source, returns when its Reader has
	// given it up, and brings it back when giveBack is called. A source that declares
	// Partitioned needs it, and values that New spreads over several partitions.
	Revoke func(t testing.TB, source connector.Source[T], partition string) (giveBack func())

	// Endless says that Read waits after the last value where it could give io.EOF.
	Endless bool
	// Once says that the source cannot be opened a second time.
	Once bool
	// Resumes says that a message that is done is not handed out again when the source is
	// opened again. A source that Returns does so in any case.
	Resumes bool
	// Virtual runs each case in a testing/synctest bubble.
	Virtual bool
	// Wait is how long a case waits for what should happen; default 5 s. It has no effect
	// with Virtual.
	Wait time.Duration
}

// TestSource checks a source against the contract of connector.Source and
// connector.Reader.
func TestSource[T any](t *testing.T, h SourceHarness[T]) {
	t.Helper()
	s := newSuite(t, h.Virtual, h.Wait, map[string]bool{"New": h.New != nil, "Value": h.Value != nil})
	c := sourceCases[T]{suite: s, h: h}
	s.probe(func(t *testing.T) { c.caps = described(t, h.New(t, nil)) })
	if c.caps.Partitioned && h.Revoke == nil {
		t.Fatal("conntest: the source declares Partitioned, but the harness lacks Revoke")
	}
	if c.caps.Durable && h.Reopen == nil {
		t.Error("conntest: the source declares Durable, so the harness needs Reopen")
	}
	if c.caps.Answers != (h.Feed != nil) {
		t.Error("conntest: a source that declares Answers needs Feed in the harness, and no other does")
	}
	c.read()
	c.settle()
	c.doubt()
	c.crash()
	c.restart()
	c.feed()
	c.revoke()
	leased(s, c.caps, c.open)
}

type sourceCases[T any] struct {
	suite

	h    SourceHarness[T]
	caps connector.Capabilities
}

// open makes a source of n values and opens it.
func (c sourceCases[T]) open(t *testing.T, n int) *session[T] {
	t.Helper()
	var o *session[T]
	t.Cleanup(func() { c.allAnswered(t, o) }) // after the Close of the session
	o = open(t, c.suite, c.source(t, n))
	if c.h.Feed != nil {
		c.send(o, values(c.h.Value, n))
	}

	return o
}

// source makes a source of n values, which with Feed come later.
func (c sourceCases[T]) source(t *testing.T, n int) connector.Source[T] {
	t.Helper()
	if c.h.Feed != nil {
		n = 0
	}

	return c.h.New(t, values(c.h.Value, n))
}
