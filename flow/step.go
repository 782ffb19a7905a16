package flow

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

// Step is one request with one reply, and the policies round it. It is immutable: each
// method returns a new step that wraps what is above, so the policy written last is
// outermost. (Policies of a Flow are the other way round: they govern what is below
// them.) A Step is a [connector.Caller], so a unit test calls it, a Flow runs it on each
// message with Do or Enrich, and an HTTP handler serves it. Call is safe for concurrent
// use if the caller inside is.
type Step[In, Out any] struct {
	name     string
	call     func(context.Context, In) (Out, error)
	counts   *calls
	options  []Option
	problems []string
	// retried is shared by a Retry and the policies round it.
	retried *atomic.Uint64
	effects []policyEffect
}

// Ask makes a step of a caller.
func Ask[In, Out any](name string, caller connector.Caller[In, Out]) Step[In, Out] {
	s := Step[In, Out]{name: name, counts: new(calls)}
	if caller == nil {
		s.problems = append(s.problems, "the caller is nil: pass a connector.Caller")

		return s
	}
	s.call = caller.Call

	return s
}

// Func makes a step of a function.
func Func[In, Out any](name string, fn func(context.Context, In) (Out, error)) Step[In, Out] {
	if fn == nil {
		return Ask[In, Out](name, nil)
	}

	return Ask(name, connector.CallerFunc[In, Out](fn))
}

// CallLedger counts what became of every call of a step: Calls = Replied + Failed +
// Rejected + Cancelled + InFlight, whenever nothing runs.
type CallLedger struct {
	Calls   int64 `json:"calls"`
	Replied int64 `json:"replied"`
	Failed  int64 `json:"failed"`
	// Rejected requests were not valid, or wrong in another way that will not change.
	Rejected int64 `json:"rejected"`
	// Cancelled calls ended because their caller gave up.
	Cancelled int64 `json:"cancelled"`
	InFlight  int64 `json:"in_flight"`
}

// Balanced reports whether every call has ended in one way or is in flight.
func (l CallLedger) Balanced() bool {
	return l.Calls == l.Replied+l.Failed+l.Rejected+l.Cancelled+l.InFlight
}

type calls struct{ started, replied, failed, rejected, cancelled, inFlight atomic.Int64 }

// Ledger counts the calls of this very step. A step that wraps it has a ledger of its own.
func (s Step[In, Out]) Ledger() CallLedger {
	if s.counts == nil {
		return CallLedger{}
	}

	return CallLedger{
		InFlight:  s.counts.inFlight.Load(),
		Replied:   s.counts.replied.Load(),
		Failed:    s.counts.failed.Load(),
		Rejected:  s.counts.rejected.Load(),
		Cancelled: s.counts.cancelled.Load(),
		Calls:     s.counts.started.Load(),
	}
}

// Name returns the step's name.
func (s Step[In, Out]) Name() string { return s.name }

// Describe declares the step's name as that of its endpoint.
func (s Step[In, Out]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: s.name}
}

// Retried counts the attempts beyond the first that the Retry nearest to the outside has
// made; 0 for a step without Retry.
func (s Step[In, Out]) Retried() uint64 {
	if s.retried == nil {
		return 0
	}

	return s.retried.Load()
}

// Check returns what is wrong with the definition of the step, or nil. Call returns it too.
func (s Step[In, Out]) Check() error {
	var errs []error
	if s.counts == nil {
		errs = append(errs, errors.New(zeroStep))
	}
	if s.name == "" {
		errs = append(errs, errors.New("the step has no name"))
	}
	for _, p := range s.problems {
		errs = append(errs, errors.New(p))
	}
	if len(errs) == 0 {
		return nil
	}

	return connector.Permanent(fmt.Errorf("step %s: %w", s.name, errors.Join(errs...)))
}

func (s Step[In, Out]) plan() ([]Option, []string) {
	if err := s.Check(); err != nil {
		return s.options, []string{err.Error()}
	}

	return s.options, nil
}

func (s Step[In, Out]) policyEffects() []policyEffect { return s.effects }

// Call sends one request under the step's policies. Errors are *[StepError]s. A panic of
// the caller inside is an error.
func (s Step[In, Out]) Call(ctx context.Context, in In) (Out, error) {
	var none Out
	if err := s.Check(); err != nil {
		return none, err
	}
	s.counts.started.Add(1)
	s.counts.inFlight.Add(1)
	err := errGoexit // which it stays if the goroutine ends inside
	defer func() { s.counts.ended(ctx, err) }()
	var out Out
	if out, err = s.invoke(ctx, in); err != nil {
		return none, &StepError{Step: s.name, Err: err}
	}

	return out, nil
}

func (c *calls) ended(ctx context.Context, err error) {
	c.inFlight.Add(-1)
	switch {
	case err == nil:
		c.replied.Add(1)
	case errors.Is(ctx.Err(), context.Canceled):
		c.cancelled.Add(1)
	case connector.ClassOf(err) == connector.ClassPermanent:
		c.rejected.Add(1)
	default:
		c.failed.Add(1)
	}
}

// invoke calls what is inside, turning a panic into an error.
func (s Step[In, Out]) invoke(ctx context.Context, in In) (out Out, err error) {
	err = guard(func() error {
		var failure error
		out, failure = s.call(ctx, in)

		return failure
	})

	return out, err
}

// StepError is why a call failed, with the name of the step.
type StepError struct {
	Step string
	Err  error
}

