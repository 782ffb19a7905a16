package flowtest_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// recorder is a test that is allowed to fail.
type recorder struct {
	testing.TB

	failures []string
	stopped  bool
	cleanups []func()
}

// record runs f as a test of its own and returns what it reported.
func record(t testing.TB, f func(t testing.TB)) *recorder {
	r := &recorder{TB: t}
	r.call(func() { f(r) })
	for _, cleanup := range slices.Backward(r.cleanups) {
		r.call(cleanup)
	}

	return r
}

// call runs f where Goexit ends nothing else.
func (r *recorder) call(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprint(args...)) }

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	r.stopped = true
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// wantFatal checks that the test ended with one failure that holds all the texts.
func (r *recorder) wantFatal(texts ...string) {
	r.TB.Helper()
	if !r.stopped {
		r.TB.Error("the test went on, want it to end")
	}
	r.wantError(texts...)
}

// wantError checks that there was one failure and that it holds all the texts.
func (r *recorder) wantError(texts ...string) {
	r.TB.Helper()
	if len(r.failures) != 1 {
		r.TB.Fatalf("%d failures, want 1: %q", len(r.failures), r.failures)
	}
	for _, text := range texts {
		if !strings.Contains(r.failures[0], text) {
			r.TB.Errorf("the failure lacks %q:\n%s", text, r.failures[0])
		}
	}
}

// wantPass checks that nothing failed.
func (r *recorder) wantPass() {
	r.TB.Helper()
	if len(r.failures) > 0 {
		r.TB.Errorf("the test failed: %q", r.failures)
	}
}
