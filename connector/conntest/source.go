package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// SourceHarness says how to test a source.
type SourceHarness[T any] struct {
	// New returns a source that hands out exactly the values and nothing else. Clean up
	// with t.Cleanup.
	New func(t testing.TB, values []T) connector.Source[T]
	// Value returns the i-th test value; the values of different i must differ.
	Value func(i int) T
	// Equal compares what was put in with what came out; default reflect.DeepEqual.
	Equal func(a, b T) bool

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
	c.read()
	c.settle()
	c.restart()
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

	return open(t, c.suite, c.h.New(t, values(c.h.Value, n)))
}
