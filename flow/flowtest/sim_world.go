package flowtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// World is what a simulated pipeline runs in. It hands out connectors whose every effect
// waits for the simulation. What is behind a name stays the same when the pipeline is
// built again after a crash: sources keep what is not settled, stores and queues what
// they hold, sinks what they accepted.
//
// Its methods are for the function that builds the pipeline.
type World struct {
	sim  *schedule
	life *life
	// endpoints are kept in the order in which they were first asked for.
	endpoints []endpoint
	checks    []namedCheck
	// handouts counts how often a message was handed out, by ID.
	handouts map[string]int
}

// endpoint is the state behind a name, over all lives.
type endpoint interface {
	name() string
	// done reports whether nothing is left to do; unfinished says what is.
	done() bool
	unfinished() string
	// restart loses what a process holds in memory and gives back what it was handed.
	restart()
	// check returns what is wrong at the end.
	check(w *World) []error
}

type namedCheck struct {
	name  string
	check func() error
}

func newWorld(s *schedule) *World { return &World{sim: s, handouts: make(map[string]int)} }

// Check adds a condition that must hold when every message has ended, after faults,
// crashes and restarts. A name that is used again takes the place of the earlier one.
func (w *World) Check(name string, check func() error) {
	if at := slices.IndexFunc(w.checks, func(c namedCheck) bool { return c.name == name }); at >= 0 {
		w.checks[at].check = check

		return
	}
	w.checks = append(w.checks, namedCheck{name, check})
}

// Do makes an effect of a function: what a ForEach does, or a connector of your own. It
// may fail, be late, crash and so on like those of the connectors of the World.
func (w *World) Do(ctx context.Context, name string, work func(ctx context.Context) error) error {
	return w.life.do(effect{ctx: ctx, name: name, allow: fallible}, func(*effect) error { return work(ctx) })
}

// Draw returns a number from 0 to n-1 that depends on the seed and the name alone: for
// flows and inputs that differ from schedule to schedule.
func (w *World) Draw(name string, n int) int {
	return int(mix(w.sim.plan.seed, hash(name)) % uint64(max(n, 1)))
}

// do waits for the turn of an effect and does it.
func (l *life) do(e effect, work func(e *effect) error) error {
	e.life = l
	f := l.sim.gate.enter(&e)
	if !f.happens() {
		return f.error(e.ctx)
	}
	err := work(&e)
	if f.fault == Crashing {
		l.crashed = true
		l.sim.gate.haunt(&e)

		return errCrashed
	}
	if err != nil {
		return err
	}

	return f.error(e.ctx)
}

// moved notes that a message got somewhere.
func (l *life) moved() { l.sim.moved, l.sim.waits = time.Now(), 0 }

// find returns the endpoint of a name, or makes it.
func find[E endpoint](w *World, name string, create func() E) E {
	for _, e := range w.endpoints {
		if e.name() != name {
			continue
		}
		same, ok := e.(E)
		if !ok {
			w.sim.problem("two different connectors have the name %q", name)

			return create()
		}

		return same
	}
	e := create()
	w.endpoints = append(w.endpoints, e)

	return e
}

func (w *World) done() bool {
	return !slices.ContainsFunc(w.endpoints, func(e endpoint) bool { return !e.done() })
}

func (w *World) unfinished() string {
	var texts []string
	for _, e := range w.endpoints {
		if !e.done() {
			texts = append(texts, e.unfinished())
		}
	}
	if len(texts) == 0 {
		return "everything is done"
	}

	return strings.Join(texts, "; ")
}

// restart loses what was in the memory of the process.
func (w *World) restart() {
	for _, e := range w.endpoints {
		e.restart()
	}
}

// ids lists the messages of an effect for the trace.
func ids[T any](messages []connector.Message[T]) func() string {
	return func() string {
		texts := make([]string, len(messages))
		for i, m := range messages {
			texts[i] = m.ID()
		}

		return fmt.Sprintf("%d: %s", len(messages), strings.Join(texts, " "))
	}
}
