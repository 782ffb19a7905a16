package flow

import "context"

// broadcast gives each message to several branches. Each branch has an item of its own;
// the message ends when all of them have.
func broadcast(w *wiring, out erasure, branches []any) any {
	pushes := make([]loose, len(branches))
	for i, b := range branches {
		pushes[i] = out.loosen(b)
	}
	l, derived := w.lane, &w.run.pipeline.derived

	return out.tighten(func(ctx context.Context, it *item, value any) error {
		f, returned := newFan(derived, it), false
		defer leave(l, it, f.close, &returned)
		for _, p := range pushes {
			part := f.part(it.meta)
			pushed(l, part, func() error { return p(ctx, part, value) })
		}
		returned = true

		return f.close(nil)
	})
}

// Tee gives each message to a side branch as well, which build closes with an end. The
// message ends when both have; Buffer in the side branch decouples their pace, not their
// outcome.
func (f Flow[T]) Tee[Same Flow[T]](build func(Flow[T]) End) Same { return Same(tee(f, build)) }

func tee[T any](f Flow[T], build func(Flow[T]) End) Flow[T] {
	n := passing[T](kindTee, f.n)
	n.traits |= makes
	n.require(build != nil, "the function that builds the branch is nil")
	if build == nil {
		return Flow[T]{n: n}
	}
	side := build(Flow[T]{n: n})
	n.require(side.n != nil, "the branch has no end: return one made by To or ForEach")
	n.sides = append(n.sides, side.n)

	return Flow[T]{n: n}
}

// passing makes a stage that only counts.
func passing[T any](kind string, ups ...*node) *node {
	n := newNode[T](kind, ups...)
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[T]), w.counter(n)

		return push[T](func(ctx context.Context, it *item, value *T) error {
			c.begin()

			return next(ctx, it, value)
		})
	}

	return n
}
