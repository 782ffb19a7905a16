package flow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
)

func twice(_ context.Context, n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) { _ = yield(n, nil) && yield(n, nil) }
}

func sumUp(a, n int) int { return a + n }

func value[K comparable](_ context.Context, g flow.Group[K, int]) (int, error) { return g.Value, nil }

func byOne(int) string { return "one" }

// TestHeldUntilEveryPartHasEnded blocks the last sink: nothing may be settled before it
// has accepted, whatever stands between.
func TestHeldUntilEveryPartHasEnded(t *testing.T) {
	type ends = func(t *testing.T, f flow.Flow[int], slow, quick connector.Sink[int]) []flow.End
	tests := map[string]ends{
		"to": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.To(slow)}
		},
		"batch": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.Batch(2, 0).To(slow)}
		},
		"batch map": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.Batch(4, 0).Slices().Map(func(_ context.Context, ns []int) (int, error) { return ns[0], nil }).To(slow)}
		},
		"split": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.Split(twice).Batch(8, 0).To(slow)}
		},
		"broadcast": func(_ *testing.T, f flow.Flow[int], slow, quick connector.Sink[int]) []flow.End {
			return []flow.End{f.To(quick), f.Buffer(8, flow.Block).To(slow)}
		},
		"tee": func(_ *testing.T, f flow.Flow[int], slow, quick connector.Sink[int]) []flow.End {
			return []flow.End{f.Tee(func(f flow.Flow[int]) flow.End { return f.Buffer(8, flow.Block).To(slow) }).To(quick)}
		},
		"route": func(_ *testing.T, f flow.Flow[int], slow, quick connector.Sink[int]) []flow.End {
			return []flow.End{f.Route().
				Case("none", func(int) bool { return false }, func(f flow.Flow[int]) flow.End { return f.To(quick) }).
				Else(func(f flow.Flow[int]) flow.End { return f.Buffer(8, flow.Block).To(slow) })}
		},
		"buffer": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.Buffer(8, flow.Block).To(slow)}
		},
		"merge": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{flow.Merge(f, flow.From(memory.NewSource[int]())).To(slow)}
		},
		"parallel": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.Parallel(2, func(f flow.Flow[int]) flow.Flow[int] { return f.Map(same) }).To(slow)}
		},
		"once": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.OncePerMessage(memory.NewStore(), 0).To(slow)}
		},
		"aggregate": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.KeyBy(byOne).Aggregate(flow.Completion{Count: 4}, sumUp).Map(value).To(slow)}
		},
		"resequence": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.KeyBy(byOne).Resequence(toInt64(self), flow.Sequence{First: 1}).To(slow)}
		},
		"throttle": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.Throttle(flow.Rate{Limit: 1, Per: time.Second}).To(slow)}
		},
		"delay in memory": func(t *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			q := memoryQueue(t, 10)
			t.Cleanup(func() { _ = q.Close() })

			return []flow.End{f.Delay(q, inSeconds).To(slow)}
		},
		"claim check": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			store := memory.NewStore()

			return []flow.End{f.ClaimCheck(store, flow.ClaimConfig{}).Apply(flow.Redeem[int](store)).To(slow)}
		},
		"stored fold": func(_ *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			return []flow.End{f.KeyBy(byOne).StoredIn(memory.NewStore()).Fold(sumUp).Map(value).To(slow)}
		},
		"via memory": func(t *testing.T, f flow.Flow[int], slow, _ connector.Sink[int]) []flow.End {
			q, err := queueconn.NewMemory[int](queueconn.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = q.Close() })

			return []flow.End{f.Via(q).To(slow)}
		},
	}
	for name, build := range tests {
		bubble(t, name, func(t *testing.T) {
			source := memory.NewSource(numbers(4)...)
			slow, quick := memory.NewSink[int](), memory.NewSink[int]()
			release := make(chan struct{})
			slow.Script(memory.Block(release).Always())
			p := start(t, flow.New("held", build(t, flow.From(audit(t, source)), slow, quick)...))
			if done := source.Settled(); len(done) > 0 {
				t.Errorf("settled before the sink accepted: %v", done)
			}
			close(release)
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			if got := source.Count(connector.Delivered); got != 4 {
				t.Errorf("%d messages are delivered, want 4: %v", got, p.Ledger())
			}
		})
	}
}

