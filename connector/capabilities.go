package connector

import (
	"context"
	"time"
)

// Capabilities is what a driver declares of itself. Flow relies on the declaration and
// on nothing else; conntest checks that it is true. The zero value promises nothing.
type Capabilities struct {
	// Name is the endpoint in errors and metrics: "csv orders.csv", "table invoices". It
	// holds no secret and does not change while the program runs.
	Name string
	// Returns says that a source takes messages back and hands them out again. A message
	// returned to a source without it stops the pipeline.
	Returns bool
	// Ordered says of a source that it wants settlements in the order of Read without a
	// gap, and of a sink that it stops at the first message that fails.
	Ordered bool
	// Durable says of a sink that what it accepted survives a crash of the process, and of
	// a source that what was not settled before a crash is handed out again after it, under
	// the same ID and Position. Of a queue it says both.
	Durable bool
	// Answers says of a source that whoever sent a message waits for its outcome, and sends
	// again what got no answer. The source itself hands nothing out again.
	Answers bool
	// Idempotent says of a sink that writing a message again changes nothing.
	Idempotent bool
	// Transactional says of a sink that it notes the Position of each message in the
	// transaction of its effect, so that one which comes again has no effect, whatever its
	// value.
	Transactional bool
	// Delays says of a queue that it hands a message out no sooner than the NotBefore of
	// its metadata, over a restart too where it is durable.
	Delays bool
	// KeepsPlace says of a queue that a message which comes back is handed out before
	// everything that was accepted after it and is still there.
	KeepsPlace bool
	// Lease is how long a message that was handed out stays with its reader; zero means
	// until Close. The Reader of a source with a lease implements Extender.
	Lease time.Duration
	// Partitioned says that parts of the source come and go; its Reader implements
	// Revoker.
	Partitioned bool
}

// Describer is implemented by sources, sinks, callers, queues and stores that have
// something to declare.
type Describer interface {
	Describe() Capabilities
}

// Describe returns what endpoint declares, or the zero Capabilities.
func Describe(endpoint any) Capabilities {
	if d, ok := endpoint.(Describer); ok {
		return d.Describe()
	}

	return Capabilities{}
}

// HealthChecker is implemented by endpoints that can tell whether they would work now.
// CheckHealth must be safe for concurrent use and must not change anything.
type HealthChecker interface {
	CheckHealth(ctx context.Context) error
}

// Flusher is implemented by sinks that hold something back between Writes: a part file
// that is not complete. Flow flushes at the end of a run; it never runs concurrently
// with Write.
type Flusher interface {
	Flush(ctx context.Context) error
}

// Extender is implemented by Readers whose messages are leased. Flow calls Extend at a
// third of the lease for everything in flight, concurrently with Read and Settle.
type Extender interface {
	// Extend renews the lease of the positions. One that was lost already is skipped.
	Extend(ctx context.Context, positions []Position) error
}

// Finisher is implemented by the Readers of queues. Finish says that nothing more will
// be written to the queue, by anyone; every Reader's Read then returns io.EOF once the
// queue holds nothing that could be handed out, now or later. It holds until every Reader
// has been closed; then the queue takes messages again. It may run concurrently with Read.
type Finisher interface {
	Finish()
}

// Resumer is implemented by sources that can begin behind what is done, instead of reading
// it again. A position that means nothing to the source is an error.
type Resumer[T any] interface {
	// OpenAfter is Open for what comes after the positions, at most one for each partition.
	OpenAfter(ctx context.Context, done []Position) (Reader[T], error)
}

// Revoker is implemented by Readers of sources whose partitions come and go.
type Revoker interface {
	// OnRevoke sets the function that the Reader calls before it gives partitions up: from
	// inside of Read, so that everything that it handed out is known.
	// It returns when every message of them that was handed out has been settled, or
	// when ctx ends. It is called once, before the first Read.
	OnRevoke(wait func(ctx context.Context, partitions []string) error)
}
