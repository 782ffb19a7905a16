package conntest

import (
	"io"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// SinkHarness says how to test a sink.
type SinkHarness[T any] struct {
	// New returns an empty sink and a function that reads back everything it holds, in
	// order. Clean up with t.Cleanup.
	New func(t testing.TB) (sink connector.Sink[T], contents func(t testing.TB) []T)
	// Value returns the i-th test value; the values of different i must differ.
	Value func(i int) T
	// Bad returns a value that the sink refuses for good; nil when it takes every T.
	Bad func(i int) T
	// Edges are values at the edges of what the sink takes: empty, the largest, every byte.
	Edges []T
	// Equal compares what was put in with what came out; default reflect.DeepEqual.
	Equal func(a, b T) bool

	// Unordered says that what the sink holds has no order.
	Unordered bool
	// SingleWriter says that the sink must not be written to concurrently.
	SingleWriter bool
	// Virtual runs each case in a testing/synctest bubble.
	Virtual bool
	// Wait is how long a case waits for what should happen; default 5 s. It has no effect
	// with Virtual.
	Wait time.Duration
}

// TestSink checks a sink against the contract of connector.Sink.
func TestSink[T any](t *testing.T, h SinkHarness[T]) {
	t.Helper()
	s := newSuite(t, h.Virtual, h.Wait, map[string]bool{"New": h.New != nil, "Value": h.Value != nil})
	c := sinkCases[T]{suite: s, h: h}
	s.probe(func(t *testing.T) {
		sink, _ := h.New(t)
		c.caps = described(t, sink)
		_, c.health = sink.(connector.HealthChecker)
		_, c.flusher = sink.(connector.Flusher)
		_, c.closer = sink.(io.Closer)
	})
	c.write()
	c.refuse()
	c.edges()
	c.declared()
	c.close()
}

type sinkCases[T any] struct {
	suite

	h               SinkHarness[T]
	caps            connector.Capabilities
	health, flusher bool
	closer          bool
}
