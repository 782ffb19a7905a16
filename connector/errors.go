package connector

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Class says what trying again can do about an error.
type Class uint8

const (
	// ClassUnknown is an error that nobody classified. Retry policies treat it as
	// transient.
	ClassUnknown Class = iota
	// ClassPermanent will fail again however often it is tried: bad input, no permission.
	ClassPermanent
	// ClassTransient may pass: a connection refused, a deadlock, a restart.
	ClassTransient
	// ClassThrottled asks the caller to wait; see RetryAfter.
	ClassThrottled
	// ClassAmbiguous means that the effect may have happened: a time-out after the
	// request was sent. Repeating is safe only where the effect is idempotent.
	ClassAmbiguous
)

var classNames = [...]string{"unknown", "permanent", "transient", "throttled", "ambiguous"}

// String returns the name used in metrics and logs.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}

	return fmt.Sprintf("class(%d)", uint8(c))
}

// Error is an error with a class. Make one with Permanent, Transient, Throttled or
// Ambiguous; read it with ClassOf and RetryAfter.
type Error struct {
	Class Class
	// After is how long to wait before the next attempt; only with ClassThrottled.
	After time.Duration
	Err   error
}

// Error returns the text of the wrapped error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// Permanent marks err as not worth repeating. A nil err stays nil.
func Permanent(err error) error { return classify(err, ClassPermanent, 0) }

// Transient marks err as worth repeating. A nil err stays nil.
func Transient(err error) error { return classify(err, ClassTransient, 0) }

// Throttled marks err as worth repeating after a delay. A nil err stays nil.
func Throttled(err error, after time.Duration) error {
	return classify(err, ClassThrottled, after)
}

// Ambiguous marks err as one whose effect may have happened. A nil err stays nil.
func Ambiguous(err error) error { return classify(err, ClassAmbiguous, 0) }

func classify(err error, class Class, after time.Duration) error {
	if err == nil {
		return nil
	}

	return &Error{Class: class, After: after, Err: err}
}

// ClassOf returns the class of the outermost classified error in err's tree. A deadline
// that nobody classified is ambiguous, because the work may have been done.
func ClassOf(err error) Class {
	if classified, ok := errors.AsType[*Error](err); ok {
		return classified.Class
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ClassAmbiguous
	}

	return ClassUnknown
}

// RetryAfter returns how long a throttled error asks to wait.
func RetryAfter(err error) (time.Duration, bool) {
	classified, ok := errors.AsType[*Error](err)
	if !ok || classified.Class != ClassThrottled {
		return 0, false
	}

	return classified.After, true
}

// Fate is what a Write did with one of its messages.
type Fate uint8

const (
	// NotAttempted means that the sink stopped before this message.
	NotAttempted Fate = iota
	// Accepted means that the sink has the message.
	Accepted
	// Failed means that the sink does not have the message.
	Failed
	// Unclear means that the sink may have the message.
	Unclear
)

var fateNames = [...]string{"not attempted", "accepted", "failed", "unclear"}

// String returns the fate in words.
func (f Fate) String() string {
	if int(f) < len(fateNames) {
		return fateNames[f]
	}

	return fmt.Sprintf("fate(%d)", uint8(f))
}

// Member is the fate of one message of a Write.
type Member struct {
	Fate Fate
	// Err is why the message was not accepted; nil when it was.
	Err error
}

// PartialError is what Write returns when its messages fared differently. Members has
// one entry for each message, in the order of the slice that was written.
type PartialError struct {
	Members []Member
}

// NewPartialError returns an error for n messages, none of which was attempted yet.
func NewPartialError(n int) *PartialError { return &PartialError{Members: make([]Member, n)} }

// Error counts the fates and gives the first cause.
func (e *PartialError) Error() string {
	var counts [len(fateNames)]int
	for _, m := range e.Members {
		counts[m.Fate%Fate(len(fateNames))]++
	}
	text := fmt.Sprintf("partial write: %d accepted, %d failed, %d unclear, %d not attempted",
		counts[Accepted], counts[Failed], counts[Unclear], counts[NotAttempted])
	if err := e.first(); err != nil {
		text += ": first cause: " + err.Error()
	}

	return text
}

// Unwrap returns the first cause, so that ClassOf sees it.
func (e *PartialError) Unwrap() error { return e.first() }

func (e *PartialError) first() error {
	for _, m := range e.Members {
		if m.Err != nil {
			return m.Err
		}
	}

	return nil
}
