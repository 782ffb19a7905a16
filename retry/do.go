package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/turns"
)

// Do calls fn until it succeeds, within the bounds of the policy. It returns nil, or
//   - the error of fn as it is, when it is not worth repeating;
//   - an *ExhaustedError with the last error of fn, when attempts or time ran out, when
//     the next attempt would start after the deadline of ctx, or when ctx ended;
//   - the context's error, when ctx had ended before the first attempt;
//   - a permanent error, when the policy is not valid.
//
// A panic of fn passes through. fn gets ctx itself; a time for each attempt is its own
// affair.
func (p Policy) Do(ctx context.Context, fn func(context.Context) error) error {
	if !sound(&p) {
		return connector.Permanent(p.Validate())
	}
	if ctx.Err() != nil {
		return fmt.Errorf("retry: not attempted: %w", ended(ctx))
	}
	err := fn(ctx)
	if err == nil {
		return nil
	}

	return p.again(ctx, fn, err)
}

// Value is Do for work that has a result; after an error it is the zero T.
func (p Policy) Value[T any](ctx context.Context, fn func(context.Context) (T, error)) (T, error) {
	var result T
	err := p.Do(ctx, func(ctx context.Context) error {
		value, err := fn(ctx)
		if err == nil {
			result = value
		}

		return err
	})

	return result, err
}

// again goes on after the first attempt failed with err.
func (p Policy) again(ctx context.Context, fn func(context.Context) error, err error) error {
	loop := loop{policy: p.withDefaults(), first: time.Now()}
	if turns.Of(ctx) != nil {
		loop.policy.NoJitter = true // a simulation is repeated exactly
	}
	for err != nil {
		if stop := loop.failed(ctx, err); stop != nil {
			return stop
		}
		err = fn(ctx)
	}

	return nil
}

// loop is the state of Do from the first failure on.
type loop struct {
	policy   Policy
	first    time.Time // of the failures
	failures int
	last     error // what failed before the present failure; nil after the first
}

// failed waits for the next attempt, or returns the error that ends the loop (invariant 10).
func (l *loop) failed(ctx context.Context, err error) error {
	l.failures++
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return l.interrupted(err)
	}
	if l.policy.Attempts == 1 || !l.policy.Retryable(err) {
		return err
	}
	delay, again := l.policy.Next(l.failures, time.Since(l.first), err)
	if !again {
		return l.exhausted(err, nil)
	}
	l.last = err
	if cause := sleep(ctx, delay); cause != nil {
		return l.exhausted(err, cause)
	}

	return nil
}

// interrupted is the end of an attempt by the context. What failed before is kept, and
// the class is that of the interrupted attempt: its effect may have happened.
func (l *loop) interrupted(err error) error {
	if l.last == nil {
		return err
	}
	if connector.ClassOf(err) == connector.ClassAmbiguous {
		err = connector.Ambiguous(err)
	}

	return l.exhausted(fmt.Errorf("%w; before that: %w", err, l.last), nil)
}

func (l *loop) exhausted(err, cause error) error {
	if cause != nil && connector.ClassOf(err) == connector.ClassUnknown {
		// Else the cause, a deadline, would make the error look ambiguous.
		err = connector.Transient(err)
	}

	return &ExhaustedError{Attempts: l.failures, Elapsed: time.Since(l.first), Err: err, Cause: cause}
}

// sleep waits for d. It returns at once, with the cause, when ctx ends or would end first.
func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return fmt.Errorf("no attempt fits in before the deadline: %w", context.DeadlineExceeded)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	var cause error
	turns.Wait(turns.Of(ctx), "retry", func() {
		select {
		case <-timer.C:
		case <-ctx.Done():
			cause = ended(ctx)
		}
	})

	return cause
}

// ended returns why ctx ended; it is the context's error in any case.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ctx.Err()) {
		return cause
	}

	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}
