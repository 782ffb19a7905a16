package flowtest

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/flow"
)

// Cover runs the tests of a package and prints what of its pipelines they have exercised;
// it returns the exit status for os.Exit: that of the tests, or 1 when less than the
// percentage was. Call it from TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(flowtest.Cover(m, 90)) }
//
// What counts is everything that a stage can do: be entered, which for a branch of a
// Route is the branch; fail, where it has a function or an endpoint that can; filter and let
// pass; recognise a duplicate; dead-letter; drop; try again; and for each option that
// decides something, such as a batch's wait or a call's timeout, to have decided. A Map of
// flow.Pure cannot fail. Pipelines of one name are counted as one. Counted are the pipelines
// that tests run with this package: Run, RunFails, Start, Sim, Crash, Replay.
//
// The report is printed in full; go test shows it with -v or when the status is not 0. With
// the flags -run, -skip or -short the percentage is printed and not asked for, because such
// a run leaves tests out.
func Cover(m interface{ Run() int }, percent int) int {
	return cover(m, percent, &covered, os.Stdout, partly())
}

// partly reports whether flags leave tests out.
func partly() bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return true
		}
	}

	return testing.Short()
}

// covered is what this process has exercised. Tests of a package share it, as they share
// the coverage of its code.
var covered coverage //nolint:gochecknoglobals // see above

// coverage notes what pipelines have done, by pipeline, stage and ability.
type coverage struct {
	mu     sync.Mutex
	on     bool
	flows  []string
	stages map[string][]coveredStage
}

// coveredStage is one stage, with everything that it can do.
type coveredStage struct {
	name      string
	abilities []ability
}

// ability is something that a stage can do, and whether it has.
type ability struct {
	name string
	done bool
}

// note adds what a pipeline has done so far.
func (c *coverage) note(p *flow.Pipeline) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return
	}
	if !slices.Contains(c.flows, p.Name()) {
		c.flows = append(c.flows, p.Name())
	}
	if c.stages == nil {
		c.stages = make(map[string][]coveredStage)
	}
	graph := p.Graph()
	for i, s := range p.Stats() {
		c.add(p.Name(), s.Stage, abilities(s, graph.Stages[i]))
	}
}

// add joins what a stage has done with what is known of it.
func (c *coverage) add(flow, stage string, all []ability) {
	stages := c.stages[flow]
	at := slices.IndexFunc(stages, func(s coveredStage) bool { return s.name == stage })
	if at < 0 {
		c.stages[flow] = append(stages, coveredStage{name: stage, abilities: all})

		return
	}
	known := &stages[at]
	for _, a := range all {
		i := slices.IndexFunc(known.abilities, func(k ability) bool { return k.name == a.name })
		if i < 0 {
			known.abilities = append(known.abilities, a)
		} else {
			known.abilities[i].done = known.abilities[i].done || a.done
		}
	}
}

func cover(m interface{ Run() int }, percent int, c *coverage, to io.StringWriter, partly bool) int {
	c.mu.Lock()
	c.on = true
	c.mu.Unlock()
	status := m.Run()
	c.mu.Lock()
	defer c.mu.Unlock()
	text, done, all := c.report()
	if !partly && done*100 < percent*all || all == 0 {
		text += fmt.Sprintf("flowtest: want %d%%: test what is listed, or ask for less\n", percent)
		status = max(status, 1)
	}
	if _, err := to.WriteString(text); err != nil {
		return max(status, 1)
	}

	return status
}
