package flow

import (
	"context"
	"reflect"
	"runtime"
	"strings"

	"github.com/millrace-go/millrace/connector"
)

// Pure makes a stage function of one that cannot fail and does not wait. Of nil it makes
// nil, which the stage reports.
func Pure[In, Out any](fn func(In) Out) func(context.Context, In) (Out, error) {
	if fn == nil {
		return nil
	}

	return func(_ context.Context, in In) (Out, error) { return fn(in), nil }
}

// isPure reports whether Pure made the function.
func isPure(fn any) bool {
	f := runtime.FuncForPC(reflect.ValueOf(fn).Pointer())

	return f != nil && strings.Contains(f.Name(), "/flow.Pure[")
}

// Map turns each value into another. A failure is that of the message: the nearest
// DeadLetter above takes it, or else the source gets the message back.
func (f Flow[T]) Map[Out any](fn func(context.Context, T) (Out, error)) Flow[Out] {
	return mapped("map", f, fn)
}

// Do runs one call of the step on each message and goes on with the reply.
func (f Flow[T]) Do[Out any](step Step[T, Out]) Flow[Out] {
	out := mapped("do", f, step.Call)
	out.n.endpoint = step
	out.n.uses(step.plan())

	return out
}

// Enrich asks the step for what belongs to the key of a value, and adds the reply to it.
func (f Flow[T]) Enrich[Key, Part any](key func(T) Key, step Step[Key, Part], with func(T, Part) T) Flow[T] {
	out := mapped("enrich", f, func(ctx context.Context, value T) (T, error) {
		part, err := step.Call(ctx, key(value))
		if err != nil {
			return value, err
		}

		return with(value, part), nil
	})
	out.n.endpoint = step
	out.n.require(key != nil && with != nil, "a function is nil: pass key and with")
	out.n.uses(step.plan())

	return out
}

// mapped is the one-to-one stage that the others are made of.
func mapped[In, Out any](kind string, f Flow[In], fn func(context.Context, In) (Out, error)) Flow[Out] {
	n := stageNode[Out](kind, f.n)
	n.require(fn != nil, "the function is nil")
	if !isPure(fn) {
		n.traits |= fails
	}
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Out]), w.counter(n)
		var out Out // one for all messages: a stage below copies what it keeps

		return push[In](func(ctx context.Context, it *item, value *In) (err error) {
			start := started(c.begin())
			out, err = fn(ctx, *value)
			c.end(start)
			if err != nil {
				return c.fail(it, err)
			}

			return next(ctx, it, &out)
		})
	}

	return Flow[Out]{n: n}
}

// MapMessage is Map for functions that read or change the metadata. The message that fn
// returns should be made with [connector.Derive] or carry changed metadata from one of
// Meta's With methods; without metadata it keeps that of the input.
func (f Flow[T]) MapMessage[Out any](
	fn func(context.Context, connector.Message[T]) (connector.Message[Out], error),
) Flow[Out] {
	n := stageNode[Out]("map-message", f.n)
	n.traits |= fails
	n.require(fn != nil, "the function is nil")
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Out]), w.counter(n)
		var out connector.Message[Out] // one for all messages, as in mapped

		return push[T](func(ctx context.Context, it *item, value *T) (err error) {
			start := started(c.begin())
			out, err = fn(ctx, connector.Message[T]{Meta: it.meta, Value: *value})
			c.end(start)
			if err != nil {
				return c.fail(it, err)
			}
			if out.Meta != nil {
				it.meta = out.Meta
			}

			return next(ctx, it, &out.Value)
		})
	}

	return Flow[Out]{n: n}
}

// Observe shows each message to fn, which must not change it, and passes it on.
func (f Flow[T]) Observe[Same Flow[T]](fn func(connector.Message[T])) Same {
	return Same(observe(f, fn))
}

func observe[T any](f Flow[T], fn func(connector.Message[T])) Flow[T] {
	n := passNode("observe", f.n)
	n.require(fn != nil, "the function is nil")
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[T]), w.counter(n)

		return push[T](func(ctx context.Context, it *item, value *T) error {
			c.begin()
			fn(connector.Message[T]{Meta: it.meta, Value: *value})

			return next(ctx, it, value)
		})
	}

	return Flow[T]{n: n}
}

// Filter passes on the values for which keep is true; the others end as filtered.
func (f Flow[T]) Filter[Same Flow[T]](keep func(T) bool) Same { return Same(filter(f, keep)) }

func filter[T any](f Flow[T], keep func(T) bool) Flow[T] {
	n := passNode("filter", f.n)
	n.require(keep != nil, "the predicate is nil")
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[T]), w.counter(n)

		return push[T](func(ctx context.Context, it *item, value *T) error {
			c.begin()
			if !keep(*value) {
				c.ended(it, connector.Filtered)

				return nil
			}

			return next(ctx, it, value)
		})
	}

	return Flow[T]{n: n}
}
