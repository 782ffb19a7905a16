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
)

type group = flow.Group[string, int]

func show(g group) string { return fmt.Sprintf("%s=%d/%d %v", g.Key, g.Value, g.Count, g.Reason) }

func parity(n int) string {
	if n%2 == 0 {
		return "even"
	}

	return "odd"
}

// TestAggregate runs the same input with the groups in memory and in a store.
func TestAggregate(t *testing.T) {
	few := 1400 * time.Millisecond
	tests := []struct {
		name  string
		when  flow.Completion
		every time.Duration
		in    []int
		want  []string
		until []func(int) bool
	}{
		{name: "count", when: flow.Completion{Count: 2}, in: []int{1, 3, 2, 5, 4}, want: []string{
			"odd=4/2 count reached", "even=6/2 count reached", "odd=5/1 input ended",
		}},
		{name: "new key", when: flow.Completion{NewKey: true}, in: []int{1, 3, 2, 4, 5}, want: []string{
			"odd=4/2 key changed", "even=6/2 key changed", "odd=5/1 input ended",
		}},
		{name: "idle", when: flow.Completion{Idle: time.Second}, every: 600 * time.Millisecond, in: []int{1, 3, 2, 2, 2, 1}, want: []string{
			"odd=4/2 idle timeout", "even=6/3 idle timeout", "odd=1/1 input ended",
		}},
		{name: "count before idle", when: flow.Completion{Count: 2, Idle: time.Hour}, in: []int{1, 1, 2, 2}, want: []string{
			"odd=2/2 count reached", "even=4/2 count reached",
		}},
		{name: "interval", when: flow.Completion{Interval: time.Second}, every: 600 * time.Millisecond, in: []int{1, 3, 2, 2, 2, 1}, want: []string{
			"odd=4/2 interval passed", "even=4/2 interval passed", "even=2/1 interval passed", "odd=1/1 input ended",
		}},
		{name: "idle or interval", when: flow.Completion{Idle: 700 * time.Millisecond, Interval: few}, every: 500 * time.Millisecond, in: []int{1, 1, 1, 1, 2, 4}, want: []string{
			"odd=3/3 interval passed", "odd=1/1 idle timeout", "even=6/2 input ended",
		}},
		{name: "predicate", in: []int{1, 3, 2, 4, 5}, until: []func(int) bool{func(sum int) bool { return sum >= 6 }}, want: []string{
			"even=6/2 predicate held", "odd=9/3 predicate held",
		}},
		{name: "one of the predicates", in: []int{1, 2, 4, 3}, until: []func(int) bool{func(sum int) bool { return sum == 1 }, func(sum int) bool { return sum == 6 }}, want: []string{
			"odd=1/1 predicate held", "even=6/2 predicate held", "odd=3/1 input ended",
		}},
		{name: "count before predicate", when: flow.Completion{Count: 2}, in: []int{1, 5}, until: []func(int) bool{func(sum int) bool { return sum == 6 }}, want: []string{
			"odd=6/2 count reached",
		}},
	}
	for _, test := range tests {
		for _, stored := range []bool{false, true} {
			bubble(t, fmt.Sprintf("%s, stored %v", test.name, stored), func(t *testing.T) {
				source, sink := memory.NewFeed[int](), memory.NewSink[group]()
				keyed := flow.From(source).KeyBy(parity)
				if stored {
					keyed = keyed.StoredIn(memory.NewStore())
				}
				p := start(t, flow.New("groups", keyed.Aggregate(test.when, sumUp, test.until...).To(sink)))
				for _, n := range test.in {
					source.Send(n)
					time.Sleep(test.every)
					synctest.Wait()
				}
				source.Finish()
				if err := p.wait(); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, g := range sink.Values() {
					got = append(got, show(g))
				}
				slices.Sort(got)
				slices.Sort(test.want)
				if !slices.Equal(got, test.want) {
					t.Errorf("groups %q, want %q", got, test.want)
				}
				if l := p.Ledger(); !l.Balanced() || l.Source.Delivered != int64(len(test.in)) || l.Derived.Delivered != int64(len(got)) {
					t.Error(l)
				}
			})
		}
	}
}

