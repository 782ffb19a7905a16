package flow

import (
	"context"
)

// Router sends each message down one of several branches: the first whose predicate is
// true, or else the one of Else. It is immutable like a Flow; only Else makes an End of
// it, so that no message can be without a branch.
type Router[T any] struct {
	at    *node
	cases []routeCase[T]
}

type routeCase[T any] struct {
	name  string
	match func(T) bool
	build func(Flow[T]) End
}

// Route begins a choice between branches.
func (f Flow[T]) Route[R Router[T]]() R {
	n := passNode("route", f.n)

	return R(Router[T]{at: n})
}

// Case adds a branch for the values for which match is true and no earlier case's was.
// build closes the branch with an end.
func (r Router[T]) Case(name string, match func(T) bool, build func(Flow[T]) End) Router[T] {
	cases := append(r.cases[:len(r.cases):len(r.cases)], routeCase[T]{name, match, build})

	return Router[T]{at: r.at, cases: cases}
}

// Else closes the choice with the branch for every other value.
func (r Router[T]) Else(build func(Flow[T]) End) End { return route(r, build) }

func route[T any](r Router[T], otherwise func(Flow[T]) End) End {
	if r.at == nil {
		r = Router[T]{at: passNode("route", nil), cases: r.cases} // of a zero Router
	}
	n := r.at.copy()
	n.traits |= ends
	n.require(len(r.cases) > 0, "it has no Case, so everything takes Else: remove the Route")
	all := append(r.cases[:len(r.cases):len(r.cases)], routeCase[T]{name: "else", build: otherwise})
	matches := make([]func(T) bool, 0, len(r.cases))
	names := make(map[string]bool, len(all))
	for i, c := range all {
		n.require(c.name != "", "a case has no name")
		n.require(!names[c.name], "two cases have the name %q", c.name)
		names[c.name] = true
		n.require(c.build != nil && (c.match != nil || i == len(all)-1), "case %q: a function is nil", c.name)
		n.options = append(n.options, option("case", c.name))
		if c.build == nil {
			continue
		}
		matches = append(matches, c.match)
		port := passing[T](kindBranch, n)
		port.branch = c.name
		end := c.build(Flow[T]{n: port})
		n.require(end.n != nil, "case %q has no end: return one made by To or ForEach", c.name)
		// The port stands beside its end, so that it is found even if the end is not below it.
		n.sides = append(n.sides, port, end.n)
	}
	n.dispatch = func(w *wiring, n *node, branches []any) any { return dispatch(w, n, branches, matches) }
	n.wire = func(w *wiring, n *node) any { return w.feed(n) }

	return End{n: n}
}

const (
	kindBranch = "branch"
	kindBody   = "body"
	kindTee    = "tee"
	kindVia    = "via"
	kindDelay  = "delay"
)

func dispatch[T any](w *wiring, n *node, branches []any, matches []func(T) bool) any {
	c := w.counter(n)
	pushes := make([]push[T], len(branches))
	for i, b := range branches {
		pushes[i] = b.(push[T]) //nolint:forcetypeassert // the compiler of blueprints made it
	}
	last := len(pushes) - 1

	return push[T](func(ctx context.Context, it *item, value *T) error {
		c.begin()
		for i, p := range pushes[:last] {
			if matches[i](*value) {
				return p(ctx, it, value)
			}
		}

		return pushes[last](ctx, it, value)
	})
}
