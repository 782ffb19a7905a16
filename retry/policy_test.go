package retry_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		policy retry.Policy
		want   []string // in the error; none means valid
	}{
		{"zero", retry.Policy{}, nil},
		{"smallest", retry.Policy{Attempts: 1, Initial: 1, Max: 1, Multiplier: 1, MaxElapsed: 1, MaxRetryAfter: 1}, nil},
		{"initial above max", retry.Policy{Initial: time.Second, Max: time.Second - 1}, []string{"Initial is 1s and Max is 999.999999ms"}},
		{"initial above the default max", retry.Policy{Initial: 10*time.Second + 1}, []string{"Max is 10s"}},
		{"multiplier", retry.Policy{Multiplier: 0.99}, []string{"Multiplier is 0.99"}},
		{"not a number", retry.Policy{Multiplier: math.NaN()}, []string{"Multiplier is NaN"}},
		{"infinite", retry.Policy{Multiplier: math.Inf(1)}, []string{"Multiplier is +Inf"}},
		{
			"all at once",
			retry.Policy{Attempts: -1, Initial: -1, Max: -1, Multiplier: -1, MaxElapsed: -1, MaxRetryAfter: -1},
			[]string{"Attempts is -1", "Initial is -1ns", "Max is -1ns", "Multiplier is -1", "MaxElapsed is -1ns", "MaxRetryAfter is -1ns"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.policy.Validate()
			if (err == nil) != (len(test.want) == 0) {
				t.Fatalf("error %v", err)
			}
			did := test.policy.Do(t.Context(), func(context.Context) error { return nil })
			if (did == nil) != (err == nil) {
				t.Errorf("Validate says %v, Do %v", err, did)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

func TestJitterIsFull(t *testing.T) {
	var policy retry.Policy
	interval := retry.Policy{NoJitter: true}.Delay(2, errDown)
	low, high := interval, time.Duration(0)
	for range 2000 {
		delay := policy.Delay(2, errDown)
		low, high = min(low, delay), max(high, delay)
	}
	if high > interval || high < interval*9/10 || low < 0 || low > interval/10 {
		t.Errorf("delays from %v to %v, want 0 to %v", low, high, interval)
	}
}

func TestDelayOfAnyAttempt(t *testing.T) {
	policy := retry.Policy{NoJitter: true}
	for attempt, want := range map[int]time.Duration{
		-1: 100 * time.Millisecond, 0: 100 * time.Millisecond, 1: 100 * time.Millisecond,
		4: 800 * time.Millisecond, 7: 6400 * time.Millisecond, 8: 10 * time.Second, math.MaxInt: 10 * time.Second,
	} {
		if got := policy.Delay(attempt, errDown); got != want {
			t.Errorf("attempt %d: %v, want %v", attempt, got, want)
		}
	}
}

func TestNext(t *testing.T) {
	exhausted := &retry.ExhaustedError{Attempts: 3, Err: errDown}
	tests := []struct {
		name    string
		attempt int
		elapsed time.Duration
		err     error
		again   bool
	}{
		{"first", 1, 0, errDown, true},
		{"second", 2, 0, errDown, true},
		{"last", 3, 0, errDown, false},
		{"in time", 1, time.Minute - 100*time.Millisecond, errDown, true},
		{"too late", 1, time.Minute - 100*time.Millisecond + 1, errDown, false},
		{"permanent", 1, 0, connector.Permanent(errBad), false},
		{"inner layer gave up", 1, 0, exhausted, false},
		{"ambiguous", 1, 0, connector.Ambiguous(errDown), false},
		{"transient", 1, 0, connector.Transient(errDown), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			delay, again := retry.Policy{NoJitter: true}.Next(test.attempt, test.elapsed, test.err)
			if again != test.again || again != (delay > 0) {
				t.Errorf("got %v, %v; want %v", delay, again, test.again)
			}
		})
	}
}

func TestExhaustedError(t *testing.T) {
	err := &retry.ExhaustedError{Attempts: 3, Elapsed: time.Second, Err: errDown}
	if got, want := err.Error(), "retry: gave up after 3 attempts in 1s: down"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	err = &retry.ExhaustedError{Attempts: 1, Err: errDown, Cause: context.Canceled}
	if got, want := err.Error(), "retry: gave up after 1 attempt in 0s (context canceled): down"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, errDown) || !errors.Is(err, context.Canceled) {
		t.Error("an error is not found")
	}
}
