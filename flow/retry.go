package flow

import (
	"context"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

// Retry repeats what is below it, up to the sink, when it fails with an error that can
// pass. It waits on the pipeline's own goroutine, so that the order is kept. It sees
// only failures that come at once: above a batch, a broadcast, a split or anything else
// that keeps or multiplies messages the definition is refused, with the place where to
// put it instead.
func (f Flow[T]) Retry[Same Flow[T]](policy retry.Policy) Same { return Same(retried(f, policy)) }

func retried[T any](f Flow[T], policy retry.Policy) Flow[T] {
	n := passNode("retry", f.n)
	n.traits |= retries
	n.checkPolicy(policy)
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[T]), w.counter(n)

		return push[T](func(ctx context.Context, it *item, value *T) error {
			c.begin()
			meta := it.meta
			err := next(ctx, it, value)
			if err == nil {
				return nil
			}

			return again(ctx, c, policy, err, func(ctx context.Context) error {
				it.meta, it.outcome = meta, connector.Pending

				return next(ctx, it, value)
			})
		})
	}

	return Flow[T]{n: n}
}

// again repeats try, which has failed with err, as the policy says.
func again(
	ctx context.Context, c *counter, policy retry.Policy, err error, try func(context.Context) error,
) error {
	if c.lane.run.stopped(err) {
		return err
	}

	return doAgain(ctx, policy, err, func(ctx context.Context) error {
		c.station.retried.Add(1)

		return try(ctx)
	})
}

// doAgain is policy.Do after a first attempt that failed with err, or, with nil, was not made.
func doAgain(ctx context.Context, policy retry.Policy, err error, try func(context.Context) error) error {
	return policy.Do(ctx, func(ctx context.Context) error { //nolint:wrapcheck // it is the user's own, or names its place
		if failed := err; failed != nil {
			err = nil

			return failed
		}

		return try(ctx)
	})
}

// checkPolicy notes what is wrong with the policy, and shows it.
func (n *node) checkPolicy(policy retry.Policy) {
	n.uses(policyPlan(policy))
}

func policyPlan(policy retry.Policy) ([]Option, []string) {
	attempts := orDefault(policy.Attempts, retry.DefaultAttempts)
	options := []Option{option("retry", fmt.Sprintf("%d attempts", attempts))}
	if err := policy.Validate(); err != nil {
		return options, []string{fmt.Sprintf("the retry policy is wrong: %v", err)}
	}
	if attempts == 1 {
		return options, []string{"a retry policy with one attempt has no effect: remove it or allow more"}
	}

	return options, nil
}