// TestAggregateReturnsOpenGroups: in memory they cannot outlive the run.
func TestAggregateReturnsOpenGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink := memory.NewFeed(numbers(5)...), memory.NewSink[group]()
		p := start(t, flow.New("open", flow.From(source).KeyBy(parity).Aggregate(flow.Completion{Count: 3}, sumUp).To(sink)))
		left, err := p.stop(time.Second)
		if err != nil || left.Returned != 2 || left.InFlight != 0 {
			t.Errorf("left %+v, error %v", left, err)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 5, Delivered: 3, Returned: 2}, flow.Line{In: 1, Delivered: 1})
		if err := p.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestAggregateStall: where the source is full and no group can ever be complete, the
// oldest fails instead of standing still for ever.
func TestAggregateStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rejected, begin := newDead(), time.Now()
		p := flow.New("stall", flow.From(memory.NewSource(numbers(12)...)).DeadLetter(rejected).
			KeyBy(func(n int) int { return n }).Aggregate(flow.Completion{Count: 2}, sumUp).
			Buffer(1, flow.Block).Map(value).To(memory.NewSink[int]())).With(flow.Config{MaxInFlight: 10})
		mustRun(t, p)
		letters := rejected.Values()
		if len(letters) == 0 {
			t.Fatal("no group failed")
		}
		for _, l := range letters {
			if _, ok := errors.AsType[*flow.GroupStalledError](l.Err); !ok {
				t.Errorf("letter %+v", l)
			}
		}
		if took := time.Since(begin); took < 10*time.Second || took > 20*time.Second {
			t.Errorf("it took %v for two messages more than the bound", took)
		}
	})
}

// TestNoStallWhileOthersWork: a full source whose messages are with a slow sink is no
// reason to give up a group.
func TestNoStallWhileOthersWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewFeed(1, 2, 2, 2)
		f := flow.From(source)
		p := start(t, flow.New("slow", f.Route().
			Case("odd", func(n int) bool { return n%2 == 1 }, func(f flow.Flow[int]) flow.End {
				return f.KeyBy(parity).Aggregate(flow.Completion{Count: 2}, sumUp).To(memory.NewSink[group]())
			}).
			Else(func(f flow.Flow[int]) flow.End {
				return f.Buffer(5, flow.Block).ForEach(func(context.Context, int) error { time.Sleep(time.Minute); return nil })
			})).With(flow.Config{MaxInFlight: 4}))
		time.Sleep(time.Hour)
		source.Send(1)
		source.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 5, Delivered: 5}, flow.Line{In: 1, Delivered: 1})
	})
}

// TestMaxKeys goes to the bound and one key beyond it.
func TestMaxKeys(t *testing.T) {
	each := func(n int) int { return n }
	for _, stored := range []bool{false, true} {
		keyed := func(f flow.Flow[int]) flow.Keyed[int, int] {
			if stored {
				return f.KeyBy(each).StoredIn(memory.NewStore())
			}

			return f.KeyBy(each)
		}
		stages := map[string]func(f flow.Flow[int]) flow.Flow[int]{
			"aggregate": func(f flow.Flow[int]) flow.Flow[int] {
				return keyed(f).Aggregate(flow.Completion{Count: 2}, sumUp).Map(value)
			},
		}
		if !stored {
			stages["fold"] = func(f flow.Flow[int]) flow.Flow[int] { return keyed(f).Fold(sumUp).Map(value) }
		}
		for name, stage := range stages {
			bubble(t, fmt.Sprintf("%s, stored %v", name, stored), func(t *testing.T) {
				rejected := newDead()
				p := flow.New("keys", stage(flow.From(memory.NewSource(1, 2, 3, 1, 4)).DeadLetter(rejected)).
					To(memory.NewSink[int]())).With(flow.Config{MaxKeys: 3})
				mustRun(t, p)
				want := int64(1)
				if name == "aggregate" {
					want = 0 // the second 1 has completed a group
				}
				if l := p.Ledger(); l.Source.DeadLettered != want || !l.Balanced() {
					t.Errorf("with 3 keys allowed: %v", l)
				}
				*rejected = *newDead()
				p = flow.New("keys", stage(flow.From(memory.NewSource(1, 2, 3)).DeadLetter(rejected)).
					To(memory.NewSink[int]())).With(flow.Config{MaxKeys: 2})
				mustRun(t, p)
				if got := rejected.Values(); len(got) != 1 || got[0].Value != 3 || !strings.Contains(got[0].Cause, "more than 2") {
					t.Errorf("with 2 keys allowed: %+v", got)
				}
			})
		}
	}
}

