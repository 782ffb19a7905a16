package conntest

import (
	"context"
	"reflect"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// suite runs the cases of one endpoint.
type suite struct {
	t       *testing.T
	virtual bool
	wait    time.Duration
}

// newSuite checks the harness: each need that is false is named in the failure.
func newSuite(t *testing.T, virtual bool, wait time.Duration, needs map[string]bool) suite {
	t.Helper()
	for field, given := range needs {
		if !given {
			t.Fatalf("conntest: the harness lacks %s", field)
		}
	}
	switch {
	case virtual:
		wait = 24 * time.Hour
	case wait == 0:
		wait = 5 * time.Second
	}

	return suite{t: t, virtual: virtual, wait: wait}
}

// unit is a time that is long against what the endpoint does without waiting.
func (s suite) unit() time.Duration {
	if s.virtual {
		return time.Minute
	}

	return 200 * time.Millisecond
}

// run runs one case, unless missing says what the endpoint lacks for it.
func (s suite) run(name, missing string, body func(t *testing.T)) {
	s.t.Run(name, func(t *testing.T) {
		switch {
		case missing != "":
			t.Skip("not declared: " + missing)
		case s.virtual:
			synctest.Test(t, body)
		default:
			body(t)
		}
	})
}

// probe looks at the endpoint before the cases. It is no case itself, so that go test -run
// cannot leave it out.
func (s suite) probe(f func(t *testing.T)) {
	if s.virtual {
		synctest.Test(s.t, f)
	} else {
		f(s.t)
	}
}

// context bounds what should happen at once.
func (s suite) context(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), s.wait)
	t.Cleanup(cancel)

	return ctx
}

// unless returns the reason when the condition for a case does not hold.
func unless(holds bool, missing string) string {
	if holds {
		return ""
	}

	return missing
}

// ended returns a context that is cancelled already.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	return ctx
}

// ending returns a context that reaches its deadline while something waits.
func (s suite) ending(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), s.unit())
	t.Cleanup(cancel)

	return ctx
}

// pause lets time pass.
func pause(t *testing.T, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// described checks what an endpoint says of itself and returns it.
func described(t *testing.T, endpoint any) connector.Capabilities {
	t.Helper()
	caps := connector.Describe(endpoint)
	if _, ok := endpoint.(connector.Describer); ok && caps.Name == "" {
		t.Error("Describe gives no Name")
	}
	if again := connector.Describe(endpoint); again != caps {
		t.Errorf("Describe changed from %+v to %+v", caps, again)
	}

	return caps
}

// steady fails when cycle leaves goroutines behind, more with each time it runs.
func (s suite) steady(t *testing.T, cycle func()) {
	t.Helper()
	const cycles = 10
	cycle() // what is made once and kept, a connection for one, does not count
	before := runtime.NumGoroutine()
	for range cycles {
		cycle()
	}
	left := 0
	for deadline := time.Now().Add(s.wait); time.Now().Before(deadline); pause(t, s.wait/100) {
		// Goroutines of an earlier case may still have been counted before.
		if left = runtime.NumGoroutine() - before; left <= cycles/2 {
			return
		}
	}
	t.Errorf("%d goroutines more after %d times", left, cycles)
}

// same compares two values with the harness's function or else with reflect.DeepEqual.
func same[T any](equal func(a, b T) bool, a, b T) bool {
	if equal == nil {
		return reflect.DeepEqual(a, b)
	}

	return equal(a, b)
}

// sameValues compares values in order.
func sameValues[T any](t *testing.T, equal func(a, b T) bool, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d values, want %d: %v and %v", len(got), len(want), got, want)

		return
	}
	for i := range got {
		if !same(equal, got[i], want[i]) {
			t.Errorf("value %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// sameSet compares values in any order.
func sameSet[T any](t *testing.T, equal func(a, b T) bool, got, want []T) {
	t.Helper()
	used := make([]bool, len(got))
	for _, w := range want {
		if at := unused(equal, got, used, w); at >= 0 {
			used[at] = true
		} else {
			t.Errorf("value %v is missing", w)
		}
	}
	for i := range got {
		if !used[i] {
			t.Errorf("value %v is one too many", got[i])
		}
	}
}

func unused[T any](equal func(a, b T) bool, values []T, used []bool, want T) int {
	for i := range values {
		if !used[i] && same(equal, values[i], want) {
			return i
		}
	}

	return -1
}

func values[T any](value func(int) T, n int) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = value(i)
	}

	return list
}
