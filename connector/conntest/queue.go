package conntest

import (
	"io"
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

	// Edges are values at the edges of what the queue takes: empty, the largest, every byte.
	Edges []T
	// Bad returns a value that the queue refuses for good, such as one byte more than its
	// bound; nil when it takes every T.
	Bad func(i int) T
	// MaxHeaders is the most bytes of one message's ID, key and headers, names included; 0
	// means that the test cannot reach the bound.
	MaxHeaders int
	// Dead reads the dead letters that the queue keeps; nil when it keeps none, or where
	// nobody can read them.
	Dead func(t testing.TB, queue connector.Queue[T]) []connector.DeadLetter[T]
	// Group returns the queue as another group of readers sees it: each group gets every
	// message that is written from then on. nil when all readers share the messages.
	Group func(t testing.TB, queue connector.Queue[T], name string) connector.Queue[T]
	// Restart stops the broker under the open queue and starts it again; nil when there is
	// none. Calls may fail meanwhile, and a Reader may have to be opened again.
	Restart func(t testing.TB, queue connector.Queue[T])

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
		_, c.closer = queue.(io.Closer)
	})
	if c.caps.Durable && h.Reopen == nil {
		t.Error("conntest: the queue declares Durable, so the harness needs Reopen")
	}
	c.order()
	c.edges()
	c.redeliver()
	c.settle()
	c.dead()
	c.lease()
	c.delays()
	c.compete()
	c.busy()
	c.groups()
	c.bounds()
	c.stop()
	c.crash()
}

type queueCases[T any] struct {
	suite

	h        QueueHarness[T]
	caps     connector.Capabilities
	finisher bool
	closer   bool
}
