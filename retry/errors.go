package retry

import (
	"fmt"
	"time"
)

// ExhaustedError says that a policy gave up on work that it would have tried again: its
// attempts or its time were used up, or the context left no room for another attempt.
// Outer policies do not try again.
//
// An error that is not worth repeating is returned as it is, and so is that of a policy
// with a single attempt.
type ExhaustedError struct {
	// Attempts is how often the work was done.
	Attempts int
	// Elapsed is the time since the first failure.
	Elapsed time.Duration
	// Err is the last error of the work.
	Err error
	// Cause is why the context ended the loop; nil when the policy's own bounds did.
	Cause error
}

// Error gives the number of attempts, the time and the last error.
func (e *ExhaustedError) Error() string {
	times := "attempts"
	if e.Attempts == 1 {
		times = "attempt"
	}
	text := fmt.Sprintf("retry: gave up after %d %s in %v", e.Attempts, times, e.Elapsed)
	if e.Cause != nil {
		text += fmt.Sprintf(" (%v)", e.Cause)
	}

	return text + ": " + e.Err.Error()
}

// Unwrap returns the last error and the cause, so that errors.Is finds both.
func (e *ExhaustedError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}

	return []error{e.Err, e.Cause}
}