func TestReturnDelayGrowsWithTheAttempt(t *testing.T) {
	ms := time.Millisecond
	tests := []struct {
		name string
		err  error
		want []time.Duration
	}{
		{"doubles up to 30 s", errBad, []time.Duration{
			100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 12800 * ms, 25600 * ms, 30000 * ms, 30000 * ms,
		}},
		{"as long as a throttled error asks", connector.Throttled(errBad, 42*time.Second), []time.Duration{42 * time.Second}},
		{"but not longer than 5 minutes", connector.Throttled(errBad, time.Hour), []time.Duration{5 * time.Minute}},
	}
	for _, test := range tests {
		for _, held := range []bool{false, true} {
			bubble(t, fmt.Sprintf("%s, held %v", test.name, held), func(t *testing.T) {
				source := memory.NewSource(1)
				source.HoldEOF()
				f := flow.From(source)
				if held {
					f = f.Buffer(1, flow.Block)
				}
				mustRun(t, flow.New("returns", f.Map(flaky(len(test.want), test.err)).To(memory.NewSink[int]())))
				var got []time.Duration
				for _, s := range source.Settled() {
					if s.Outcome == connector.Returned {
						got = append(got, s.Delay)
						if !errors.Is(s.Cause, errBad) {
							t.Errorf("returned with cause %v", s.Cause)
						}
					}
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("delays %v, want %v", got, test.want)
				}
			})
		}
	}
}

// both runs a test with a chain that runs inline, and with one that runs on a lane.
func both(t *testing.T, name string, test func(t *testing.T, f func(connector.Source[int]) flow.Flow[int])) {
	t.Helper()
	bubble(t, name+"/inline", func(t *testing.T) { test(t, flow.From[int]) })
	bubble(t, name+"/lane", func(t *testing.T) {
		test(t, func(s connector.Source[int]) flow.Flow[int] { return flow.From(s).Batch(1, 0).MapEach(sameAll) })
	})
}

func sameAll(_ context.Context, ns []int) ([]int, error) { return ns, nil }

func TestFailedSettle(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name        string
		steps       []memory.Step
		waits       bool
		unconfirmed int64
		want        error
	}{
		{name: "is repeated", steps: []memory.Step{memory.Fail(connector.Transient(boom)).Times(4)}, waits: true},
		{name: "is repeated where it may have happened", steps: []memory.Step{memory.PassThenFail(connector.Ambiguous(boom)).Times(4)}, waits: true},
		{name: "stops the run after five attempts", steps: []memory.Step{memory.Fail(boom).Always()}, waits: true, unconfirmed: 3, want: boom},
		{name: "is not repeated when it is permanent", steps: []memory.Step{memory.Fail(connector.Permanent(boom)).Always()}, unconfirmed: 3, want: boom},
	}
	for _, test := range tests {
		both(t, test.name, func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
			source := memory.NewSource(numbers(3)...)
			source.ScriptSettle(test.steps...)
			start := time.Now()
			p := flow.New("settle", from(source).To(memory.NewSink[int]()))
			if err := p.Run(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if waited := time.Since(start) > 0; waited != test.waits {
				t.Errorf("took %v, which tells that settling was repeated: %v, want %v", time.Since(start), waited, test.waits)
			}
			wantLedger(t, p, flow.Line{In: 3, Delivered: 3, Unconfirmed: test.unconfirmed}, flow.Line{})
		})
	}
}

