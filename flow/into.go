package flow

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

// Delivery is a sink with policies round it. It is immutable: Retry and Timeout return a
// sink with one policy more, and the one written last is outermost. It declares what
// the sink inside declares.
type Delivery[T any] struct {
	sink     connector.Sink[T]
	inner    connector.Sink[T]
	options  []Option
	problems []string
	retried  *atomic.Uint64
	effects  []policyEffect
}

// Into begins a Delivery to the sink.
func Into[T any](sink connector.Sink[T]) Delivery[T] {
	return Delivery[T]{sink: sink, inner: sink, retried: new(atomic.Uint64)}
}

// Write writes the messages under the policies.
func (d Delivery[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	if d.inner == nil {
		return connector.Permanent(errors.New("flow: " + noSink))
	}

	return d.sink.Write(ctx, messages) //nolint:wrapcheck // the policies are transparent
}

// Describe returns what the sink inside declares.
func (d Delivery[T]) Describe() connector.Capabilities { return connector.Describe(d.inner) }

// Flush flushes the sink inside, if it can be flushed.
func (d Delivery[T]) Flush(ctx context.Context) error {
	if f, ok := d.inner.(connector.Flusher); ok {
		return f.Flush(ctx) //nolint:wrapcheck // the policies are transparent
	}

	return nil
}

// CheckHealth asks the sink inside, if it can tell.
func (d Delivery[T]) CheckHealth(ctx context.Context) error {
	if h, ok := d.inner.(connector.HealthChecker); ok {
		return h.CheckHealth(ctx) //nolint:wrapcheck // the policies are transparent
	}

	return nil
}

// Retried counts the Writes beyond the first of each, over every Delivery made from the
// same Into.
func (d Delivery[T]) Retried() uint64 {
	if d.retried == nil {
		return 0
	}

	return d.retried.Load()
}

const noSink = "the sink is nil: make the Delivery with flow.Into and a connector.Sink"

func (d Delivery[T]) plan() ([]Option, []string) {
	if d.inner == nil {
		return d.options, append([]string{noSink}, d.problems...)
	}

	return d.options, d.problems
}

func (d Delivery[T]) policyEffects() []policyEffect { return d.effects }

// Timeout bounds each Write. One that runs out of time is ambiguous: the sink may have
// the messages.
func (d Delivery[T]) Timeout(limit time.Duration) Delivery[T] {
	sink, ended := d.sink, new(atomic.Uint64)
	d = d.with(connector.SinkFunc[T](func(ctx context.Context, messages []connector.Message[T]) error {
		ctx, cancel := context.WithTimeoutCause(ctx, limit, timeoutError(limit))
		defer cancel()

		return timedOut(ctx, sink.Write(ctx, messages), ended)
	}), option("timeout", limit))
	d.effects = append(d.effects, policyEffect{"timeout", ended})
	if limit <= 0 {
		d.problems = append(d.problems, fmt.Sprintf("Timeout(%v): want more than 0", limit))
	}

	return d
}

// Retry writes again, as the policy says, the messages that were not accepted, and only
// these. A message whose fate is unclear is written again only if the policy or the sink
// is declared idempotent.
func (d Delivery[T]) Retry(policy retry.Policy) Delivery[T] {
	sink := d.sink
	policy.Idempotent = policy.Idempotent || connector.Describe(d.inner).Idempotent
	options, problems := policyPlan(policy)
	d = d.with(connector.SinkFunc[T](func(ctx context.Context, messages []connector.Message[T]) error {
		return writeAgain(ctx, sink, policy, messages, d.retried)
	}), options...)
	d.problems = append(d.problems, problems...)
	d.effects = append(d.effects, policyEffect{"retry", d.retried})

	return d
}

func (d Delivery[T]) with(sink connector.Sink[T], options ...Option) Delivery[T] {
	d.sink = sink
	d.options = append(d.options[:len(d.options):len(d.options)], options...)
	d.problems = d.problems[:len(d.problems):len(d.problems)]
	d.effects = d.effects[:len(d.effects):len(d.effects)]

	return d
}

// writeAgain writes what is left of the messages until nothing is, or the policy ends.
func writeAgain[T any](
	ctx context.Context, sink connector.Sink[T], policy retry.Policy, messages []connector.Message[T],
	retried *atomic.Uint64,
) error {
	if len(messages) == 0 {
		return policy.Do(ctx, func(ctx context.Context) error { return sink.Write(ctx, nil) }) //nolint:wrapcheck // as below
	}
	rest := remainder[T]{messages: messages, policy: policy}
	err := policy.Do(ctx, func(ctx context.Context) error {
		left := rest.left()
		if rest.members != nil {
			retried.Add(1)
		}

		return rest.note(writeGuarded(ctx, sink, left), len(left))
	})

	return rest.result(err)
}

// remainder tracks which messages of a Write are still to be accepted. It is nil, as it
// were, until the first Write failed.
type remainder[T any] struct {
	messages []connector.Message[T]
	policy   retry.Policy
	// open are the indexes that are worth another attempt; members the fates so far.
	open    []int
	members []connector.Member
}

func (r *remainder[T]) left() []connector.Message[T] {
	if r.members == nil {
		return r.messages
	}
	left := make([]connector.Message[T], len(r.open))
	for i, at := range r.open {
		left[i] = r.messages[at]
	}

	return left
}

// note takes over the fates of a Write of n messages, and returns the error to retry by:
// that of a message which is worth another attempt.
func (r *remainder[T]) note(err error, n int) error {
	if err == nil && r.members == nil {
		return nil
	}
	if r.members == nil {
		r.members = make([]connector.Member, len(r.messages))
		r.open = make([]int, len(r.messages))
		for i := range r.open {
			r.open[i] = i
		}
	}
	var open []int
	var again error
	for i, at := range r.open {
		failure := fate(err, i, n)
		r.members[at] = member(failure)
		if failure != nil && r.policy.Retryable(failure) {
			open, again = append(open, at), failure
		}
	}
	r.open = open

	return again
}

func member(failure error) connector.Member {
	switch {
	case failure == nil:
		return connector.Member{Fate: connector.Accepted}
	case connector.ClassOf(failure) == connector.ClassAmbiguous:
		return connector.Member{Fate: connector.Unclear, Err: failure}
	default:
		return connector.Member{Fate: connector.Failed, Err: failure}
	}
}

// result is the error of the whole Write. err is why the policy ended.
func (r *remainder[T]) result(err error) error {
	if r.members == nil {
		return err
	}
	if exhausted, ok := errors.AsType[*retry.ExhaustedError](err); ok {
		for _, at := range r.open {
			r.members[at].Err = &retry.ExhaustedError{
				Attempts: exhausted.Attempts, Elapsed: exhausted.Elapsed, Err: r.members[at].Err, Cause: exhausted.Cause,
			}
		}
	}
	for _, m := range r.members {
		if m.Fate != connector.Accepted {
			return &connector.PartialError{Members: r.members}
		}
	}

	return nil
}

func timeoutError(limit time.Duration) error {
	return connector.Ambiguous(fmt.Errorf("no answer within %v: %w", limit, context.DeadlineExceeded))
}

// timedOut gives an error that came of the time-out its cause, and counts it.
func timedOut(ctx context.Context, err error, ended *atomic.Uint64) error {
	if err == nil || ctx.Err() == nil || !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		ended.Add(1)

		return context.Cause(ctx)
	}

	return err
}
