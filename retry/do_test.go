package retry_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/retry"
)

var (
	errDown = errors.New("down")
	errBad  = errors.New("bad input")
	errStop = errors.New("shutting down")
)

// failing returns work that gives the errors one after the other and then succeeds.
func failing(calls *int, errs ...error) func(context.Context) error {
	return func(context.Context) error {
		*calls++
		if *calls <= len(errs) {
			return errs[*calls-1]
		}

		return nil
	}
}

func TestDo(t *testing.T) {
	timeout := connector.Ambiguous(errDown)
	wait := func(d time.Duration) error { return connector.Throttled(errDown, d) }
	tests := []struct {
		name   string
		policy retry.Policy
		errs   []error
		calls  int
		took   time.Duration
		gaveUp bool // with an ExhaustedError
		want   error
	}{
		{name: "success", calls: 1},
		{name: "second attempt", errs: []error{errDown}, calls: 2, took: 100 * time.Millisecond},
		{name: "third attempt", errs: []error{errDown, errDown}, calls: 3, took: 300 * time.Millisecond},
		{
			name: "exhausted", errs: []error{errBad, errBad, errDown, nil},
			calls: 3, took: 300 * time.Millisecond, gaveUp: true, want: errDown,
		},
		{name: "permanent", errs: []error{connector.Permanent(errBad)}, calls: 1, want: errBad},
		{
			name: "permanent later", errs: []error{errDown, connector.Permanent(errBad)},
			calls: 2, took: 100 * time.Millisecond, want: errBad,
		},
		{name: "ambiguous", errs: []error{timeout}, calls: 1, want: errDown},
		{
			name: "ambiguous and idempotent", policy: retry.Policy{Idempotent: true}, errs: []error{timeout},
			calls: 2, took: 100 * time.Millisecond,
		},
		{name: "deadline of the work", errs: []error{context.DeadlineExceeded}, calls: 1, want: context.DeadlineExceeded},
		{name: "single attempt", policy: retry.Policy{Attempts: 1}, errs: []error{errDown}, calls: 1, want: errDown},
		{name: "throttled", errs: []error{wait(5 * time.Second)}, calls: 2, took: 5 * time.Second},
		{name: "throttled below the interval", errs: []error{wait(time.Millisecond)}, calls: 2, took: 100 * time.Millisecond},
		{name: "throttled at the cap", errs: []error{wait(30 * time.Second)}, calls: 2, took: 30 * time.Second},
		{name: "throttled beyond the cap", errs: []error{wait(2 * time.Hour)}, calls: 2, took: 30 * time.Second},
		{
			name: "cap set", policy: retry.Policy{MaxRetryAfter: time.Second}, errs: []error{wait(time.Hour)},
			calls: 2, took: time.Second,
		},
		{
			name: "intervals", policy: retry.Policy{Attempts: 5, Initial: time.Second, Multiplier: 3, Max: 5 * time.Second},
			errs: []error{errDown, errDown, errDown, errDown}, calls: 5, took: (1 + 3 + 5 + 5) * time.Second,
		},
		{
			name: "elapsed at the bound", policy: retry.Policy{MaxElapsed: 300 * time.Millisecond},
			errs: []error{errDown, errDown}, calls: 3, took: 300 * time.Millisecond,
		},
		{
			name: "elapsed beyond the bound", policy: retry.Policy{MaxElapsed: 300*time.Millisecond - 1},
			errs: []error{errBad, errDown}, calls: 2, took: 100 * time.Millisecond, gaveUp: true, want: errDown,
		},
		{
			name: "classified", policy: retry.Policy{Classify: func(error) connector.Class { return connector.ClassPermanent }},
			errs: []error{errDown}, calls: 1, want: errDown,
		},
		{
			name: "class nobody knows", policy: retry.Policy{Classify: func(error) connector.Class { return 99 }},
			errs: []error{errDown}, calls: 1, want: errDown,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, start := 0, time.Now()
				test.policy.NoJitter = true
				err := test.policy.Do(t.Context(), failing(&calls, test.errs...))
				if calls != test.calls || time.Since(start) != test.took {
					t.Errorf("%d calls in %v, want %d in %v", calls, time.Since(start), test.calls, test.took)
				}
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				exhausted, gaveUp := errors.AsType[*retry.ExhaustedError](err)
				if gaveUp != test.gaveUp {
					t.Fatalf("error %#v, want an ExhaustedError: %v", err, test.gaveUp)
				}
				if gaveUp && (exhausted.Attempts != test.calls || exhausted.Elapsed != test.took || exhausted.Cause != nil) {
					t.Errorf("gave up with %#v", exhausted)
				}
			})
		})
	}
}