// TestNoGapAfterFailedSettle: what comes after outcomes that an ordered source did not
// confirm must not be settled.
func TestNoGapAfterFailedSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(numbers(10)...)
		source.Declare(connector.Capabilities{Ordered: true})
		source.ScriptSettle(memory.Pass(), memory.Fail(connector.Permanent(errBad)))
		a := audit(t, source)
		p := flow.New("gap", flow.From(a).Batch(1, 0).MapEach(func(_ context.Context, ns []int) ([]int, error) {
			time.Sleep(time.Second)

			return ns, nil
		}).To(memory.NewSink[int]()))
		if err := p.Run(t.Context()); !errors.Is(err, errBad) {
			t.Errorf("error %v", err)
		}
		l := p.Ledger().Source
		if l.In != l.Delivered || int(l.Unconfirmed) != int(l.In)-len(source.Settled()) || l.Unconfirmed < 1 {
			t.Errorf("ledger %v with %d unconfirmed, %d settled", l, l.Unconfirmed, len(source.Settled()))
		}
	})
}

func TestOrderedSourceIsSettledInTheOrderOfRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(numbers(200)...)
		source.Declare(connector.Capabilities{Ordered: true})
		a := audit(t, source)
		mustRun(t, flow.New("ordered", flow.From(a).Unordered(8, func(f flow.Flow[int]) flow.Flow[int] {
			return f.Map(func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Duration(n*7%13) * time.Millisecond)

				return n, nil
			})
		}).To(memory.NewSink[int]())))
		a.ended()
	})
}

// TestOutcomesBehindAHungMessageAreUnconfirmed: in an ordered source they cannot be
// settled, and the ledger must say so.
func TestOutcomesBehindAHungMessageAreUnconfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(numbers(5)...)
		source.Declare(connector.Capabilities{Ordered: true})
		hang := make(chan struct{})
		p := start(t, flow.New("hung", flow.From(source).Unordered(2, func(f flow.Flow[int]) flow.Flow[int] {
			return f.Map(func(_ context.Context, n int) (int, error) {
				if n == 1 {
					<-hang
				}

				return n, nil
			})
		}).To(memory.NewSink[int]())))
		left, err := p.stop(time.Second)
		if _, ok := errors.AsType[*flow.StoppedError](err); !ok || left.InFlight != 1 || left.Unconfirmed != 4 {
			t.Errorf("left %+v, error %v", left, err)
		}
		if err := p.wait(); err == nil {
			t.Error("Run returned nil with a message left")
		}
		close(hang)
		synctest.Wait()
		if l := p.Ledger(); !l.Balanced() || l.Source.InFlight != 0 {
			t.Errorf("after the function returned: %v", l)
		}
	})
}

func TestSourceThatTakesNothingBackStopsThePipeline(t *testing.T) {
	both(t, "fails", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(numbers(3)...)
		source.Declare(connector.Capabilities{Name: "orders.csv"})
		p := flow.New("strict", from(source).Map(flaky(1, errBad)).As("price").To(memory.NewSink[int]()))
		err := p.Run(t.Context())
		at, ok := errors.AsType[*flow.StageError](err)
		if !errors.Is(err, errBad) || !ok || at.Stage != "price" || at.Message != "memory:1" {
			t.Errorf("error %v", err)
		}
		wantLedger(t, p, flow.Line{In: 3, Delivered: 2, Returned: 1}, flow.Line{})
	})
}

func TestLeaseIsExtendedWhileAMessageIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1)
		source.Declare(connector.Capabilities{Returns: true, Lease: 30 * time.Second})
		calls := 0
		mustRun(t, flow.New("lease", flow.From(source).ForEach(func(context.Context, int) error {
			calls++
			time.Sleep(5 * time.Minute)

			return nil
		})))
		if calls != 1 || source.Count(connector.Delivered) != 1 {
			t.Errorf("called %d times, settled %v", calls, source.Settled())
		}
		if got := len(source.Extended()); got < 29 || got > 31 {
			t.Errorf("extended %d times in 5 minutes, want a third of the lease of 30 s", got)
		}
	})
}

