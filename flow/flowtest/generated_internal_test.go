package flowtest

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/flow"
)

// schedulesPerTest is how many schedules a plain go test runs: some ten seconds with
// the race detector on an idle machine. make sim runs many more.
const schedulesPerTest = 1_500

// survey is what simulations of generated pipelines found and covered.
type survey struct {
	mu sync.Mutex
	// digest is one number for all traces: the same in every run of the same schedules.
	digest  uint64
	traces  map[uint64]bool
	effects []int
	steps   int
	covered map[pair]bool
	refused map[pair]string
	failed  bool
}

// script has every kind of stage alone, nothing, and every pair of kinds, in turn.
func script(seed uint64) []string {
	all := kinds()
	n, turn, i := uint64(len(all)), seed/4, seed/4*3+seed%4-1
	switch {
	case seed%4 > 0 && i/n%(n+1) < n:
		return []string{all[i%n].name, all[i/n%(n+1)].name}
	case seed%4 > 0:
		return []string{all[i%n].name, "route"}
	case turn%2 == 0:
		return []string{all[turn/2%n].name}
	default:
		return nil
	}
}

// pairs lists every pair of stages that a pipeline could have.
func pairs() []pair {
	var list []pair
	for _, a := range kinds() {
		list = append(list, pair{"from", a.name}, pair{a.name, "end"}, pair{a.name, "route"})
		for _, b := range kinds() {
			list = append(list, pair{a.name, b.name})
		}
	}

	return list
}

// simulate runs the schedule of a seed.
func (v *survey) simulate(t *testing.T, seed uint64) {
	begin := script(seed)
	var g *generator
	var refused string
	s := simulate(t, newPlan(seed, allFaults), func(w *World) (p *flow.Pipeline) {
		p, g, refused = generate(w, seed, begin...)

		return p
	}, false)
	if len(s.problems) > 0 {
		t.Log(s.world.life.pipeline.Graph().Mermaid())
		t.Error(explain(t, s, "MILLRACE_SEED="+strconv.FormatUint(seed, 10)+" go test -run TestGeneratedPipelines ./flow/flowtest"))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failed = v.failed || len(s.problems) > 0
	v.digest ^= mix(s.trace.sum, seed) // in any order
	v.traces[s.trace.sum] = true
	v.effects = append(v.effects, s.steps)
	v.steps += s.steps + s.turns
	for p := range g.pairs {
		v.covered[p] = true
	}
	if refused != "" && len(begin) == 2 {
		v.refused[pair(begin)] = refused
	}
}

// TestGeneratedPipelines simulates every stage alone, every pair of stages and random
// pipelines. MILLRACE_SIM sets how many schedules, MILLRACE_SEED the first seed, or the
// only one.
func TestGeneratedPipelines(t *testing.T) {
	first, seeded := number(t, "MILLRACE_SEED")
	count, counted := number(t, "MILLRACE_SIM")
	switch {
	case counted:
	case seeded:
		count = 1
	case testing.Short():
		count = schedulesPerTest / 10
	default:
		count = schedulesPerTest
	}
	v := &survey{traces: make(map[uint64]bool), covered: make(map[pair]bool), refused: make(map[pair]string)}
	start := time.Now()
	t.Run("schedules", func(t *testing.T) {
		shards := uint64(runtime.GOMAXPROCS(0))
		for shard := range shards {
			t.Run(strconv.FormatUint(shard, 10), func(t *testing.T) {
				t.Parallel()
				for seed := first + shard; seed < first+count && (!t.Failed() || os.Getenv("MILLRACE_ALL") != ""); seed += shards {
					v.simulate(t, seed)
				}
			})
		}
	})
	v.report(t, first, time.Since(start))
}

func (v *survey) report(t *testing.T, first uint64, took time.Duration) {
	slices.Sort(v.effects)
	schedules, median := len(v.effects), v.effects[len(v.effects)/2]
	covered := 0
	var missing []pair
	for _, p := range pairs() {
		switch {
		case v.covered[p]:
			covered++
			delete(v.refused, p)
		case v.refused[p] == "":
			missing = append(missing, p)
		}
	}
	t.Logf("%d schedules from seed %d, %d distinct traces, median %d effects, %d pairs of stages covered, "+
		"%d that no pipeline can have, %d missing; digest %016x; %d steps in %v, %.0f steps/s",
		schedules, first, len(v.traces), median, covered, len(v.refused), len(missing), v.digest,
		v.steps, took.Round(time.Millisecond), float64(v.steps)/took.Seconds())
	if schedules < schedulesPerTest || v.failed {
		return
	}
	if len(missing) > 0 {
		t.Errorf("these pairs of stages were not covered: %v", missing)
	}
	if median < 50 {
		t.Errorf("the median schedule has %d effects, want at least 50", median)
	}
	if len(v.traces) < schedules*99/100 {
		t.Errorf("only %d of %d schedules are distinct", len(v.traces), schedules)
	}
}
