package connector

import (
	"context"
	"time"
)

// Message is one value on its way through a flow, with its metadata.
//
// The zero Message is safe to read: every method of a nil [Meta] answers with the zero
// value. A value that reaches more than one branch of a flow is shared and must not be
// changed in place.
type Message[T any] struct {
	*Meta

	Value T
}

// NewMessage returns a message with metadata of its own.
func NewMessage[T any](value T, fields Fields) Message[T] {
	meta := MakeMeta(fields)

	return Message[T]{Meta: &meta, Value: value}
}

// Derive returns a message that carries value under the metadata of m.
func Derive[In, Out any](m Message[In], value Out) Message[Out] {
	return Message[Out]{Meta: m.Meta, Value: value}
}

// Source is where messages come from. Open may be called again after the Reader that it
// returned was closed; a Source that supports competing readers says so in its
// documentation. Open must be safe for concurrent use.
type Source[T any] interface {
	// Open starts reading. The context bounds Open alone, not the Reader.
	Open(ctx context.Context) (Reader[T], error)
}

// Reader hands out messages and takes their outcomes back.
//
// Read and Settle may run at the same time; neither runs concurrently with itself.
// Close is called once, after the last Read and Settle have returned.
type Reader[T any] interface {
	// Read returns at least one and at most limit messages, waiting for the first one.
	// io.EOF says that no further message will come. Messages that come together with an
	// error count: they are processed before the error is acted upon. When ctx ends, Read
	// returns what it has taken so far, and the context's error.
	//
	// The returned slice and its Metas belong to the caller until every message in it
	// has been settled; after that the Reader may use them again.
	Read(ctx context.Context, limit int) ([]Message[T], error)

	// Settle reports outcomes of messages that Read handed out. The slice belongs to the
	// caller. Settlements of a source that is not ordered come in any order; a source
	// that declares [Capabilities.Ordered] gets them in the order of Read, without a gap.
	// An error makes the whole call ambiguous: it is repeated with the same settlements,
	// so settling a position twice must be harmless.
	Settle(ctx context.Context, settlements []Settlement) error

	// Close releases what the Reader holds. What was handed out and not settled goes
	// back to the source.
	Close() error
}

// Settlement is what became of one message.
type Settlement struct {
	// Position is that of the message's Meta, as the Reader set it.
	Position Position
	// Outcome is how the message ended; never Pending.
	Outcome Outcome
	// Cause is why a message was dead-lettered, dropped or returned; nil otherwise. A
	// message returned with [ErrStopped] was not tried and does not count as an attempt.
	Cause error
	// Delay is how long a returned message should wait before it is handed out again.
	Delay time.Duration
}

// Sink accepts messages. A Sink that is used by more than one stage or pipeline must be
// safe for concurrent use; a single stage never calls Write concurrently.
type Sink[T any] interface {
	// Write returns nil when every message has been accepted, a *[PartialError] when the
	// fate of the messages differs, and any other error when none was accepted (or, where
	// the error's class is [ClassAmbiguous], when each may have been). The slice belongs
	// to the caller and must not be kept after Write has returned.
	Write(ctx context.Context, messages []Message[T]) error
}

// Caller answers one request with one reply. Call must be safe for concurrent use.
type Caller[Req, Resp any] interface {
	Call(ctx context.Context, req Req) (Resp, error)
}

// SourceFunc makes a Source of a function.
type SourceFunc[T any] func(ctx context.Context) (Reader[T], error)

// Open calls f.
func (f SourceFunc[T]) Open(ctx context.Context) (Reader[T], error) { return f(ctx) }

// SinkFunc makes a Sink of a function.
type SinkFunc[T any] func(ctx context.Context, messages []Message[T]) error

// Write calls f.
func (f SinkFunc[T]) Write(ctx context.Context, messages []Message[T]) error {
	return f(ctx, messages)
}

// CallerFunc makes a Caller of a function.
type CallerFunc[Req, Resp any] func(ctx context.Context, req Req) (Resp, error)

// Call calls f.
func (f CallerFunc[Req, Resp]) Call(ctx context.Context, req Req) (Resp, error) {
	return f(ctx, req)
}
