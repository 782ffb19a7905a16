package flowtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// drawn collects a number of each schedule, which depends on its seed.
func drawn(t *testing.T, options SimOptions) []int {
	t.Helper()
	numbers := make(map[*World]int)
	found := search(t, func(w *World) *flow.Pipeline {
		numbers[w] = w.Draw("number", 1_000_000)

		return flow.New("p", flow.From(w.numbers()).To(w.Sink[int]("sink")))
	}, options)
	if found != "" {
		t.Fatal(found)
	}

	return slices.Sorted(maps.Values(numbers))
}

func TestSimOptions(t *testing.T) {
	t.Setenv("MILLRACE_SIM", "")
	t.Setenv("MILLRACE_SEED", "")
	if n := len(drawn(t, SimOptions{Schedules: 7})); n != 7 {
		t.Errorf("%d schedules, want 7", n)
	}
	if n := len(drawn(t, SimOptions{})); n != 300 {
		t.Errorf("%d schedules by default, want 300", n)
	}
	first, second := drawn(t, SimOptions{Schedules: 5, Seed: 10}), drawn(t, SimOptions{Schedules: 1, Seed: 14})
	if len(second) != 1 || !slices.Contains(first, second[0]) || slices.Contains(drawn(t, SimOptions{Schedules: 5}), second[0]) {
		t.Errorf("seeds 10 to 14 draw %v, seed 14 draws %v", first, second)
	}
	t.Setenv("MILLRACE_SIM", "3")
	if n := len(drawn(t, SimOptions{Schedules: 7})); n != 3 {
		t.Errorf("%d schedules with MILLRACE_SIM=3", n)
	}
	t.Setenv("MILLRACE_SEED", "14")
	if got := drawn(t, SimOptions{Schedules: 7}); !slices.Equal(got, second) {
		t.Errorf("MILLRACE_SEED=14 draws %v, want %v", got, second)
	}
}

func TestEachFaultHappensUnlessItIsLeftOut(t *testing.T) {
	for kind := Fault(1); kind < allFaults; kind <<= 1 {
		happened := 0
		for seed := range uint64(20) {
			s := simulate(t, newPlan(seed, kind), everything, true)
			if len(s.problems) > 0 {
				t.Fatal(explain(t, s, ""))
			}
			happened += s.faults
			if s.faults > 0 && !strings.Contains(s.trace.text(), kind.String()) && len(s.trace.lines) < mostLines {
				t.Errorf("the trace does not say that an effect %v", kind)
			}
			if newPlan(seed, allFaults&^kind).kinds&kind != 0 {
				t.Errorf("seed %d: an effect %v, which was left out", seed, kind)
			}
		}
		if happened == 0 {
			t.Errorf("no effect %v", kind)
		}
	}
}

// problemsOf runs schedules until one fails, and returns its problems.
func problemsOf(t *testing.T, build func(*World) *flow.Pipeline) string {
	t.Helper()
	for seed := range uint64(300) {
		if s := simulate(t, newPlan(seed, allFaults), build, false); len(s.problems) > 0 {
			return errors.Join(s.problems...).Error()
		}
	}

	return ""
}

func TestAtMost(t *testing.T) {
	build := func(declare func(*SimSink[int]) *SimSink[int]) func(w *World) *flow.Pipeline {
		return func(w *World) *flow.Pipeline {
			return flow.New("p", flow.From(w.numbers()).To(flow.Into(declare(w.Sink[int]("sink"))).Retry(retry.Policy{Idempotent: true})))
		}
	}
	if got := problemsOf(t, build(func(s *SimSink[int]) *SimSink[int] { return s })); got != "" {
		t.Errorf("duplicates that a lost answer explains: %s", got)
	}
	if got := problemsOf(t, build(func(s *SimSink[int]) *SimSink[int] { return s.AtMost(1) })); !strings.Contains(got, "where 1 can be explained") {
		t.Errorf("AtMost(1) of a sink that gets duplicates: %q", got)
	}
}

func TestIdempotentSinkMayGetAnyNumber(t *testing.T) {
	again := breaks("a write is repeated without need")
	got := problemsOf(t, func(w *World) *flow.Pipeline {
		w.Sink[int]("sink").Declare(connector.Capabilities{Idempotent: true})

		return again(w)
	})
	if got != "" {
		t.Errorf("%s", got)
	}
}

