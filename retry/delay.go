package retry

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/millrace-go/millrace/connector"
)

// Delay returns how long to wait after the attempt failed with err; attempts count from
// 1. A throttled error gets at least what it asks for, up to MaxRetryAfter. Delay does not
// decide whether to try again (see Retryable and Next), keeps no state and does not sleep.
func (p Policy) Delay(attempt int, err error) time.Duration {
	p = p.withDefaults()
	delay := p.interval(attempt)
	if !p.NoJitter && delay > 0 {
		delay = rand.N(delay)
	}
	if after, throttled := connector.RetryAfter(err); throttled {
		delay = max(delay, min(after, p.MaxRetryAfter))
	}

	return delay
}

// Next decides what follows the attempt that failed with err: another one after the
// delay, or none. elapsed is the time since the first failure.
func (p Policy) Next(attempt int, elapsed time.Duration, err error) (delay time.Duration, again bool) {
	p = p.withDefaults()
	if attempt >= p.Attempts || !p.Retryable(err) {
		return 0, false
	}
	delay = p.Delay(attempt, err)
	if delay > p.MaxElapsed-elapsed {
		return 0, false
	}

	return delay, true
}

// interval returns the longest delay after the attempt.
func (p Policy) interval(attempt int) time.Duration {
	exponential := backoff.ExponentialBackOff{
		InitialInterval: p.Initial,
		Multiplier:      p.Multiplier,
		MaxInterval:     p.Max,
		Clock:           noClock{},
	}
	exponential.Reset()
	interval := exponential.NextBackOff()
	for range attempt - 1 {
		next := exponential.NextBackOff()
		if next == interval {
			break
		}
		interval = next
	}

	return interval
}

// noClock stands still: the policy bounds the time itself.
type noClock struct{}

func (noClock) Now() time.Time { return time.Time{} }
