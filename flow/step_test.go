package flow_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// TestCallLedger: each call ends in exactly one way.
func TestCallLedger(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		want flow.CallLedger
	}{
		{"replied", t.Context(), nil, flow.CallLedger{Calls: 1, Replied: 1}},
		{"failed", t.Context(), errBad, flow.CallLedger{Calls: 1, Failed: 1}},
		{"failed for a time", t.Context(), connector.Transient(errBad), flow.CallLedger{Calls: 1, Failed: 1}},
		{"perhaps done", t.Context(), connector.Ambiguous(errBad), flow.CallLedger{Calls: 1, Failed: 1}},
		{"rejected", t.Context(), connector.Permanent(errBad), flow.CallLedger{Calls: 1, Rejected: 1}},
		{"cancelled", cancelled, context.Canceled, flow.CallLedger{Calls: 1, Cancelled: 1}},
		{"cancelled, with an error of its own", cancelled, errBad, flow.CallLedger{Calls: 1, Cancelled: 1}},
		{"replied although cancelled", cancelled, nil, flow.CallLedger{Calls: 1, Replied: 1}},
		{"cancelled by somebody else", t.Context(), context.Canceled, flow.CallLedger{Calls: 1, Failed: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := flow.Func("s", func(context.Context, int) (int, error) { return 1, test.err })
			out, err := s.Call(test.ctx, 0)
			if !errors.Is(err, test.err) || (err == nil) != (out == 1) {
				t.Errorf("replied %d, %v", out, err)
			}
			if at, ok := errors.AsType[*flow.StepError](err); (err != nil) && (!ok || at.Step != "s") {
				t.Errorf("error %v, want a *StepError of s", err)
			}
			if got := s.Ledger(); got != test.want || !got.Balanced() {
				t.Errorf("ledger %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestCallLedgerInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, release := memory.NewCaller(same), make(chan struct{})
		caller.Script(memory.Block(release).Always())
		s := flow.Ask("slow", caller)
		outer := s.Timeout(time.Hour)
		var calls sync.WaitGroup
		for i := range 5 {
			calls.Go(func() { _, _ = outer.Call(t.Context(), i) })
		}
		synctest.Wait()
		if got, want := outer.Ledger(), (flow.CallLedger{Calls: 5, InFlight: 5}); got != want || !got.Balanced() {
			t.Errorf("ledger %+v, want %+v", got, want)
		}
		close(release)
		calls.Wait()
		if got, want := outer.Ledger(), (flow.CallLedger{Calls: 5, Replied: 5}); got != want {
			t.Errorf("ledger %+v, want %+v", got, want)
		}
		if got := s.Ledger(); got != (flow.CallLedger{}) {
			t.Errorf("the step inside was called for itself: %+v", got)
		}
	})
}

func TestUnbalancedCallLedger(t *testing.T) {
	if (flow.CallLedger{Calls: 2, Replied: 1}).Balanced() {
		t.Error("a call without an end balances")
	}
	if got := (flow.Step[int, int]{}).Ledger(); got != (flow.CallLedger{}) {
		t.Errorf("the ledger of a zero Step is %+v", got)
	}
}

// TestWrongStepIsNotCalled: Check and Call say the same, all of it at once.
func TestWrongStepIsNotCalled(t *testing.T) {
	called := false
	s := flow.Func("", func(_ context.Context, n int) (int, error) { called = true; return n, nil }).
		Timeout(-1).Retry(retry.Policy{Attempts: 1}).Fallback(nil).Map[int](nil).Adapt[int](nil)
	err := s.Check()
	for _, want := range []string{"no name", "Timeout(-1ns)", "one attempt", "Fallback was given", "Map was given", "Adapt was given"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check returned %v, want %q in it", err, want)
		}
	}
	_, again := s.Call(t.Context(), 1)
	if again == nil || again.Error() != err.Error() || connector.ClassOf(again) != connector.ClassPermanent || called {
		t.Errorf("Call returned %v, called %v", again, called)
	}
	if got := s.Ledger(); got != (flow.CallLedger{}) {
		t.Errorf("ledger %+v", got)
	}
}

func TestStepPanics(t *testing.T) {
	boom := errors.New("boom")
	panicking := func(context.Context, int) (int, error) { panic(boom) }
	tests := map[string]flow.Step[int, int]{
		"caller":   flow.Func("s", panicking),
		"timeout":  flow.Func("s", panicking).Timeout(time.Hour),
		"map":      flow.Func("s", same).Map(panicking),
		"adapt":    flow.Func("s", same).Adapt(panicking),
		"then":     flow.Func("s", same).Then(flow.Func("next", panicking)),
		"fallback": flow.Func("s", failAt(1)).Fallback(func(context.Context, int, error) (int, error) { panic(boom) }),
		"validate": flow.Func("s", same).Validate(func(int) error { panic(boom) }),
		"retry":    flow.Func("s", panicking).Retry(retry.Policy{}),
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := s.Call(t.Context(), 1)
			panicked, ok := errors.AsType[*flow.PanicError](err)
			if !ok || !errors.Is(err, boom) || !strings.Contains(string(panicked.Stack), "step_test.go") {
				t.Errorf("error %v", err)
			}
			if got := s.Ledger(); got.Rejected != 1 || !got.Balanced() {
				t.Errorf("ledger %+v", got)
			}
		})
	}
}

