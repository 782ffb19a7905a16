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

// open starts a pipeline whose Aggregate has taken in 1 to n and completes none of its
// groups by itself.
func open(t *testing.T, n int, stored bool, force *flow.Force[string]) (*running, *memory.Source[int], *memory.Sink[group]) {
	t.Helper()
	source, sink := memory.NewFeed(numbers(n)...), memory.NewSink[group]()
	keyed := flow.From(source).KeyBy(parity).ForcedBy(force)
	if stored {
		keyed = keyed.StoredIn(memory.NewStore())
	}

	return start(t, flow.New("forced", keyed.Aggregate(flow.Completion{}, sumUp).To(sink))), source, sink
}

func shown(sink *memory.Sink[group]) string {
	var all []string
	for _, g := range sink.Values() {
		all = append(all, show(g))
	}

	return strings.Join(all, ", ")
}

func TestForce(t *testing.T) {
	for _, stored := range []bool{false, true} {
		bubble(t, fmt.Sprintf("stored %v", stored), func(t *testing.T) {
			var force flow.Force[string]
			p, source, sink := open(t, 5, stored, &force)
			for _, step := range []struct {
				force func() error
				want  string
			}{
				{func() error { return force.Complete("none") }, ""},
				{func() error { return force.Complete("even") }, "even=6/2 forced"},
				{func() error { return force.Complete("even") }, "even=6/2 forced"},
				{func() error { time.Sleep(1); source.Send(6); synctest.Wait(); return force.CompleteAll() }, "even=6/2 forced, odd=9/3 forced, even=6/1 forced"},
				{func() error { return force.CompleteAll() }, "even=6/2 forced, odd=9/3 forced, even=6/1 forced"},
			} {
				if err := step.force(); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if got := shown(sink); got != step.want {
					t.Errorf("groups %q, want %q", got, step.want)
				}
			}
			source.Finish()
			if err := p.wait(); err != nil {
				t.Error(err)
			}
			wantLedger(t, p.Pipeline, flow.Line{In: 6, Delivered: 6}, flow.Line{In: 3, Delivered: 3})
		})
	}
}

// TestForceListens: only while an Aggregate runs, and all of them hear it.
func TestForceListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var force flow.Force[string]
		notListening := func() {
			t.Helper()
			if err := errors.Join(force.Complete("odd"), force.CompleteAll()); !errors.Is(err, flow.ErrNotListening) {
				t.Errorf("error %v", err)
			}
		}
		notListening()
		one, first, firstSink := open(t, 1, false, &force)
		two, second, secondSink := open(t, 1, true, &force)
		if err := force.Complete("odd"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if a, b := shown(firstSink), shown(secondSink); a != "odd=1/1 forced" || b != a {
			t.Errorf("groups %q and %q", a, b)
		}
		first.Finish()
		if err := one.wait(); err != nil {
			t.Error(err)
		}
		second.Send(3)
		synctest.Wait()
		if err := force.CompleteAll(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := shown(secondSink); got != "odd=1/1 forced, odd=3/1 forced" {
			t.Errorf("groups %q", got)
		}
		second.Finish()
		if err := two.wait(); err != nil {
			t.Error(err)
		}
		notListening()
	})
}

// TestForceIsBounded: requests that a busy Aggregate cannot take up are counted, and one
// more than the bound is refused.
func TestForceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var force flow.Force[string]
		p := start(t, flow.New("busy", flow.From(memory.NewSource(1)).
			Map(func(ctx context.Context, n int) (int, error) { time.Sleep(time.Minute); return n, nil }).
			KeyBy(parity).ForcedBy(&force).Aggregate(flow.Completion{}, sumUp).To(memory.NewSink[group]())))
		for i := range 1024 {
			if err := force.Complete(fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := force.Complete("one more"); !errors.Is(err, flow.ErrForceBusy) {
			t.Errorf("error %v", err)
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 1, Delivered: 1}, flow.Line{In: 1, Delivered: 1})
	})
}

// TestForceFromManyGoroutines is for the race detector.
func TestForceFromManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var force flow.Force[string]
		p, source, sink := open(t, 0, false, &force)
		for i := range 4 {
			go func() {
				for n := range 100 {
					if n%4 == i {
						_ = force.CompleteAll()
					}
					source.Send(1)
				}
			}()
		}
		synctest.Wait()
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		sum := 0
		for _, g := range sink.Values() {
			sum += g.Value
		}
		if sum != 400 || !p.Ledger().Balanced() {
			t.Errorf("sum %d, ledger %v", sum, p.Ledger())
		}
	})
}

// TestForceInABody: the worker that has the group completes it.
func TestForceInABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var force flow.Force[int]
		source, sink := memory.NewFeed(numbers(20)...), memory.NewSink[int]()
		byFive := func(n int) int { return n % 5 }
		p := start(t, flow.New("body", flow.From(source).KeyBy(byFive).
			Parallel(3, func(f flow.Flow[int]) flow.Flow[int] {
				return f.KeyBy(byFive).ForcedBy(&force).Aggregate(flow.Completion{}, sumUp).
					Map(func(_ context.Context, g flow.Group[int, int]) (int, error) { return g.Value, nil })
			}).To(sink)))
		if err := errors.Join(force.Complete(3), force.Complete(4)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := slices.Sorted(slices.Values(sink.Values())); !slices.Equal(got, []int{3 + 8 + 13 + 18, 4 + 9 + 14 + 19}) {
			t.Errorf("sums %v", got)
		}
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 20, Delivered: 20}, flow.Line{In: 5, Delivered: 5})
	})
}

// TestIntervalSurvivesARestart: the time since the first message goes on while no
// pipeline runs.
func TestIntervalSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, sink := memory.NewStore(), memory.NewSink[group]()
		var at []time.Duration
		begin := time.Now()
		build := func(source connector.Source[int]) *flow.Pipeline {
			return flow.New("restart", flow.From(source).KeyBy(parity).StoredIn(store).
				Aggregate(flow.Completion{Interval: time.Minute}, sumUp).As("sums").
				Observe(func(connector.Message[group]) { at = append(at, time.Since(begin)) }).To(sink))
		}
		p := start(t, build(memory.NewFeed(1)))
		time.Sleep(30 * time.Second)
		if _, err := p.stop(time.Second); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		source := memory.NewFeed[int]()
		p = start(t, build(source))
		source.SendMessages(connector.NewMessage(3, connector.Fields{ID: "another"}))
		time.Sleep(time.Hour)
		source.Finish()
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if got := shown(sink); got != "odd=4/2 interval passed" || at[0] != time.Minute {
			t.Errorf("groups %q after %v", got, at)
		}
	})
}
