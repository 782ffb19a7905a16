package flowtest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/flow"
)

// SimOptions are the settings of [Sim] and [Crash]. The zero value is ready for use.
type SimOptions struct {
	// Schedules is how many schedules Sim runs; default 300. The environment variable
	// MILLRACE_SIM sets another number for every Sim.
	Schedules int
	// Seed is that of the first schedule; the others follow. Seed 0, the default, is a
	// schedule without faults. The environment variable MILLRACE_SEED runs the one
	// schedule that has the seed.
	Seed uint64
	// Without are faults that do not happen; default none.
	Without Fault
}

// Sim runs a pipeline of yours under many schedules and checks that it keeps what millrace
// promises: that no message is lost, settled twice in different ways, or delivered more
// often than there is a reason for; that the ledger closes; that a stop leaves what it
// reports; and what build asks for with [World.Check].
//
// build makes the pipeline, with connectors that it gets from the World. In a schedule
// their effects happen one at a time, in an order that depends on the seed; they fail,
// time out, work but report that they did not, come late, twice or out of order; time
// leaps; the process crashes and build is called again, on the same sources, queues,
// stores and sinks. After some time the faults end, and the pipeline must finish.
//
// A schedule that fails is repeated with ever fewer faults, printed, and can be replayed
// with its seed: the same seed gives the same schedule, with and without -race, on any
// number of processors. For that the functions of the flow must not depend on anything
// else that changes, such as random numbers or the order of a map, and must wait for
// nothing but connectors of the World and the time. Sim makes a testing/synctest bubble
// for each schedule, so it must not be called inside of one.
func Sim(t *testing.T, build func(*World) *flow.Pipeline, options SimOptions) {
	t.Helper()
	if found := search(t, build, options); found != "" {
		t.Fatal(found)
	}
}

// search runs the schedules until one fails, and explains that one.
func search(t *testing.T, build func(*World) *flow.Pipeline, options SimOptions) string {
	t.Helper()
	first, count := options.Seed, uint64(max(options.Schedules, 0))
	if count == 0 {
		count = 300
	}
	if n, ok := number(t, "MILLRACE_SIM"); ok {
		count = n
	}
	if n, ok := number(t, "MILLRACE_SEED"); ok {
		first, count = n, 1
	}
	effects, traces := 0, make(map[uint64]bool)
	for seed := first; seed < first+count; seed++ {
		s := simulate(t, newPlan(seed, allFaults&^options.Without), build, false)
		effects += s.steps
		traces[s.trace.sum] = true
		if len(s.problems) > 0 {
			name := strings.ReplaceAll(t.Name(), "/", "$/^")

			return explain(t, s, fmt.Sprintf("MILLRACE_SEED=%d go test -run '^%s$'", seed, name))
		}
	}
	t.Logf("flowtest: %d schedules from seed %d, %d of them different, %d effects", count, first, len(traces), effects)

	return ""
}

// mostCrashes bounds the effects of a pipeline that Crash walks: the work grows with the
// square of their number.
const mostCrashes = 1000

// Crash runs a pipeline of yours once for each effect that it has: the process crashes
// before the first effect and starts again, then after the first one, after the second
// one, and so on. Each time everything that [Sim] checks must hold. There are no other
// faults. A pipeline with more than 1,000 effects fails the test: a few messages show as
// much.
func Crash(t *testing.T, build func(*World) *flow.Pipeline) {
	t.Helper()
	crashes, found := crashEverywhere(t, build)
	if found != "" {
		t.Fatal(found)
	}
	t.Logf("flowtest: the process crashed at each of %d places", crashes)
}

// crashEverywhere counts the crashes, and explains the first that shows a problem.
func crashEverywhere(t *testing.T, build func(*World) *flow.Pipeline) (crashes int, found string) {
	t.Helper()
	for at := 0; ; at++ {
		s := simulate(t, plan{crashAt: max(at, 1), crashFirst: at == 0}, build, false)
		switch {
		case len(s.problems) > 0:
			return at, explain(t, s, fmt.Sprintf("go test -run '^%s$'", t.Name()))
		case s.faults == 0:
			return at, ""
		case s.steps > mostCrashes:
			return at, fmt.Sprintf("flowtest: the pipeline has more than %d effects, too many to crash at each: give it fewer messages", mostCrashes)
		}
	}
}

// simulate runs one schedule in a bubble of its own.
func simulate(t *testing.T, p plan, build func(*World) *flow.Pipeline, verbose bool) (s *schedule) {
	defer func() {
		// The bubble panics when goroutines are left that can never go on.
		if r := recover(); r != nil {
			if s == nil {
				panic(r)
			}
			s.problem("the schedule cannot end: %v", r)
		}
	}()
	dog := newWatchdog()
	defer dog.watch(p.seed)()
	synctest.Test(t, func(*testing.T) {
		s = newSchedule(p, build, verbose)
		s.pulse = &dog.pulse
		s.run()
	})

	return s
}

// number reads an environment variable.
func number(t testing.TB, name string) (uint64, bool) {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("flowtest: %s is %q: want a number", name, text)
	}

	return n, true
}

// explain shrinks a schedule that fails and describes it.
func explain(t *testing.T, s *schedule, replay string) string {
	t.Helper()
	all := len(s.injected)
	short := shrink(s, func(p plan, verbose bool) *schedule { return simulate(t, p, s.build, verbose) })

	return fmt.Sprintf("flowtest: the schedule fails:\n\t%s\nThe shortest schedule that still fails has %d of %d faults:\n\n%s\n\nReplay it with:\n\t%s",
		strings.ReplaceAll(errors.Join(short.problems...).Error(), "\n", "\n\t"), short.faults, all, short.trace.text(), replay)
}