func TestGoexitInAStepIsCounted(t *testing.T) {
	s := flow.Func("s", func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil })
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.Call(context.Background(), 1)
	}()
	<-done
	if got := s.Ledger(); got.Failed+got.Rejected != 1 || !got.Balanced() || got.InFlight != 0 {
		t.Errorf("ledger %+v", got)
	}
}

func TestStepTimeout(t *testing.T) {
	slow := func(ctx context.Context, n int) (int, error) {
		select {
		case <-time.After(time.Duration(n) * time.Second):
			return n, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	bubble(t, "in time", func(t *testing.T) {
		if n, err := flow.Func("s", slow).Timeout(2*time.Second).Call(t.Context(), 1); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	bubble(t, "too late", func(t *testing.T) {
		began := time.Now()
		_, err := flow.Func("s", slow).Timeout(2*time.Second).Call(t.Context(), 3)
		if time.Since(began) != 2*time.Second || !errors.Is(err, context.DeadlineExceeded) ||
			connector.ClassOf(err) != connector.ClassAmbiguous || !strings.Contains(err.Error(), "no answer within 2s") {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
	bubble(t, "own error stays", func(t *testing.T) {
		s := flow.Func("s", func(context.Context, int) (int, error) { time.Sleep(3 * time.Second); return 0, errBad })
		if _, err := s.Timeout(time.Second).Call(t.Context(), 1); !errors.Is(err, errBad) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
	bubble(t, "nearer deadline of the caller", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := flow.Func("s", slow).Timeout(time.Minute).Call(ctx, 3)
		if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "within 1m") {
			t.Errorf("error %v", err)
		}
	})
	bubble(t, "later deadline of the caller", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := flow.Func("s", slow).Timeout(time.Second).Call(ctx, 3); err == nil || !strings.Contains(err.Error(), "within 1s") {
			t.Errorf("error %v", err)
		}
	})
	bubble(t, "cancelled by the caller", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		s := flow.Func("s", slow).Timeout(time.Minute)
		if _, err := s.Call(ctx, 30); !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || s.Ledger().Cancelled != 1 {
			t.Errorf("error %v, ledger %+v", err, s.Ledger())
		}
	})
}

func TestFallback(t *testing.T) {
	instead := func(_ context.Context, in int, err error) (int, error) {
		if in == 99 {
			return 0, fmt.Errorf("no fallback for %d: %w", in, err)
		}

		return -in, nil
	}
	s := flow.Func("s", func(_ context.Context, n int) (int, error) {
		if n > 5 {
			return 0, errBad
		}

		return n, nil
	}).Fallback(instead)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		in   int
		want int
		err  error
	}{
		{"replied", t.Context(), 3, 3, nil},
		{"failed", t.Context(), 7, -7, nil},
		{"fails itself", t.Context(), 99, 0, errBad},
		{"cancelled by the caller", cancelled, 7, 0, errBad},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := s.Call(test.ctx, test.in); got != test.want || !errors.Is(err, test.err) {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
	bubble(t, "after a time-out of its own", func(t *testing.T) {
		s := flow.Func("s", func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() }).
			Timeout(time.Second).Fallback(instead)
		if got, err := s.Call(t.Context(), 7); got != -7 || err != nil {
			t.Errorf("%d, %v", got, err)
		}
	})
}

// TestStepChain: Adapt changes the request, Map the reply, Then sends it on.
func TestStepChain(t *testing.T) {
	double := flow.Func("double", flow.Pure(func(n int) int { return 2 * n }))
	atoi := func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) }
	chain := double.Adapt(atoi).Then(flow.Func("text", flow.Pure(strconv.Itoa))).Map(flow.Pure(func(s string) string { return "<" + s + ">" }))
	if got, err := chain.Call(t.Context(), "21"); got != "<42>" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := chain.Call(t.Context(), "x"); got != "" || !errors.Is(err, strconv.ErrSyntax) || double.Ledger().Calls != 0 {
		t.Errorf("%q, %v", got, err)
	}
	failing := flow.Func("second", failAt(1))
	_, err := flow.Func("first", same).Then(failing).Call(t.Context(), 1)
	if err == nil || err.Error() != "step first: step second: bad value" || failing.Ledger().Rejected != 1 {
		t.Errorf("error %v, ledger %+v", err, failing.Ledger())
	}
	if _, err := flow.Func("first", failAt(1)).Then(failing).Call(t.Context(), 1); !errors.Is(err, errBad) || failing.Ledger().Calls != 1 {
		t.Errorf("error %v, and the second step has %+v", err, failing.Ledger())
	}
	if got := chain.As("other"); got.Name() != "other" || chain.Name() != "double" {
		t.Errorf("names %q and %q", got.Name(), chain.Name())
	}
}

type tagged struct {
	Name string `validate:"required"`
}

func TestStepValidate(t *testing.T) {
	calls := 0
	name := flow.Func("name", func(_ context.Context, in tagged) (string, error) { calls++; return in.Name, nil })
	for _, s := range []flow.Step[tagged, string]{
		name.Validate(),
		name.Validate(func(tagged) error { return nil }, func(in tagged) error {
			if in.Name == "" {
				return errBad
			}

			return nil
		}),
	} {
		calls = 0
		if got, err := s.Call(t.Context(), tagged{Name: "x"}); got != "x" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := s.Call(t.Context(), tagged{}); connector.ClassOf(err) != connector.ClassPermanent || calls != 1 {
			t.Errorf("error %v after %d calls", err, calls)
		}
		if got, want := s.Ledger(), (flow.CallLedger{Calls: 2, Replied: 1, Rejected: 1}); got != want {
			t.Errorf("ledger %+v, want %+v", got, want)
		}
	}
}

// TestStepsAreImmutable: a policy more leaves the step before as it was.
func TestStepsAreImmutable(t *testing.T) {
	base := flow.Func("s", same).Timeout(time.Hour)
	_ = base.Timeout(-1)
	other := base.Retry(retry.Policy{}).Fallback(func(context.Context, int, error) (int, error) { return 0, nil })
	if base.Check() != nil || other.Check() != nil {
		t.Errorf("%v, %v", base.Check(), other.Check())
	}
	options := func(s flow.Step[int, int]) []flow.Option {
		return flow.New("p", end(flow.From(memory.NewSource(1)).Do(s))).Graph().Stages[1].Options
	}
	if got, want := fmt.Sprint(options(base)), "[{timeout 1h0m0s}]"; got != want {
		t.Errorf("options %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(options(other)), "[{timeout 1h0m0s} {retry 3 attempts} {fallback true}]"; got != want {
		t.Errorf("options %s, want %s", got, want)
	}
}

// TestDoAndEnrich run a step on each message.
func TestDoAndEnrich(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		half := flow.Func("half", func(_ context.Context, n int) (float64, error) {
			if n == 3 {
				return 0, connector.Permanent(errBad)
			}

			return float64(n) / 2, nil
		})
		sink, rejected := memory.NewSink[float64](), newDead()
		mustRun(t, flow.New("do", flow.From(memory.NewSource(numbers(4)...)).DeadLetter(rejected).Do(half).To(sink)))
		if got := sink.Values(); !slices.Equal(got, []float64{0.5, 1, 2}) {
			t.Errorf("got %v", got)
		}
		if got := rejected.Values(); len(got) != 1 || got[0].Stage != "do" || !strings.Contains(got[0].Cause, "step half: bad value") {
			t.Errorf("letters %+v", got)
		}
		whole := memory.NewSink[int]()
		var asked []int
		mustRun(t, flow.New("enrich", flow.From(memory.NewSource(10, 30, 40)).DeadLetter(newDead()).
			Enrich(func(n int) int { asked = append(asked, n/10); return n / 10 }, half, func(n int, part float64) int { return n + int(math.Ceil(part)) }).To(whole)))
		if got := whole.Values(); !slices.Equal(got, []int{11, 42}) || !slices.Equal(asked, []int{1, 3, 4}) {
			t.Errorf("got %v, asked %v", got, asked)
		}
		if got, want := half.Ledger(), (flow.CallLedger{Calls: 7, Replied: 5, Rejected: 2}); got != want {
			t.Errorf("ledger %+v, want %+v", got, want)
		}
	})
}
