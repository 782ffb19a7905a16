package flow

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// StageError is why a message failed: where it was, which message it was, and the cause.
type StageError struct {
	// Flow and Stage name the place; At is the file and line that defined the stage.
	Flow, Stage, At string
	// Message is the ID of the message; empty where the source gives none.
	Message string
	// Err is the cause.
	Err error
}

// Error names flow, stage, message and cause.
func (e *StageError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("flow %s: stage %s: %v", e.Flow, e.Stage, e.Err)
	}

	return fmt.Sprintf("flow %s: stage %s: message %s: %v", e.Flow, e.Stage, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *StageError) Unwrap() error { return e.Err }

// PanicError is the cause of a message whose user function panicked.
type PanicError struct {
	// Value is what panic was called with.
	Value any
	// Stack is the goroutine's stack at the panic.
	Stack []byte
}

// Error gives the panic's value; the stack is in the field.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)

	return err
}

// PartsError is why a message failed of which several parts failed.
type PartsError struct {
	Parts []error
}

// Error counts the parts and gives the first cause.
func (e *PartsError) Error() string {
	return fmt.Sprintf("%d parts failed; the first: %v", len(e.Parts), e.Parts[0])
}

// Unwrap returns the causes of all parts.
func (e *PartsError) Unwrap() []error { return e.Parts }

// DefinitionError lists everything that is wrong with a pipeline's definition.
type DefinitionError struct {
	Flow     string
	Problems []Problem
}

// Problem is one mistake in a definition and where it was written.
type Problem struct {
	// Stage names the stage; At is the file and line that defined it.
	Stage, At string
	// Text says what is wrong and what to do.
	Text string
}

// Error lists the problems, one a line.
func (e *DefinitionError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "flow %s: the definition has %d problem(s)", e.Flow, len(e.Problems))
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n\t%s: stage %s: %s", p.At, p.Stage, p.Text)
	}

	return b.String()
}

// StoppedError is what Run returns when a pipeline stopped with messages that were
// neither finished nor taken back before the deadline.
type StoppedError struct {
	Flow string
	Left Left
}

// Error counts what was left.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("flow %s: stopped with %d message(s) still in flight after the drain deadline",
		e.Flow, e.Left.InFlight)
}

// Left is what a stopping pipeline did not finish.
type Left struct {
	// Returned counts messages that went back to their source because of the stop.
	Returned int64
	// InFlight counts messages whose stage did not answer before the deadline.
	InFlight int64
	// Unconfirmed counts outcomes that the source did not confirm.
	Unconfirmed int64
}

// Clean reports whether nothing was left.
func (l Left) Clean() bool { return l == Left{} }

// returnDelay is how long a message that failed should stay away: from 100 ms, doubled
// with each attempt, up to 30 s; or as long as a throttled error asks, up to 5 minutes.
func returnDelay(meta *connector.Meta, cause error) time.Duration {
	const (
		first   = 100 * time.Millisecond
		most    = 30 * time.Second
		mostAsk = 5 * time.Minute
	)
	if after, ok := connector.RetryAfter(cause); ok && after > 0 {
		return min(after, mostAsk)
	}
	delay := first
	for range min(max(meta.Attempt()-1, 0), 10) {
		delay *= 2
	}

	return min(delay, most)
}
