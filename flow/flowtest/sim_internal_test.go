package flowtest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// everything is a flow in which many goroutines meet.
func everything(w *World) *flow.Pipeline {
	numbers := w.Source("numbers", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	rejected := w.Sink[connector.DeadLetter[int]]("rejected")
	left, right := w.Sink[int]("left"), w.Sink[int]("right")
	ask := w.Caller("double", func(n int) (int, error) { return 2 * n, nil })
	read := flow.From(numbers).DeadLetter(rejected).Buffer(3, flow.Block)
	once := read.OncePerMessage(w.Store("state"), time.Hour).
		Unordered(3, func(f flow.Flow[int]) flow.Flow[int] {
			return f.Do(flow.Ask("double", ask).Timeout(5 * time.Second).Retry(retry.Policy{}))
		})

	return flow.New("everything",
		once.Batch(4, time.Second).To(left),
		once.Via(w.Queue[int]("hop")).KeyBy(func(n int) int { return n % 3 }).
			Parallel(2, func(f flow.Flow[int]) flow.Flow[int] {
				return f.Map(func(_ context.Context, n int) (int, error) { return n + 1, nil })
			}).To(flow.Into(right).Retry(retry.Policy{})))
}

// traced runs a schedule and returns all that happened in it.
func traced(t *testing.T, seed uint64, build func(*World) *flow.Pipeline) []string {
	var s *schedule
	synctest.Test(t, func(*testing.T) {
		s = newSchedule(newPlan(seed, allFaults), build, true)
		s.trace.inner = true
		s.run()
	})
	lines := append(slices.Clone(s.trace.lines), strconv.FormatUint(s.trace.sum, 16))
	for _, p := range s.problems {
		lines = append(lines, p.Error())
	}

	return lines
}

func TestSameSeedSameTrace(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for seed := range uint64(150) {
		build := everything
		if seed%3 > 0 {
			build = func(w *World) *flow.Pipeline {
				p, _, _ := generate(w, seed, script(seed)...)

				return p
			}
		}
		var first []string
		for i, procs := range []int{1, 8, 2} {
			runtime.GOMAXPROCS(procs)
			lines := traced(t, seed, build)
			if i == 0 {
				first = lines

				continue
			}
			if at := differ(first, lines); at >= 0 {
				t.Fatalf("seed %d differs with GOMAXPROCS %d at line %d:\n%s\n-- and --\n%s", seed, procs, at,
					strings.Join(first[max(at-30, 0):min(at+5, len(first))], "\n"),
					strings.Join(lines[max(at-3, 0):min(at+5, len(lines))], "\n"))
			}
		}
	}
}

func TestDifferentSeedsDifferentTraces(t *testing.T) {
	sums := make(map[uint64]bool)
	for seed := range uint64(50) {
		sums[simulate(t, newPlan(seed, allFaults), everything, false).trace.sum] = true
	}
	if len(sums) < 49 {
		t.Errorf("50 seeds have %d different traces", len(sums))
	}
}

func differ(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return i
		}
	}

	return -1
}

func TestBoundsOfASchedule(t *testing.T) {
	for _, c := range []struct {
		name, want string
		build      func(w *World) *flow.Pipeline
	}{
		{"effects without end", "the schedule does not end: after 20001 effects", func(w *World) *flow.Pipeline {
			sink := w.Sink[int]("sink")

			return flow.New("p", flow.From(w.Source("numbers", 1)).Map(func(ctx context.Context, n int) (int, error) {
				for w.Do(ctx, "again", func(context.Context) error { return nil }) == nil {
				}

				return n, nil
			}).To(sink))
		}},
		{"time without end", "nothing has moved for", func(w *World) *flow.Pipeline {
			return flow.New("p", flow.From(w.Source("numbers", 1)).Map(func(ctx context.Context, n int) (int, error) {
				<-ctx.Done()

				return n, nil
			}).To(w.Sink[int]("sink")))
		}},
		{"starts without end", "the pipeline fails again and again without any fault", func(w *World) *flow.Pipeline {
			numbers := w.Source("numbers", 1).Declare(connector.Capabilities{})

			return flow.New("p", flow.From(numbers).Map(func(_ context.Context, n int) (int, error) {
				return n, errPoison
			}).To(w.Sink[int]("sink")))
		}},
		{"no pipeline", "build returned no pipeline", func(*World) *flow.Pipeline { return nil }},
		{"a definition that is wrong", "stage buffer: ", func(w *World) *flow.Pipeline {
			return flow.New("p", flow.From(w.Source("numbers", 1)).Buffer(0, flow.Block).To(w.Sink[int]("sink")))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := simulate(t, newPlan(0, 0), c.build, false)
			if problem := errors.Join(s.problems...); problem == nil || !strings.Contains(problem.Error(), c.want) {
				t.Errorf("got %v, want %q", problem, c.want)
			}
		})
	}
}

// A sink behind a broadcast to a queue gets its messages from the source, in the order of
// the source; what the queue hands out later does not count.
func TestOrderIsThatOfTheOwnSource(t *testing.T) {
	for seed := range uint64(100) {
		s := simulate(t, newPlan(seed, allFaults), func(w *World) *flow.Pipeline {
			read := flow.From(w.numbers())
			retried := flow.Into(w.Sink[int]("near").InOrder(nil)).Retry(retry.Policy{})
			mixed := read.Unordered(3, func(f flow.Flow[int]) flow.Flow[int] {
				return f.Do(flow.Ask("ask", w.Caller("ask", func(n int) (int, error) { return n, nil })))
			})

			return flow.New("p", read.To(retried), mixed.Via(w.Queue[int]("queue")).To(w.Sink[int]("far")))
		}, false)
		if len(s.problems) > 0 {
			t.Fatal(explain(t, s, ""))
		}
	}
}
