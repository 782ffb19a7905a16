package flow

import "context"

// wiring builds the running stages of one run from a plan, from the ends up.
type wiring struct {
	run  *run
	plan *plan
	lane *lane
	// inputs are what the upstreams of a stage that has several share.
	inputs map[*node]any
	// leaves tell such a stage that one of its upstreams has ended.
	leaves map[*node]func()
	// joints close the bodies of the parallel stage that is being wired.
	joints map[*node]any
}

// on wires with another lane.
func (w *wiring) on(l *lane, wire func()) {
	outer := w.lane
	w.lane = l
	wire()
	w.lane = outer
}

// feed returns the push[Out] that serves everything below n.
func (w *wiring) feed(n *node) any {
	consumers := w.plan.consumers[n]
	branches := make([]any, len(consumers))
	for i, c := range consumers {
		branches[i] = w.input(c)
	}
	switch {
	case n.dispatch != nil:
		return n.dispatch(w, n, branches)
	case len(branches) == 1:
		return branches[0]
	default:
		return broadcast(w, n.out, branches)
	}
}

func (w *wiring) input(n *node) any {
	in := n.wire(w, n)
	if w.run.config.Recorder != nil {
		in = tap(w, n, in)
	}
	if len(n.ups) < 2 {
		return in
	}
	leave := w.leaves[n]
	w.lane.finals = append(w.lane.finals, func(context.Context) { leave() })

	return in
}

// counter returns a counter of the stage for the lane that is being wired. It is not inlined,
// because it would be compiled once for each type of a stage.
//
//go:noinline
func (w *wiring) counter(n *node) *counter {
	l := w.lane
	c := &counter{
		lane:    l,
		station: w.run.pipeline.stations[n],
		flow:    w.run.pipeline.name,
		index:   int32(len(l.counters)),
		at:      &l.at,
		mask:    sampleMask,
	}
	l.counters = append(l.counters, c)

	return c
}
