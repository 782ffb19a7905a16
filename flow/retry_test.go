package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// TestRetryAboveAnUnfitStage: the plan check refuses it and names the place to put it.
func TestRetryAboveAnUnfitStage(t *testing.T) {
	type part = func(f ints) flow.End
	again := retry.Policy{}
	store := memory.NewStore()
	tests := []struct {
		name, stage string
		below       part
		text        string
	}{
		{"Batch", "retry", func(f ints) flow.End { return end(f.Batch(2, 0).MapEach(sameAll)) }, "behind the batch-map-each at stage batch-map-each"},
		{"Batch.To", "retry", func(f ints) flow.End { return f.Batch(2, 0).To(memory.NewSink[int]()) }, "flow.Into(sink).Retry on the sink"},
		{"further up", "retry", func(f ints) flow.End { return end(f.Map(same).Filter(even).Batch(2, 0).MapEach(sameAll)) }, "behind the batch-map-each"},
		{"Batch.Map", "retry", func(f ints) flow.End {
			return end(f.Batch(2, 0).Map(func(_ context.Context, ns []int) (int, error) { return ns[0], nil }))
		}, "behind the batch-map"},
		{"Aggregate", "retry", func(f ints) flow.End { return endGroup(f.KeyBy(byOne).Aggregate(flow.Completion{Count: 2}, sumUp)) }, "behind the aggregate"},
		{"stored Fold", "retry", func(f ints) flow.End { return endGroup(f.KeyBy(byOne).StoredIn(store).Fold(sumUp)) }, "behind the fold"},
		{"Resequence", "retry", func(f ints) flow.End { return end(f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{})) }, "behind the resequence"},
		{"Throttle", "retry", func(f ints) flow.End { return end(f.Throttle(flow.Rate{Limit: 1, Per: 1})) }, "behind the throttle"},
		{"Delay", "retry", func(f ints) flow.End { return end(f.Delay(&delayQueue{}, inSeconds)) }, "behind the delay"},
		{"Redeem", "retry", func(f ints) flow.End {
			return end(f.ClaimCheck(store, flow.ClaimConfig{}).Apply(flow.Redeem[int](store)))
		}, "behind the redeem"},
		{"Once", "retry", func(f ints) flow.End { return end(f.Once(store, byOne, 0)) }, "behind the once"},
		{"DeadLetter", "retry", func(f ints) flow.End { return end(f.DeadLetter(newDead())) }, "behind the dead-letter"},
		{"Split", "retry", func(f ints) flow.End { return end(f.Split(twice)) }, "behind the split"},
		{"Parallel", "retry", func(f ints) flow.End { return end(f.Parallel(2, nothing)) }, "behind the parallel"},
		{"Buffer", "retry", func(f ints) flow.End { return end(f.Buffer(1, flow.Block)) }, "behind the buffer"},
		{"Via", "retry", func(f ints) flow.End { return end(f.Via(&idleQueue{})) }, "behind the via"},
		{"Merge", "retry", func(f ints) flow.End { return end(flow.Merge(f, flow.From(memory.NewSource(1)))) }, "behind the merge"},
		{"Tee", "retry", func(f ints) flow.End { return end(f.Tee(end)) }, "repeat the healthy branches of the broadcast at stage tee"},
		{"Retry", "retry", func(f ints) flow.End { return end(f.Map(same).Retry(again)) }, "attempts would multiply"},
		{"a case of a Route", "retry", func(f ints) flow.End {
			return f.Route().Case("a", even, end).Else(func(f ints) flow.End { return end(f.Buffer(1, flow.Block)) })
		}, "behind the buffer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, at := flow.From(memory.NewSource(1)).Retry(again), here(0)
			problems := definitionProblems(t, flow.New("retry", test.below(f)))
			want := mistake{stage: test.stage, at: at, text: test.text}
			if len(problems) != 1 || !want.matches(problems[0]) {
				t.Errorf("problems %+v, want one at %s with %q", problems, at, test.text)
			}
		})
	}
	t.Run("in a body", func(t *testing.T) {
		p := flow.New("retry", end(flow.From(memory.NewSource(1)).Parallel(2, func(f ints) ints { return f.Retry(again).Map(same) })))
		if got := definitionProblems(t, p); len(got) != 1 || !strings.Contains(got[0].Text, "does not see what fails behind it") {
			t.Errorf("problems %+v", got)
		}
	})
	t.Run("a broadcast of itself", func(t *testing.T) {
		f := flow.From(memory.NewSource(1)).Retry(again)
		if got := definitionProblems(t, flow.New("retry", end(f), end(f))); len(got) != 1 ||
			!strings.Contains(got[0].Text, "healthy branches of the broadcast at stage retry") {
			t.Errorf("problems %+v", got)
		}
	})
	t.Run("a broadcast below", func(t *testing.T) {
		f := flow.From(memory.NewSource(1)).Retry(again).Map(same).As("shared")
		if got := definitionProblems(t, flow.New("retry", end(f), end(f))); len(got) != 1 ||
			!strings.Contains(got[0].Text, "healthy branches of the broadcast at stage shared") {
			t.Errorf("problems %+v", got)
		}
	})
	t.Run("fit stages", func(t *testing.T) {
		f := flow.From(memory.NewSource(1)).Retry(again).Map(same).Filter(even).Do(flow.Func("s", same))
		p := flow.New("retry", f.Route().Case("a", even, end).Else(end))
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	})
}