func TestStopMustLeaveWhatItReports(t *testing.T) {
	for _, c := range []struct {
		left flow.Left
		want string
	}{
		{flow.Left{}, ""},
		{flow.Left{InFlight: 3}, "Stop has reported 3 messages in flight and 0 unconfirmed, but left 0 and 0"},
		{flow.Left{Unconfirmed: 2}, "Stop has reported 0 messages in flight and 2 unconfirmed"},
		{flow.Left{Returned: 2}, "Stop has reported 2 messages returned, but the sources were given back 0"},
	} {
		Test(t, func(t *testing.T) {
			s := newSchedule(newPlan(0, 0), nil, false)
			l := &life{sim: s, pipeline: flow.New("p", flow.From(s.world.numbers()).To(s.world.Sink[int]("sink")))}
			l.stopped = make(chan stopResult, 1)
			l.stopped <- stopResult{left: c.left}
			s.judgeStop(l)
			if got := fmt.Sprint(errors.Join(s.problems...)); c.want == "" && len(s.problems) > 0 || !strings.Contains(got, c.want) {
				t.Errorf("%+v: got %s, want %q", c.left, got, c.want)
			}
		})
	}
}

func TestOneNameForTwoConnectors(t *testing.T) {
	got := problemsOf(t, func(w *World) *flow.Pipeline {
		return flow.New("p", flow.From(w.numbers()).To(w.Sink[int]("numbers")))
	})
	if !strings.Contains(got, `two different connectors have the name "numbers"`) {
		t.Errorf("got %q", got)
	}
}

func TestASinkOfTheUsersOwnIsNotALoss(t *testing.T) {
	got := problemsOf(t, func(w *World) *flow.Pipeline {
		own := connector.SinkFunc[int](func(ctx context.Context, _ []connector.Message[int]) error {
			return w.Do(ctx, "own.Write", func(context.Context) error { return nil })
		})

		return flow.New("p", flow.From(w.numbers()).DeadLetter(w.Sink[connector.DeadLetter[int]]("rejected")).To(own))
	})
	if got != "" {
		t.Error(got)
	}
}

func TestOutcomesOfASource(t *testing.T) {
	got := problemsOf(t, func(w *World) *flow.Pipeline {
		numbers, rejected := w.numbers(), w.Sink[connector.DeadLetter[int]]("rejected")
		w.Check("outcomes", func() error {
			if o := numbers.Outcomes(); o[connector.Filtered] < 1 || o[connector.DeadLettered] < 1 {
				return fmt.Errorf("%v", o)
			}

			return nil
		})

		return flow.New("p", flow.From(numbers).DeadLetter(rejected).Filter(func(n int) bool { return n != 4 }).
			To(w.Sink[int]("sink").Refuse(func(n int) error {
				if n == 2 {
					return errPoison
				}

				return nil
			})))
	})
	if got != "" {
		t.Error(got)
	}
}

// A source that rewinds hands everything out in order at each start, what was settled too.
func TestSourceRewinds(t *testing.T) {
	again := false
	for seed := range uint64(100) {
		var starts [][]int
		s := simulate(t, newPlan(seed, allFaults), func(w *World) *flow.Pipeline {
			begun := len(starts)
			starts = append(starts, nil)
			source := w.Source("numbers", 1, 2, 3, 4).Rewinds()

			return flow.New("p", flow.From(source).Map(func(_ context.Context, n int) (int, error) {
				starts[begun] = append(starts[begun], n)

				return n, nil
			}).To(w.Sink[int]("sink").AtMost(100)))
		}, false)
		if len(s.problems) > 0 {
			t.Fatal(explain(t, s, ""))
		}
		for i, numbers := range starts {
			if len(numbers) > 4 || !slices.Equal(numbers, []int{1, 2, 3, 4}[:len(numbers)]) || i == len(starts)-1 && len(numbers) < 4 {
				t.Fatalf("seed %d: start %d read %v of 1 2 3 4", seed, i+1, numbers)
			}
			again = again || i > 0 && len(starts[i-1]) > 0
		}
	}
	if !again {
		t.Error("nothing was ever read again")
	}
}
