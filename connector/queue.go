package connector

import "context"

// Queue is a sink that accepts messages and a source that leases them out: each message
// is with one reader at a time until it is settled, or until its lease ends and it is
// handed out again. Returned messages come back after the delay of their settlement, with
// their Attempt counted up. All methods are safe for concurrent use; every Open is a
// competing reader.
//
// A queue that declares [Capabilities.Durable] has made a message durable before Write
// returns. One that declares [Capabilities.Delays] hands a message out no sooner than its
// NotBefore; until then it counts as Delayed.
type Queue[T any] interface {
	Source[T]
	Sink[T]

	// Depth counts what the queue holds.
	Depth(ctx context.Context) (Depth, error)
}

// Depth is what a queue holds at one moment.
type Depth struct {
	// Ready can be handed out now.
	Ready int
	// Delayed waits for its delay to pass.
	Delayed int
	// Leased is with a reader.
	Leased int
	// Dead was given up after too many attempts and waits for a person.
	Dead int
}

// Codec turns values into bytes and back. Both methods must be safe for concurrent use.
type Codec[T any] interface {
	// Append adds the encoding of value to dst and returns the longer slice.
	Append(dst []byte, value T) ([]byte, error)
	// Decode reads one value; data must not be kept.
	Decode(data []byte) (T, error)
}

// DeadLetter is a message that failed for good, with its cause, as a dead-letter sink
// receives it. It encodes to JSON when Value does.
type DeadLetter[T any] struct {
	// ID is that of the message.
	ID string `json:"id"`
	// Flow and Stage say where it failed.
	Flow  string `json:"flow"`
	Stage string `json:"stage"`
	// Cause is the text of the error; Err the error itself, where it is still at hand.
	Cause string `json:"cause"`
	Err   error  `json:"-"`
	// Class is the class of the error.
	Class string `json:"class"`
	// Attempt is which delivery of the message failed; 0 where the source does not count.
	Attempt int `json:"attempt,omitempty"`
	// Headers are those of the message.
	Headers map[string]string `json:"headers,omitempty"`
	// Parts are the causes of the parts that failed, where the message was split.
	Parts []string `json:"parts,omitempty"`
	// Value is the message as it was when it passed the DeadLetter stage.
	Value T `json:"value"`
}
