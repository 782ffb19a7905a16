package flowtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// planted are pipelines that break each of the promises that a simulation checks. What
// merely loses messages is in losses.
var planted = []struct {
	name string
	// found is in the text of the problem.
	found string
	build func(w *World) *flow.Pipeline
}{
	{"a sink hides its errors", "is lost", func(w *World) *flow.Pipeline {
		sink := w.Sink[int]("sink")

		return flow.New("p", flow.From(w.numbers()).To(connector.SinkFunc[int](func(ctx context.Context, ms []connector.Message[int]) error {
			_ = sink.Write(ctx, ms)

			return nil
		})))
	}},
	{"a source settles early", "is lost", func(w *World) *flow.Pipeline {
		source := w.numbers()
		early := connector.SourceFunc[int](func(ctx context.Context) (connector.Reader[int], error) {
			r, err := source.Open(ctx)

			return &earlyReader{Reader: r}, err
		})

		return flow.New("p", flow.From(early).Batch(3, time.Second).To(w.Sink[int]("sink")))
	}},
	{"outcomes are told twice", "settled twice", func(w *World) *flow.Pipeline {
		source := w.numbers()
		twice := connector.SourceFunc[int](func(ctx context.Context) (connector.Reader[int], error) {
			r, err := source.Open(ctx)

			return &twiceReader{Reader: r}, err
		})

		return flow.New("p", flow.From(twice).To(w.Sink[int]("sink")))
	}},
	{"a write is repeated without need", "can be explained", func(w *World) *flow.Pipeline {
		sink := w.Sink[int]("sink")

		return flow.New("p", flow.From(w.numbers()).To(connector.SinkFunc[int](func(ctx context.Context, ms []connector.Message[int]) error {
			return errors.Join(sink.Write(ctx, ms), sink.Write(ctx, ms))
		})))
	}},
	{"messages overtake each other", "too late", func(w *World) *flow.Pipeline {
		ask := w.Caller("ask", func(n int) (int, error) { return n, nil })

		return flow.New("p", flow.From(w.numbers()).
			Unordered(3, func(f flow.Flow[int]) flow.Flow[int] { return f.Do(flow.Ask("ask", ask)) }).
			To(w.Sink[int]("sink").InOrder(nil)))
	}},
	{"a bad message has nowhere to go", "nothing has moved", func(w *World) *flow.Pipeline {
		return flow.New("p", flow.From(w.numbers()).Buffer(2, flow.Block).To(w.Sink[int]("sink").Refuse(func(n int) error {
			if n == 4 {
				return errors.New("never")
			}

			return nil
		})))
	}},
	{"state outside of the stores", "sum", func(w *World) *flow.Pipeline {
		sink := w.Sink[int]("sink").Declare(connector.Capabilities{Idempotent: true})
		w.Check("sum", func() error {
			if v := sink.Values(); len(v) == 0 || slices.Max(v) < 1+2+3+4+5+6 {
				return errors.New("the sum is too small")
			}

			return nil
		})
		// The fold in memory begins again after a crash.
		return flow.New("p", flow.From(w.numbers()).KeyBy(func(int) int { return 0 }).
			Fold(func(sum, n int) int { return sum + n }).
			Map(flow.Pure(func(g flow.Group[int, int]) int { return g.Value })).To(sink))
	}},
}

// breaks returns the planted pipeline of the name.
func breaks(name string) func(*World) *flow.Pipeline {
	for _, p := range planted {
		if p.name == name {
			return p.build
		}
	}
	panic("nothing is planted as " + name)
}

func (w *World) numbers() *SimSource[int] { return w.Source("numbers", 1, 2, 3, 4, 5, 6) }

type earlyReader struct{ connector.Reader[int] }

func (r *earlyReader) Read(ctx context.Context, limit int) ([]connector.Message[int], error) {
	ms, err := r.Reader.Read(ctx, limit)
	for _, m := range ms {
		_ = r.Reader.Settle(ctx, []connector.Settlement{{Position: m.Position(), Outcome: connector.Delivered}})
	}

	return ms, err
}

type twiceReader struct{ connector.Reader[int] }

func (r *twiceReader) Settle(ctx context.Context, s []connector.Settlement) error {
	if err := r.Reader.Settle(ctx, s); err != nil {
		return err
	}
	for i := range s {
		s[i].Outcome = connector.Filtered
	}

	return r.Reader.Settle(ctx, s)
}

func TestFindsWhatIsPlanted(t *testing.T) {
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			start := time.Now()
			for seed := uint64(0); ; seed++ {
				s := simulate(t, newPlan(seed, allFaults), p.build, false)
				if problem := errors.Join(s.problems...); problem != nil && strings.Contains(problem.Error(), p.found) {
					t.Logf("seed %d, %v: %v", seed, time.Since(start).Round(time.Millisecond), problem)

					return
				}
				if seed == 1000 {
					t.Fatalf("not found in %d schedules; the last problem: %v", seed, errors.Join(s.problems...))
				}
			}
		})
	}
}

func TestExplains(t *testing.T) {
	var s *schedule
	for seed := uint64(1); s == nil || len(s.problems) == 0; seed++ {
		s = simulate(t, newPlan(seed, allFaults), breaks("a sink hides its errors"), false)
	}
	text := explain(t, s, "MILLRACE_SEED=7 go test")
	for _, want := range []string{
		"1 of", "is lost: numbers was told that it is delivered", "start 1", "numbers.Read", "sink.Write", "-- ", "MILLRACE_SEED=7 go test",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "\n!"); n > 1 {
		t.Errorf("%d faults are left of a schedule that fails with one:\n%s", n, text)
	}
}

func TestCrashComesAtEveryEffect(t *testing.T) {
	healthy := func(w *World) *flow.Pipeline {
		return flow.New("p", flow.From(w.numbers()).Batch(2, time.Second).To(w.Sink[int]("sink")))
	}
	effects := simulate(t, newPlan(0, 0), healthy, false).steps
	crashes, found := crashEverywhere(t, healthy)
	if found != "" {
		t.Fatal(found)
	}
	if want := effects + 1; crashes != want {
		t.Errorf("%d crashes, want %d: one before the first effect, and one after each of %d", crashes, want, effects)
	}
}

func TestCrashFindsASourceThatSettlesEarly(t *testing.T) {
	crashes, found := crashEverywhere(t, breaks("a source settles early"))
	if crashes != 3 || !strings.Contains(found, "is lost") || !strings.Contains(found, "CRASH after it has happened") {
		t.Errorf("after %d crashes: %s", crashes, found)
	}
}

func TestCrashIsBounded(t *testing.T) {
	_, found := crashEverywhere(t, func(w *World) *flow.Pipeline {
		values := make([]int, mostCrashes)

		return flow.New("p", flow.From(w.Source("numbers", values...)).To(w.Sink[int]("sink")))
	})
	if !strings.Contains(found, "more than 1000 effects") {
		t.Errorf("found %q", found)
	}
}

func TestClockSkewMovesEventTimes(t *testing.T) {
	back := false
	for seed := uint64(0); seed < 200 && !back; seed++ {
		var sink *SimSink[int]
		simulate(t, newPlan(seed, ClockSkew), func(w *World) *flow.Pipeline {
			sink = w.Sink[int]("sink")

			return flow.New("p", flow.From(w.numbers()).To(sink))
		}, false)
		var last time.Time
		for _, m := range sink.Messages() {
			if m.Time().IsZero() {
				t.Fatal("a message has no time")
			}
			back = back || m.Time().Before(last)
			last = m.Time()
		}
	}
	if !back {
		t.Error("event times never go backward")
	}
}
