package flow

import (
	"reflect"
	"slices"
)

// check finds what is wrong with a stage in its place (invariant 16).
func (p *plan) check(n *node, config Config) {
	p.checkUps(n)
	if n.bound > 0 && n.bound > config.MaxInFlight {
		p.problem(n, "it collects up to %d messages, but the pipeline allows %d in flight: raise Config.MaxInFlight or lower the bound",
			n.bound, config.MaxInFlight)
	}
	if n.traits.has(retries) {
		p.checkRetry(n)
	}
	if n.body != nil {
		p.checkBody(n)
	}
	if n.kind == kindVia || n.kind == kindDelay {
		p.checkQueue(n)
	}
	if n.kind == kindBranch && len(p.consumers[n]) == 0 {
		p.problem(n, "the function that builds it does not use the flow that it is given: build on it")
	}
}

// checkUps finds what cannot stand above the stage.
func (p *plan) checkUps(n *node) {
	for _, up := range n.ups {
		if up = p.real(up); up == nil {
			p.problem(n, "it stands on a zero Flow: start with flow.From or flow.Merge")
		} else if p.inside[up] != p.inside[n] {
			p.problem(n, "stage %s (%s) is on the other side of the body of a parallel stage: "+
				"only the flow that it is given leads into it, and only the one that it returns leads out", p.names[up], up.at)
		}
	}
	if n.kind == kindTee && len(n.sides) > 0 && len(p.consumers[n]) < 2 {
		p.problem(n, "the function that builds the branch does not use the flow that it is given: build on it")
	}
}

// checkQueue refuses a queue that two stages would read from, each what is the other's.
func (p *plan) checkQueue(n *node) {
	for _, m := range p.nodes[:slices.Index(p.nodes, n)] {
		hop := m.kind == kindVia || m.kind == kindDelay
		if hop && m.endpoint != nil && reflect.ValueOf(m.endpoint).Comparable() && m.endpoint == n.endpoint {
			p.problem(n, "the queue is in use by the %s at %s: give each stage a queue of its own", m.kind, m.at)
		}
	}
}

// checkRetry refuses a Retry above a stage whose failure it would not see, or whose
// healthy parts it would repeat.
func (p *plan) checkRetry(n *node) {
	unfit := p.below(n, func(m *node) bool {
		return m.traits.has(holds|makes|frames|lanes|retries|joint) || p.broadcasts(m)
	})
	if p.broadcasts(n) {
		unfit = n
	}
	switch {
	case unfit == nil:
	case unfit == n || p.broadcasts(unfit):
		p.problem(n, "it would repeat the healthy branches of the broadcast at stage %s (%s): "+
			"put a Retry into each branch, or flow.Into(sink).Retry on the sinks", p.names[unfit], unfit.at)
	case unfit.traits.has(retries):
		p.problem(n, "the Retry at stage %s (%s) is inside it, so attempts would multiply: keep one of them",
			p.names[unfit], unfit.at)
	case unfit.traits.has(joint):
		p.problem(n, "a Retry in the body of Parallel does not see what fails behind it: "+
			"use flow.Step.Retry on the call, or flow.Into(sink).Retry on the sink")
	default:
		p.problem(n, "it does not see the failures behind the %s at stage %s (%s): put the Retry below it, "+
			"use flow.Step.Retry on the call, or flow.Into(sink).Retry on the sink", unfit.kind, p.names[unfit], unfit.at)
	}
}

func (p *plan) broadcasts(n *node) bool { return len(p.consumers[n]) > 1 && n.dispatch == nil }

// checkBody refuses, inside a parallel stage, what cannot work there.
func (p *plan) checkBody(n *node) {
	if len(p.consumers[p.real(n.body)]) == 0 {
		p.problem(n, "the body does not use the flow that it is given: build on it")
	}
	for _, m := range p.nodes {
		if p.inside[m] != n {
			continue
		}
		switch {
		case m.open != nil, m.kind != kindBody && len(m.ups) == 0:
			p.problem(m, "the body of the parallel stage %s must be built on the flow that it is given", p.names[n])
		case m.traits.has(lanes):
			p.problem(m, "a %s inside the parallel stage %s runs things on yet another goroutine: put it before or after",
				m.kind, p.names[n])
		case m.traits.has(alone):
			p.problem(m, "a %s inside the parallel stage %s needs to see all messages, not those of one goroutine: "+
				"put it before or after", m.kind, p.names[n])
		case m.traits.has(holds) && n.traits.has(keepsOrder):
			p.problem(m, "a %s inside the ordered parallel stage %s cannot keep the order: use Unordered or KeyBy, or put it after",
				m.kind, p.names[n])
		}
	}
}