// TestRetryRepeatsWhatIsBelow: every stage down to the sink runs again, with the message
// as it was at the Retry, in the order of the source.
func TestRetryRepeatsWhatIsBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, seen := memory.NewSink[int](), []string(nil)
		sink.Script(memory.Pass(), memory.Fail(connector.Transient(errBad)).Times(2))
		began := time.Now()
		p := flow.New("again", flow.From(memory.NewSource(1, 2, 3)).
			Retry(retry.Policy{Attempts: 3, Initial: time.Second, NoJitter: true}).
			MapMessage(func(_ context.Context, m connector.Message[int]) (connector.Message[int], error) {
				seen = append(seen, fmt.Sprintf("%d %s", m.Value, m.Key()))

				return connector.Message[int]{Meta: m.WithKey(m.Key() + "x"), Value: m.Value}, nil
			}).To(sink))
		mustRun(t, p)
		if want := []string{"1 ", "2 ", "2 ", "2 ", "3 "}; !slices.Equal(seen, want) {
			t.Errorf("the stage saw %q, want %q", seen, want)
		}
		if got := sink.Values(); !slices.Equal(got, numbers(3)) {
			t.Errorf("the sink has %v", got)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it waited %v, want 1 s and 2 s", took)
		}
		if got := p.Stats()[1].Retried; got != 2 {
			t.Errorf("%d attempts beyond the first are counted, want 2", got)
		}
		wantLedger(t, p, flow.Line{In: 3, Delivered: 3}, flow.Line{})
	})
}

// TestRetryGivesUp: what does not pass with time, or not within the policy, fails the
// message with the last error.
func TestRetryGivesUp(t *testing.T) {
	tests := []struct {
		name     string
		err      error
		policy   retry.Policy
		attempts int
	}{
		{"after its attempts", connector.Transient(errBad), retry.Policy{Attempts: 4}, 4},
		{"after three by default", errBad, retry.Policy{}, 3},
		{"at once when it is permanent", connector.Permanent(errBad), retry.Policy{}, 1},
		{"at once when it may have happened", connector.Ambiguous(errBad), retry.Policy{}, 1},
		{"later when doing it twice is harmless", connector.Ambiguous(errBad), retry.Policy{Idempotent: true}, 3},
		{"when its time is up", connector.Transient(errBad), retry.Policy{Attempts: 99, Initial: time.Second, MaxElapsed: 10 * time.Second, NoJitter: true}, 4},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			rejected, attempts := newDead(), 0
			p := flow.New("gives-up", flow.From(memory.NewSource(1)).DeadLetter(rejected).Retry(test.policy).
				Map(func(context.Context, int) (int, error) {
					attempts++

					return 0, fmt.Errorf("attempt %d: %w", attempts, test.err)
				}).As("price").To(memory.NewSink[int]()))
			mustRun(t, p)
			if attempts != test.attempts {
				t.Errorf("%d attempts, want %d", attempts, test.attempts)
			}
			got := rejected.Values()
			if len(got) != 1 || !errors.Is(got[0].Err, errBad) || got[0].Stage != "price" ||
				!strings.Contains(got[0].Cause, fmt.Sprintf("attempt %d:", test.attempts)) {
				t.Errorf("letters %+v", got)
			}
		})
	}
}

