package flow_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

func byTen(n int) string { return fmt.Sprint(n % 10) }

func TestOnceLetsAKeyPassOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := memory.NewStore(), memory.NewSink[int]()
		build := func(name string) *flow.Pipeline {
			return flow.New(name, flow.From(memory.NewSource(1, 2, 11, 3, 12)).Once(store, byTen, time.Hour).As("dedup").To(sink))
		}
		p := build("once")
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 5, Delivered: 3, Duplicate: 2}, flow.Line{})
		again := build("once")
		mustRun(t, again)
		wantLedger(t, again, flow.Line{In: 5, Duplicate: 5}, flow.Line{})
		other := build("other")
		mustRun(t, other)
		wantLedger(t, other, flow.Line{In: 5, Delivered: 3, Duplicate: 2}, flow.Line{})
		time.Sleep(time.Hour)
		late := build("once")
		mustRun(t, late)
		if l := late.Ledger().Source; l.Delivered != 3 {
			t.Errorf("after the ttl: %v", l)
		}
	})
}

// TestOnceReleasesOnFailure: a message that failed is not taken for one that was done.
func TestOnceReleasesOnFailure(t *testing.T) {
	type part = func(flow.Flow[int]) flow.Flow[int]
	for name, below := range map[string]part{
		"at once": func(f flow.Flow[int]) flow.Flow[int] { return f.Map(flaky(2, errBad)) },
		"later": func(f flow.Flow[int]) flow.Flow[int] {
			fail := flaky(2, errBad)

			return f.Batch(1, 0).MapEach(func(ctx context.Context, ns []int) ([]int, error) {
				_, err := fail(ctx, 0)

				return ns, err
			})
		},
		"by panic": func(f flow.Flow[int]) flow.Flow[int] {
			fail := flaky(2, errBad)

			return f.Map(func(ctx context.Context, n int) (int, error) {
				if _, err := fail(ctx, n); err != nil {
					panic(err)
				}

				return n, nil
			})
		},
	} {
		bubble(t, name, func(t *testing.T) {
			source, sink := memory.NewSource(1), memory.NewSink[int]()
			source.HoldEOF()
			p := flow.New("again", below(flow.From(source).Once(memory.NewStore(), byTen, 0)).To(sink))
			mustRun(t, p)
			wantLedger(t, p, flow.Line{In: 3, Returned: 2, Delivered: 1}, flow.Line{})
		})
	}
}

// TestOnceInFlight: a message whose key is in flight waits, is a duplicate if the first
// one is done, and fails as it fails.
func TestOnceInFlight(t *testing.T) {
	for _, fails := range []bool{false, true} {
		bubble(t, fmt.Sprintf("first fails %v", fails), func(t *testing.T) {
			source, sink, release := memory.NewFeed(1, 11, 21), memory.NewSink[int](), make(chan struct{})
			step := memory.Block(release)
			sink.Script(step)
			if fails {
				sink.Script(memory.Fail(errBad))
			}
			first := true
			p := start(t, flow.New("in-flight", flow.From(source).Once(memory.NewStore(), byTen, 0).
				Buffer(5, flow.Block).ForEach(func(context.Context, int) error {
				<-release
				if fails && first {
					first = false

					return errBad
				}

				return nil
			})))
			if l := p.Ledger().Source; l.InFlight != 3 {
				t.Errorf("before the first one has ended: %v", l)
			}
			close(release)
			synctest.Wait()
			if l := p.Ledger().Source; fails && l.Returned != 3 || !fails && (l.Delivered != 1 || l.Duplicate != 2) {
				t.Errorf("after the first one has ended: %v", l)
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			if l := p.Ledger().Source; l.Delivered != 1 {
				t.Errorf("at the end: %v", l)
			}
		})
	}
}

// TestOnceInParallel: the workers of a parallel stage share what is in flight.
func TestOnceInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New("shared", flow.From(memory.NewSource(numbers(100)...)).
			Unordered(8, func(f flow.Flow[int]) flow.Flow[int] {
				return f.Once(memory.NewStore(), byTen, 0).Map(func(_ context.Context, n int) (int, error) {
					time.Sleep(time.Second)

					return n, nil
				})
			}).To(memory.NewSink[int]()))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 100, Delivered: 10, Duplicate: 90}, flow.Line{})
	})
}

