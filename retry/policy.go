package retry

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Defaults of a Policy.
const (
	DefaultAttempts      = 3
	DefaultInitial       = 100 * time.Millisecond
	DefaultMax           = 10 * time.Second
	DefaultMultiplier    = 2.0
	DefaultMaxElapsed    = time.Minute
	DefaultMaxRetryAfter = 30 * time.Second
)

// Policy says what is tried again, how often and after which delays. Every field may stay
// zero.
type Policy struct {
	// Attempts is how often the work is done at most, the first time included; default 3,
	// and 1 means no retry.
	Attempts int
	// Initial is the interval after the first failure; default 100 ms.
	Initial time.Duration
	// Max bounds the interval; default 10 s.
	Max time.Duration
	// Multiplier is by how much the interval grows with each failure, at least 1;
	// default 2.
	Multiplier float64
	// NoJitter waits exactly the interval. By default the delay is chosen at random
	// between zero and the interval, so that callers that failed together do not come
	// back together.
	NoJitter bool
	// MaxElapsed bounds the time from the first failure to the start of the last attempt;
	// default 1 min.
	MaxElapsed time.Duration
	// MaxRetryAfter bounds the delay that a throttled error can ask for; default 30 s.
	MaxRetryAfter time.Duration
	// Idempotent says that doing the work twice has the effect of doing it once. Only
	// then is an ambiguous error, a time-out for one, tried again: where it is not true,
	// a retry can charge a customer twice. Default false.
	Idempotent bool
	// Classify says what trying again can do about an error; default connector.ClassOf.
	// It must be safe for concurrent use.
	Classify func(error) connector.Class
}

// Validate returns everything that is wrong with the policy, as one error; nil when it
// can be used.
func (p Policy) Validate() error {
	full := p.withDefaults()
	var errs []error
	if p.Attempts < 0 {
		errs = append(errs, fmt.Errorf("retry: Attempts is %d: want 1 or more, or 0 for %d", p.Attempts, DefaultAttempts))
	}
	if !(full.Multiplier >= 1) || math.IsInf(full.Multiplier, 0) {
		errs = append(errs, fmt.Errorf("retry: Multiplier is %v: want 1 or more", p.Multiplier))
	}
	errs = appendNegative(errs, "Initial", p.Initial)
	errs = appendNegative(errs, "Max", p.Max)
	errs = appendNegative(errs, "MaxElapsed", p.MaxElapsed)
	errs = appendNegative(errs, "MaxRetryAfter", p.MaxRetryAfter)
	if full.Initial > full.Max {
		errs = append(errs, fmt.Errorf("retry: Initial is %v and Max is %v: want Max to be the larger", full.Initial, full.Max))
	}

	return errors.Join(errs...)
}

// sound reports whether Validate has nothing to say of the policy. It is asked before every first attempt,
// so it makes no copy and no error.
func sound(p *Policy) bool {
	return p.Attempts >= 0 && min(p.Initial, p.Max, p.MaxElapsed, p.MaxRetryAfter) >= 0 &&
		(p.Multiplier == 0 || p.Multiplier >= 1 && p.Multiplier <= math.MaxFloat64) &&
		orDefault(p.Initial, DefaultInitial) <= orDefault(p.Max, DefaultMax)
}

// Retryable reports whether the policy tries again after err, as far as the error goes.
func (p Policy) Retryable(err error) bool {
	if _, exhausted := errors.AsType[*ExhaustedError](err); exhausted {
		return false
	}
	switch p.classify(err) {
	case connector.ClassPermanent:
		return false
	case connector.ClassAmbiguous:
		return p.Idempotent
	case connector.ClassUnknown, connector.ClassTransient, connector.ClassThrottled:
		return true
	default:
		return false
	}
}

func (p Policy) classify(err error) connector.Class {
	if p.Classify == nil {
		return connector.ClassOf(err)
	}

	return p.Classify(err)
}

// withDefaults returns a copy in which no zero is left that means a default.
func (p Policy) withDefaults() Policy {
	p.Attempts = orDefault(p.Attempts, DefaultAttempts)
	p.Initial = orDefault(p.Initial, DefaultInitial)
	p.Max = orDefault(p.Max, DefaultMax)
	p.Multiplier = orDefault(p.Multiplier, DefaultMultiplier)
	p.MaxElapsed = orDefault(p.MaxElapsed, DefaultMaxElapsed)
	p.MaxRetryAfter = orDefault(p.MaxRetryAfter, DefaultMaxRetryAfter)

	return p
}

func orDefault[T comparable](value, def T) T {
	var zero T
	if value == zero {
		return def
	}

	return value
}

func appendNegative(errs []error, field string, d time.Duration) []error {
	if d >= 0 {
		return errs
	}

	return append(errs, fmt.Errorf("retry: %s is %v: want more than 0, or 0 for the default", field, d))
}