// TestRetryIsNoAttemptOnAStop: a wait for the next attempt ends with the stop, and the
// message goes back rather than to the dead letters.
func TestRetryIsNoAttemptOnAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, rejected := memory.NewFeed(1, 2), newDead()
		p := start(t, flow.New("stop", flow.From(source).DeadLetter(rejected).
			Retry(retry.Policy{Initial: time.Hour, Max: time.Hour, MaxElapsed: 10 * time.Hour, NoJitter: true}).
			Map(flaky(9, connector.Transient(errBad))).To(memory.NewSink[int]())))
		left, err := p.stop(time.Minute)
		if err != nil || left.Returned != 2 || len(rejected.Values()) > 0 || source.Attempts("memory:1") != 0 {
			t.Errorf("left %+v, error %v, letters %v, attempts %d", left, err, rejected.Values(), source.Attempts("memory:1"))
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestRetryAfterAPanic: a panic is a failure that repeating does not cure.
func TestRetryAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, rejected := 0, newDead()
		mustRun(t, flow.New("panic", flow.From(memory.NewSource(1)).DeadLetter(rejected).Retry(retry.Policy{}).
			Map(func(context.Context, int) (int, error) { calls++; panic("boom") }).To(memory.NewSink[int]())))
		if got := rejected.Values(); calls != 1 || len(got) != 1 || !strings.Contains(got[0].Cause, "panic: boom") {
			t.Errorf("%d calls, letters %+v", calls, got)
		}
	})
}

// TestRetryAndTheFilterBelow: an outcome of the failed attempt is forgotten.
func TestRetryAndTheFilterBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1)
		mustRun(t, flow.New("filter", flow.From(source).Retry(retry.Policy{}).Map(flaky(1, connector.Transient(errBad))).
			Filter(even).To(memory.NewSink[int]())))
		if got := source.Outcome("memory:1"); got != connector.Filtered {
			t.Errorf("it ended as %v", got)
		}
	})
}

// TestStepPoliciesWrapWhatIsAbove: the one written last is outermost.
func TestStepPoliciesWrapWhatIsAbove(t *testing.T) {
	policy := retry.Policy{Attempts: 3, Initial: time.Second, NoJitter: true, Idempotent: true}
	hang := func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
	tests := []struct {
		name  string
		step  func(flow.Step[int, int]) flow.Step[int, int]
		calls int
		took  time.Duration
	}{
		{"each attempt has its time", func(s flow.Step[int, int]) flow.Step[int, int] { return s.Timeout(10 * time.Second).Retry(policy) }, 3, 33 * time.Second},
		{"all attempts share the time", func(s flow.Step[int, int]) flow.Step[int, int] { return s.Retry(policy).Timeout(10 * time.Second) }, 1, 10 * time.Second},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			caller, began := memory.NewCaller(hang), time.Now()
			_, err := test.step(flow.Ask("s", caller)).Call(t.Context(), 1)
			if got := len(caller.Requests()); got != test.calls || time.Since(began) != test.took || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d calls in %v, want %d in %v: %v", got, time.Since(began), test.calls, test.took, err)
			}
		})
	}
}

func TestStepRetry(t *testing.T) {
	tests := []struct {
		name   string
		policy retry.Policy
		err    error
		calls  int
		fails  bool
	}{
		{"until it replies", retry.Policy{Attempts: 4}, connector.Transient(errBad), 4, false},
		{"until the attempts are used up", retry.Policy{Attempts: 3}, connector.Transient(errBad), 3, true},
		{"never where it may have happened", retry.Policy{Attempts: 9}, connector.Ambiguous(errBad), 1, true},
		{"not when it will not change", retry.Policy{Attempts: 9}, connector.Permanent(errBad), 1, true},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			caller := memory.NewCaller(same)
			caller.Script(memory.Fail(test.err).Times(3))
			s := flow.Ask("s", caller).Retry(test.policy)
			n, err := s.Call(t.Context(), 7)
			if len(caller.Requests()) != test.calls || (err != nil) != test.fails || (err == nil) != (n == 7) {
				t.Errorf("%d calls, replied %d, %v", len(caller.Requests()), n, err)
			}
			if got := s.Ledger(); got.Calls != 1 || !got.Balanced() {
				t.Errorf("ledger %+v", got)
			}
		})
	}
	bubble(t, "layers do not multiply", func(t *testing.T) {
		caller := memory.NewCaller(same)
		caller.Script(memory.Fail(connector.Transient(errBad)).Always())
		p := retry.Policy{}
		if _, err := flow.Ask("s", caller).Retry(p).Retry(p).Retry(p).Call(t.Context(), 1); !errors.Is(err, errBad) || len(caller.Requests()) != 3 {
			t.Errorf("%d calls, error %v", len(caller.Requests()), err)
		}
	})
}