// Error names the step and the cause.
func (e *StepError) Error() string { return fmt.Sprintf("step %s: %v", e.Step, e.Err) }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

const zeroStep = "a zero Step: make one with Ask, Func or Gather"

// wrap returns a step with the same name and another call.
func wrap[In, Out, In2, Out2 any](
	s Step[In, Out], call func(context.Context, In2) (Out2, error), options ...Option,
) Step[In2, Out2] {
	wrapped := Step[In2, Out2]{
		name:     s.name,
		call:     call,
		counts:   new(calls),
		options:  append(s.options[:len(s.options):len(s.options)], options...),
		problems: s.problems[:len(s.problems):len(s.problems)],
		retried:  s.retried,
		effects:  s.effects[:len(s.effects):len(s.effects)],
	}

	return wrapped.require(s.counts != nil, zeroStep)
}

// As gives the step another name.
func (s Step[In, Out]) As(name string) Step[In, Out] {
	s = wrap(s, s.call)
	s.name = name

	return s
}

// Then sends the reply on to another step.
func (s Step[In, Out]) Then[Next any](next Step[Out, Next]) Step[In, Next] {
	both := wrap(s, func(ctx context.Context, in In) (Next, error) {
		out, err := s.invoke(ctx, in)
		if err != nil {
			var none Next

			return none, err
		}

		return next.Call(ctx, out)
	}, option("then", next.name))
	if err := next.Check(); err != nil {
		both.problems = append(both.problems, err.Error())
	}

	return both
}

// Map changes the reply.
func (s Step[In, Out]) Map[Next any](fn func(context.Context, Out) (Next, error)) Step[In, Next] {
	mapped := wrap(s, func(ctx context.Context, in In) (Next, error) {
		out, err := s.invoke(ctx, in)
		if err != nil {
			var none Next

			return none, err
		}

		return fn(ctx, out)
	})

	return mapped.require(fn != nil, "Map was given a nil function")
}

// Adapt changes the request: the new step takes another type of request.
func (s Step[In, Out]) Adapt[Req any](fn func(context.Context, Req) (In, error)) Step[Req, Out] {
	adapted := wrap(s, func(ctx context.Context, req Req) (Out, error) {
		in, err := fn(ctx, req)
		if err != nil {
			var none Out

			return none, err
		}

		return s.invoke(ctx, in)
	})

	return adapted.require(fn != nil, "Adapt was given a nil function")
}

// Validate refuses requests that are not valid, as Flow.Validate does.
func (s Step[In, Out]) Validate(checks ...func(In) error) Step[In, Out] {
	check := validating(checks)
	v := wrap(s, func(ctx context.Context, in In) (Out, error) {
		if _, err := check(ctx, in); err != nil {
			var none Out

			return none, err
		}

		return s.invoke(ctx, in)
	})
	text := untagged(reflect.TypeFor[In](), len(checks))
	v = v.require(text == "", text)
	for i, check := range checks {
		v = v.require(check != nil, fmt.Sprintf("check %d is nil", i+1))
	}

	return v
}

// Timeout bounds what is above it. Running out of time is ambiguous: the effect may have
// happened. A nearer deadline of the caller's context is left as it is.
func (s Step[In, Out]) Timeout(limit time.Duration) Step[In, Out] {
	ended := new(atomic.Uint64)
	t := wrap(s, func(ctx context.Context, in In) (Out, error) {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= limit {
			return s.invoke(ctx, in)
		}
		ctx, cancel := context.WithTimeoutCause(ctx, limit, timeoutError(limit))
		defer cancel()
		out, err := s.invoke(ctx, in)

		return out, timedOut(ctx, err, ended)
	}, option("timeout", limit))
	t.effects = append(t.effects, policyEffect{"timeout", ended})

	return t.require(limit > 0, fmt.Sprintf("Timeout(%v): want more than 0", limit))
}

// Retry calls what is above it again when it fails with an error that can pass. A call
// whose effect may have happened is repeated only if the policy is Idempotent.
func (s Step[In, Out]) Retry(policy retry.Policy) Step[In, Out] {
	options, problems := policyPlan(policy)
	retried := new(atomic.Uint64)
	r := wrap(s, func(ctx context.Context, in In) (Out, error) {
		first := true

		return policy.Value(ctx, func(ctx context.Context) (Out, error) {
			if !first {
				retried.Add(1)
			}
			first = false

			return s.invoke(ctx, in)
		})
	}, options...)
	r.retried = retried
	r.effects = append(r.effects, policyEffect{"retry", retried})
	r.problems = append(r.problems, problems...)

	return r
}

// Fallback replies for what is above it when that failed. It gets the request and the
// error, and may fail itself. A call that its caller cancelled does not fall back.
func (s Step[In, Out]) Fallback(reply func(context.Context, In, error) (Out, error)) Step[In, Out] {
	used := new(atomic.Uint64)
	f := wrap(s, func(ctx context.Context, in In) (Out, error) {
		out, err := s.invoke(ctx, in)
		if err == nil || ctx.Err() != nil {
			return out, err
		}
		used.Add(1)

		return reply(ctx, in, err)
	}, option("fallback", true))
	f.effects = append(f.effects, policyEffect{"fallback", used})

	return f.require(reply != nil, "Fallback was given a nil function")
}

func (s Step[In, Out]) require(ok bool, text string) Step[In, Out] {
	if !ok {
		s.problems = append(s.problems, text)
	}

	return s
}
