package flow

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// plan is a checked definition: every stage in the order from the sources down, with
// what is below it.
type plan struct {
	nodes     []*node
	consumers map[*node][]*node
	names     map[*node]string
	// keeps says of each source, and of each stage that makes messages, whether a stage below
	// it may keep one.
	keeps map[*node]bool
	// inside says of each node of a body which parallel stage it is in.
	inside map[*node]*node
	// versions has the version of each stage that counts: the one with a name.
	versions map[*node]*node
	// problems are listed in the order of the definition.
	problems []Problem
}

func newPlan(ends []End, config Config) *plan {
	p := &plan{
		consumers: make(map[*node][]*node),
		names:     make(map[*node]string),
		keeps:     make(map[*node]bool),
		inside:    make(map[*node]*node),
		versions:  make(map[*node]*node),
	}
	for _, e := range ends {
		p.choose(e.n, make(map[*node]bool))
	}
	for _, e := range ends {
		p.visit(e.n, nil)
	}
	p.name()
	for _, n := range p.nodes {
		for _, text := range n.problems {
			p.problem(n, "%s", text)
		}
		p.check(n, config)
	}
	for _, n := range p.nodes {
		if n.open != nil || n.traits.has(makes) {
			p.keeps[n] = p.below(n, func(m *node) bool { return m.traits.has(holds | lanes | joint) }) != nil
		}
	}

	return p
}

// choose picks, of each stage that n is connected to, the version that has a name.
func (p *plan) choose(n *node, seen map[*node]bool) {
	if n == nil || seen[n] {
		return
	}
	seen[n] = true
	switch v := p.versions[n.origin]; {
	case v == nil || v.name == "":
		p.versions[n.origin] = n
	case n.name != "" && n.name != v.name:
		p.problem(n, "the stage has two names, %q and %q: name it once, and use that flow for every branch", v.name, n.name)
	}
	for _, next := range slices.Concat(n.ups, n.sides, []*node{n.body}) {
		p.choose(next, seen)
	}
}

// real returns the version of a stage that counts.
func (p *plan) real(n *node) *node {
	if n == nil {
		return nil
	}

	return p.versions[n.origin]
}

// exit returns the stage that results of n come out of: for a parallel stage its join.
func (p *plan) exit(n *node) *node {
	for _, side := range n.sides {
		if side = p.real(side); side != nil && side.traits.has(joint) {
			return side
		}
	}

	return n
}

// visit adds n and everything that it is connected to, upstream first. body is the
// parallel stage that n is inside of, or nil.
func (p *plan) visit(n, body *node) {
	if n = p.real(n); n == nil || slices.Contains(p.nodes, n) {
		return
	}
	for _, up := range n.ups {
		p.visit(up, body)
	}
	if slices.Contains(p.nodes, n) {
		return // reached through a side of one above it
	}
	p.nodes = append(p.nodes, n)
	p.inside[n] = body
	for _, up := range n.ups {
		if up = p.real(up); up != nil {
			p.consumers[up] = append(p.consumers[up], n)
		}
	}
	inner := body
	if n.body != nil {
		inner = n
	}
	for _, side := range n.sides {
		p.visit(side, inner)
	}
}

func (p *plan) problem(n *node, format string, args ...any) {
	p.problems = append(p.problems, Problem{Stage: cmp.Or(n.name, p.names[n]), At: n.at.String(), Text: fmt.Sprintf(format, args...)})
}

// name gives every stage a name of its own: first those that the user chose, then the
// rest by their kind, then the branches by their route.
func (p *plan) name() {
	taken := make(map[string]*node)
	for _, n := range p.nodes {
		if n.name == "" {
			continue
		}
		first := taken[n.name]
		p.take(n, n.name, taken)
		if first != nil {
			p.problem(n, "the name %q is taken by the %s at %s: choose another in As", n.name, first.kind, first.at)
		}
	}
	for _, n := range p.nodes {
		if n.name == "" && n.kind != kindBranch {
			p.take(n, n.kind, taken)
		}
	}
	for _, n := range p.nodes {
		if n.kind == kindBranch {
			p.take(n, p.names[p.real(n.ups[0])]+":"+n.branch, taken)
		}
	}
}

// take names n, with a number where the name is taken.
func (p *plan) take(n *node, base string, taken map[string]*node) {
	name := base
	for i := 2; taken[name] != nil; i++ {
		name = base + "-" + strconv.Itoa(i)
	}
	taken[name] = n
	p.names[n] = name
}

// below returns the first stage below n, its bodies included, for which found is true.
func (p *plan) below(n *node, found func(*node) bool) *node {
	return p.search(n, found, make(map[*node]bool))
}

func (p *plan) search(n *node, found func(*node) bool, seen map[*node]bool) *node {
	next := slices.Clone(p.consumers[n])
	if n.body != nil {
		next = append(next, p.real(n.body))
	}
	for _, m := range next {
		if found(m) {
			return m
		}
		if seen[m] {
			continue
		}
		seen[m] = true
		if deeper := p.search(m, found, seen); deeper != nil {
			return deeper
		}
	}

	return nil
}