func TestOnceAndTheStore(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name  string
		op    memory.Op
		step  memory.Step
		want  flow.Line
		error bool
	}{
		{"claim fails", memory.OpClaim, memory.Fail(connector.Transient(boom)), flow.Line{In: 2, Returned: 1, Delivered: 1}, false},
		{"claim may have happened", memory.OpClaim, memory.PassThenFail(connector.Ambiguous(boom)), flow.Line{In: 11, Returned: 10, Delivered: 1}, false},
		{"confirm fails", memory.OpConfirm, memory.Fail(connector.Transient(boom)).Times(4), flow.Line{In: 1, Delivered: 1}, false},
		{"confirm may have happened", memory.OpConfirm, memory.PassThenFail(connector.Ambiguous(boom)), flow.Line{In: 1, Delivered: 1}, false},
		{"confirm fails for good", memory.OpConfirm, memory.Fail(connector.Permanent(boom)), flow.Line{}, false},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, store, effects := memory.NewSource(1), memory.NewStore(), 0
			source.HoldEOF()
			store.Script(test.op, test.step)
			p := flow.New("store", flow.From(source).Once(store, byTen, 0).ForEach(func(context.Context, int) error {
				effects++

				return nil
			}))
			mustRun(t, p)
			l := p.Ledger().Source
			if test.want != (flow.Line{}) && l != test.want {
				t.Errorf("ledger %v, want %v", l, test.want)
			}
			if l.Delivered != 1 || test.op == memory.OpClaim && effects != 1 {
				t.Errorf("%v with %d effects", l, effects)
			}
		})
	}
}

func TestOnceNeedsAKey(t *testing.T) {
	p := flow.New("keyless", flow.From(memory.NewSource(1)).DeadLetter(newDead()).
		Once(memory.NewStore(), func(int) string { return "" }, 0).To(memory.NewSink[int]()))
	mustRun(t, p)
	wantLedger(t, p, flow.Line{In: 1, DeadLettered: 1}, flow.Line{})
}

// TestOnceExtendsItsClaims: work that takes longer than the lease of a claim keeps it.
func TestOnceExtendsItsClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.NewStore()
		p := start(t, flow.New("long", flow.From(memory.NewSource(1)).Once(store, byTen, 0).As("o").
			ForEach(func(context.Context, int) error {
				time.Sleep(10 * time.Minute)

				return nil
			})))
		time.Sleep(9 * time.Minute)
		_, err := store.Claim(t.Context(), `"long"/"o"/1`, time.Second)
		if _, claimed := errors.AsType[*connector.ClaimedError](err); !claimed {
			t.Errorf("the claim was lost: %v", err)
		}
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestOnceAboveWhatKeeps: messages that wait behind one of the same key, which waits in a
// batch or a group for more, do not wait for each other.
func TestOnceAboveWhatKeeps(t *testing.T) {
	for name, below := range map[string]func(f flow.Flow[int]) flow.Flow[int]{
		"batch": func(f flow.Flow[int]) flow.Flow[int] { return f.Batch(2, 0).MapEach(sameAll) },
		"group": func(f flow.Flow[int]) flow.Flow[int] {
			return f.KeyBy(byOne).Aggregate(flow.Completion{Count: 3}, sumUp).Map(value).Batch(1, 0).MapEach(sameAll)
		},
	} {
		bubble(t, name, func(t *testing.T) {
			source := memory.NewSource(numbers(6)...)
			step := flow.Func("step", flaky(1, connector.Transient(errBad))).Retry(retry.Policy{Idempotent: true})
			f := flow.From(source).Once(memory.NewStore(), func(n int) string { return strconv.Itoa(n % 5) }, 0).
				Do(step).Via(memoryQueue(t, 10)).Parallel(2, nothing).Buffer(2, flow.Block)
			p := flow.New("keeps", below(f).To(memory.NewSink[int]()))
			mustRun(t, p)
			if l := p.Ledger().Source; l != (flow.Line{In: 6, Delivered: 5, Duplicate: 1}) {
				t.Errorf("ledger %v", l)
			}
		})
	}
}