// TestStoredStateSurvivesACrash abandons a run in the middle and opens another one on
// the same store and source: nothing is counted twice, nothing is lost.
func TestStoredStateSurvivesACrash(t *testing.T) {
	t.Run("aggregate", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			source, store, sink := memory.NewFeed(numbers(5)...), memory.NewStore(), memory.NewSink[group]()
			build := func() *flow.Pipeline {
				return flow.New("crash", flow.From(source).KeyBy(parity).StoredIn(store).
					Aggregate(flow.Completion{Count: 4}, sumUp).As("sums").To(sink)).With(flow.Config{Grace: time.Second})
			}
			// The outcomes of the first run never reach the source, as in a crash.
			source.ScriptSettle(memory.Fail(connector.Permanent(errBad)))
			if err := build().Run(t.Context()); !errors.Is(err, errBad) {
				t.Fatal(err)
			}
			source.Send(7, 6)
			source.Finish()
			mustRun(t, build())
			var got []string
			for _, g := range sink.Values() {
				got = append(got, show(g))
			}
			slices.Sort(got)
			if want := []string{"even=12/3 input ended", "odd=16/4 count reached"}; !slices.Equal(got, want) {
				t.Errorf("groups %q, want %q", got, want)
			}
		})
	})
	t.Run("fold", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			source, store, sink := memory.NewSource(numbers(4)...), memory.NewStore(), memory.NewSink[group]()
			build := func() *flow.Pipeline {
				return flow.New("crash", flow.From(source).KeyBy(parity).StoredIn(store).Fold(sumUp).As("sums").To(sink))
			}
			source.ScriptSettle(memory.Fail(connector.Permanent(errBad)))
			if err := build().Run(t.Context()); !errors.Is(err, errBad) {
				t.Fatal(err)
			}
			mustRun(t, build())
			// How many messages shared the settlement that failed is not given, so any of them
			// may have come again.
			last := make(map[string]string)
			for _, g := range sink.Values() {
				last[g.Key] = show(g)
			}
			if last["odd"] != "odd=4/2 still open" || last["even"] != "even=6/2 still open" {
				t.Errorf("after the messages came again: %q", last)
			}
		})
	})
}

// TestDoneGroupIsEmittedAgain: a completed group whose delivery failed stays stored, and
// the next run emits it with the same message ID.
func TestDoneGroupIsEmittedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := memory.NewStore(), memory.NewSink[group]()
		sink.Script(memory.Fail(errBad))
		var ids []string
		build := func(values ...int) *flow.Pipeline {
			return flow.New("again", flow.From(memory.NewSource(values...)).KeyBy(parity).StoredIn(store).
				Aggregate(flow.Completion{Count: 2}, sumUp).As("sums").
				Observe(func(m connector.Message[group]) { ids = append(ids, m.ID()) }).To(sink))
		}
		p := build(1, 3)
		if err := p.Run(t.Context()); !errors.Is(err, errBad) {
			t.Fatalf("error %v", err)
		}
		wantLedger(t, p, flow.Line{In: 2, Delivered: 2}, flow.Line{In: 1, Returned: 1})
		mustRun(t, build())
		if got := sink.Values(); len(got) != 1 || show(got[0]) != "odd=4/2 count reached" {
			t.Errorf("groups %v", got)
		}
		if len(ids) != 2 || ids[0] != ids[1] {
			t.Errorf("message IDs %q", ids)
		}
		mustRun(t, build())
		if len(sink.Values()) != 1 {
			t.Errorf("a delivered group came again: %v", sink.Values())
		}
	})
}

// TestFoldForgetsAFailure: the state is that from before, whether the stage below
// returned an error or panicked.
func TestFoldForgetsAFailure(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errBad },
		"panic": func() error { panic(errBad) },
	} {
		bubble(t, name, func(t *testing.T) {
			source, sink, calls := memory.NewSource(1, 3), memory.NewSink[group](), 0
			p := flow.New("fold", flow.From(source).KeyBy(parity).Fold(sumUp).
				Map(func(_ context.Context, g group) (group, error) {
					if calls++; calls == 1 || calls == 3 {
						return g, fail()
					}

					return g, nil
				}).To(sink))
			mustRun(t, p)
			if got := sink.Values(); len(got) != 2 || got[1].Value != 4 || got[1].Count != 2 {
				t.Errorf("groups %v", got)
			}
		})
	}
}