// TestExtendFails: it is logged, and the message goes on. Nothing is extended while nothing is
// in flight.
func TestExtendFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		source := memory.NewFeed(1)
		source.Declare(connector.Capabilities{Returns: true, Lease: 30 * time.Second})
		e := &extending{Source: source, errs: []error{errBad, errBad}}
		p := start(t, flow.New("lease", flow.From(e).ForEach(func(context.Context, int) error {
			time.Sleep(45 * time.Second)

			return nil
		})).With(flow.Config{Logger: zap.New(core)}))
		time.Sleep(time.Hour)
		source.Finish()
		if err := p.wait(); err != nil || source.Count(connector.Delivered) != 1 {
			t.Errorf("settled %v, error %v", source.Settled(), err)
		}
		if want := []int{1, 1, 1, 1}; !slices.Equal(e.calls, want) {
			t.Errorf("positions extended %v, want %v", e.calls, want)
		}
		if got := logs.FilterMessage("extending leases failed").Len(); got != 2 || logs.Len() != 2 {
			t.Errorf("logged %+v", logs.All())
		}
	})
}

// extending fails some calls of Extend, and notes the size of each.
type extending struct {
	*memory.Source[int]

	errs  []error
	calls []int
}

func (e *extending) Open(ctx context.Context) (connector.Reader[int], error) {
	r, err := e.Source.Open(ctx)

	return extendingReader{r, e}, err
}

type extendingReader struct {
	connector.Reader[int]

	e *extending
}

func (r extendingReader) Extend(ctx context.Context, positions []connector.Position) error {
	r.e.calls = append(r.e.calls, len(positions))
	if len(r.e.errs) > 0 {
		err := r.e.errs[0]
		r.e.errs = r.e.errs[1:]

		return err
	}

	return r.Reader.(connector.Extender).Extend(ctx, positions)
}

func TestSettleWhileReadBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewFeed(1)
		p := start(t, flow.New("feed", flow.From(audit(t, source)).Buffer(1, flow.Block).To(memory.NewSink[int]())))
		if source.Count(connector.Delivered) != 1 {
			t.Errorf("not settled while Read waits for more: %v", p.Ledger())
		}
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMessagesThatComeWithAnErrorCount: they are run and settled before the error is
// acted upon.
func TestMessagesThatComeWithAnErrorCount(t *testing.T) {
	both(t, "transient", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source, sink := memory.NewSource(1, 2), memory.NewSink[int]()
		source.ScriptRead(memory.PassThenFail(connector.Throttled(errBad, 10*time.Second)))
		p := start(t, flow.New("read", from(source).To(sink)))
		if len(sink.Values()) != 2 || source.Count(connector.Delivered) != 2 {
			t.Errorf("the messages wait for the delay of the error: %v", p.Ledger())
		}
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
	})
	both(t, "permanent", func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
		source := memory.NewSource(1, 2)
		source.ScriptRead(memory.PassThenFail(connector.Permanent(errBad)))
		p := flow.New("read", from(source).To(memory.NewSink[int]()))
		if err := p.Run(t.Context()); !errors.Is(err, errBad) {
			t.Errorf("error %v", err)
		}
		wantLedger(t, p, flow.Line{In: 2, Delivered: 2}, flow.Line{})
	})
}

// TestReadErrors: those that can pass are tried again within bounds, others stop the run.
func TestReadErrors(t *testing.T) {
	tests := []struct {
		name string
		step memory.Step
		want error
	}{
		{"four in a row", memory.Fail(connector.Transient(errBad)).Times(4), nil},
		{"five in a row", memory.Fail(connector.Transient(errBad)).Times(5), errBad},
		{"unclassified", memory.Fail(errBad), errBad},
	}
	for _, test := range tests {
		both(t, test.name, func(t *testing.T, from func(connector.Source[int]) flow.Flow[int]) {
			source := memory.NewSource(1)
			source.ScriptRead(test.step)
			if err := flow.New("read", from(source).To(memory.NewSink[int]())).Run(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}