func TestContextIsCheckedFirst(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	calls := 0
	err := retry.Policy{}.Do(ctx, failing(&calls))
	if calls != 0 || !errors.Is(err, context.Canceled) || !errors.Is(err, errStop) {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func TestNoSleepPastTheDeadline(t *testing.T) {
	tests := []struct {
		name    string
		timeout time.Duration
		calls   int
	}{
		{"one beyond", 100*time.Millisecond + 1, 2},
		{"at the end of the sleep", 100 * time.Millisecond, 1},
		{"before it", 50 * time.Millisecond, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				calls, start := 0, time.Now()
				err := retry.Policy{NoJitter: true}.Do(ctx, failing(&calls, errDown, errDown, errDown))
				if calls != test.calls || time.Since(start) != time.Duration(calls-1)*100*time.Millisecond {
					t.Errorf("%d calls in %v, want %d", calls, time.Since(start), test.calls)
				}
				if !errors.Is(err, errDown) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v: want the last error and the deadline", err)
				}
				if class := connector.ClassOf(err); class != connector.ClassTransient {
					t.Errorf("class %v: nothing that failed was ambiguous", class)
				}
			})
		})
	}
}

func TestCancelDuringSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(30*time.Millisecond, func() { cancel(errStop) })
		calls, start := 0, time.Now()
		err := retry.Policy{NoJitter: true}.Do(ctx, failing(&calls, errDown))
		if calls != 1 || time.Since(start) != 30*time.Millisecond {
			t.Errorf("%d calls in %v", calls, time.Since(start))
		}
		for _, want := range []error{errDown, errStop, context.Canceled} {
			if !errors.Is(err, want) {
				t.Errorf("error %v: want %v in it", err, want)
			}
		}
	})
}

func TestCancelDuringAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calls := 0
		err := retry.Policy{NoJitter: true}.Do(ctx, func(ctx context.Context) error {
			if calls++; calls == 1 {
				return connector.Transient(errDown)
			}
			<-ctx.Done()

			return ctx.Err()
		})
		if calls != 2 || !errors.Is(err, errDown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d calls, error %v: want both errors", calls, err)
		}
		if class := connector.ClassOf(err); class != connector.ClassAmbiguous {
			t.Errorf("class %v: the interrupted attempt may have had its effect", class)
		}
	})
}

func TestCancelDuringFirstAttempt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := retry.Policy{}.Do(ctx, func(ctx context.Context) error {
		cancel()

		return ctx.Err()
	})
	if err != context.Canceled { //nolint:errorlint // the error itself
		t.Errorf("error %v: want it as it was", err)
	}
}

func TestRealErrorOfCancelledAttempt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := retry.Policy{}.Do(ctx, func(context.Context) error {
		calls++
		cancel()

		return errDown
	})
	if calls != 1 || !errors.Is(err, errDown) || !errors.Is(err, context.Canceled) {
		t.Errorf("%d calls, error %v: want the error and the cancellation", calls, err)
	}
}

func TestLayersDoNotMultiply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var policy retry.Policy
		calls := 0
		err := policy.Do(t.Context(), func(ctx context.Context) error {
			return policy.Do(ctx, func(ctx context.Context) error {
				return policy.Do(ctx, func(context.Context) error {
					calls++

					return errDown
				})
			})
		})
		if calls != 3 || !errors.Is(err, errDown) {
			t.Errorf("%d calls, error %v; want 3", calls, err)
		}
	})
}

func TestPanicPassesThrough(t *testing.T) {
	defer func() {
		if got := recover(); got != "boom" {
			t.Errorf("recovered %v", got)
		}
	}()
	_ = retry.Policy{}.Do(t.Context(), func(context.Context) error { panic("boom") })
}

func TestInvalidPolicy(t *testing.T) {
	calls := 0
	err := retry.Policy{Attempts: -1}.Do(t.Context(), failing(&calls))
	if calls != 0 || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func TestValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		work := func(context.Context) (int, error) {
			if calls++; calls < 3 {
				return -calls, errDown
			}

			return calls, nil
		}
		if got, err := (retry.Policy{}).Value(t.Context(), work); got != 3 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		calls = 0
		if got, err := (retry.Policy{Attempts: 2}).Value(t.Context(), work); got != 0 || err == nil {
			t.Errorf("got %d, %v; want the zero value and an error", got, err)
		}
	})
}

func TestSuccessAllocatesNothing(t *testing.T) {
	var policy retry.Policy
	ctx, calls := t.Context(), 0
	work := func(context.Context) error { calls++; return nil }
	value := func(context.Context) (int, error) { calls++; return calls, nil }
	if n := testing.AllocsPerRun(100, func() { _ = policy.Do(ctx, work) }); n != 0 {
		t.Errorf("Do: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = policy.Value(ctx, value) }); n != 0 {
		t.Errorf("Value: %v allocations", n)
	}
}

func BenchmarkDo(b *testing.B) {
	var policy retry.Policy
	work := func(context.Context) error { return nil }
	for b.Loop() {
		_ = policy.Do(b.Context(), work)
	}
}

func TestLongestIntervals(t *testing.T) {
	policy := retry.Policy{Initial: math.MaxInt64, Max: math.MaxInt64, MaxElapsed: math.MaxInt64}
	if err := policy.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, again := policy.Next(1, math.MaxInt64, errDown); again {
		t.Error("tries again after the end of time")
	}
	if delay := policy.Delay(math.MaxInt, errDown); delay < 0 {
		t.Errorf("delay %v", delay)
	}
}
