package conntest

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// QueueHarness says how to test a queue. The lease comes from its Capabilities; without
// Virtual it should be 200 ms to 1 s.
type QueueHarness[T any] struct {
	// New returns an empty queue. Clean up with t.Cleanup.
	New func(t testing.TB) connector.Queue[T]
	// Reopen gives up the queue, as a crash does, and returns another on the same data;
	// nil when the queue does not outlive the process. A queue that declares Durable
	// needs it.
	Reopen func(t testing.TB, queue connector.Queue[T]) connector.Queue[T]
	// Value returns the i-th test value; the values of different i must differ.
	Value func(i int) T
	// Equal compares what was put in with what came out; default reflect.DeepEqual.
	Equal func(a, b T) bool

	// MaxAttempts is after how many deliveries the queue gives a message up; 0 means
	// never.
	MaxAttempts int
	// Capacity is how many messages the queue holds before Write waits or fails; 0 means
	// that the test cannot reach the bound.
	Capacity int
	// Metadata says that ID, Key, Time and Headers travel with the value.
	Metadata bool
	// Virtual runs each case in a testing/synctest bubble.
	Virtual bool
	// Wait is how long a case waits for what should happen; default 5 s. It has no effect
	// with Virtual.
	Wait time.Duration
}

// TestQueue checks a queue against the contract of connector.Queue.
func TestQueue[T any](t *testing.T, h QueueHarness[T]) {
	t.Helper()
	s := newSuite(t, h.Virtual, h.Wait, map[string]bool{"New": h.New != nil, "Value": h.Value != nil})
	c := queueCases[T]{suite: s, h: h}
	s.probe(func(t *testing.T) {
		queue := h.New(t)
		c.caps = described(t, queue)
		reader := open(t, s, queue).reader
		_, c.finisher = reader.(connector.Finisher)
	})
	if c.caps.Durable && h.Reopen == nil {
		t.Error("conntest: the queue declares Durable, so the harness needs Reopen")
	}
	c.order()
	c.redeliver()
	c.lease()
	c.delays()
	c.compete()
	c.bounds()
}

type queueCases[T any] struct {
	suite

	h        QueueHarness[T]
	caps     connector.Capabilities
	finisher bool
}
