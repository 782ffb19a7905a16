package flow

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/turns"
)

// To closes the flow with a sink. Each message is written by itself as it arrives; put a
// Batch before it to write many at once.
func (f Flow[T]) To[Same Flow[T]](sink connector.Sink[T]) End { return to(f, sink) }

func to[T any](f Flow[T], sink connector.Sink[T]) End {
	n := newSinkNode("to", f.n, sink)
	n.wire = func(w *wiring, n *node) any {
		c, sink := w.counter(n), oneByOne(w, n, sink)
		// One slice serves every Write: the sink must not keep it.
		one := make([]connector.Message[T], 1)

		return push[T](func(ctx context.Context, it *item, value *T) error {
			one[0].Meta, one[0].Value = it.meta, *value // each by itself: putting them together first takes longer
			start := started(c.begin())
			err := sink.Write(ctx, one)
			c.end(start)
			if err != nil {
				if err = fate(err, 0, 1); err != nil {
					return c.fail(it, err)
				}
			}
			c.ended(it, connector.Delivered)

			return nil
		})
	}

	return End{n: n}
}

// ForEach closes the flow with a function. A message is delivered when fn returns nil.
func (f Flow[T]) ForEach[Same Flow[T]](fn func(context.Context, T) error) End { return forEach(f, fn) }

func forEach[T any](f Flow[T], fn func(context.Context, T) error) End {
	n := passNode("for-each", f.n)
	n.traits |= ends | fails
	n.require(fn != nil, "the function is nil")
	n.wire = func(w *wiring, n *node) any {
		c := w.counter(n)

		return push[T](func(ctx context.Context, it *item, value *T) error {
			start := started(c.begin())
			err := fn(ctx, *value)
			c.end(start)
			if err != nil {
				return c.fail(it, err)
			}
			c.ended(it, connector.Delivered)

			return nil
		})
	}

	return End{n: n}
}

// oneByOne makes the workers of a parallel stage take turns: one stage never writes
// concurrently.
func oneByOne[T any](w *wiring, n *node, sink connector.Sink[T]) connector.Sink[T] {
	if w.plan.inside[n] == nil {
		return sink
	}
	turn := w.run.turn(n)

	return connector.SinkFunc[T](func(ctx context.Context, messages []connector.Message[T]) error {
		turns.Wait(w.run.keeper, "sink", func() { turn <- struct{}{} })
		defer func() { <-turn }()

		return sink.Write(ctx, messages) //nolint:wrapcheck // the lock is transparent
	})
}

// turn returns the right to write to the sink of a stage: who puts a value in has it. It
// is a channel because it is held while a driver waits, which a mutex would hide from
// testing/synctest.
func (r *run) turn(n *node) chan struct{} {
	if r.turns[n] == nil {
		r.turns[n] = make(chan struct{}, 1)
	}

	return r.turns[n]
}

func newSinkNode[T any](kind string, up *node, sink connector.Sink[T]) *node {
	n := passNode(kind, up)
	n.traits |= ends | fails
	n.require(sink != nil, "the sink is nil: pass a connector.Sink")
	n.writesTo(sink)

	return n
}

// writesTo takes over the sink, with its policies where it is a Delivery.
func (n *node) writesTo(sink any) {
	n.endpoint = sink
	if p, ok := sink.(interface{ plan() ([]Option, []string) }); ok {
		n.uses(p.plan())
	}
}

// uses takes over the options and the problems of what the stage is given.
func (n *node) uses(options []Option, problems []string) {
	n.options = append(n.options, options...)
	n.problems = append(n.problems, problems...)
}

// write calls the sink once, timing it and turning a panic into an error.
func write[T any](ctx context.Context, c *counter, sink connector.Sink[T], messages []connector.Message[T]) error {
	start := started(c.begin())
	err := writeGuarded(ctx, sink, messages)
	c.end(start)

	return err
}

func writeGuarded[T any](ctx context.Context, sink connector.Sink[T], messages []connector.Message[T]) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = connector.Permanent(&PanicError{Value: r, Stack: debug.Stack()})
		}
	}()

	return sink.Write(ctx, messages)
}

// fate returns what a Write of n messages did with the i-th (invariant 13): nil when it
// was accepted.
func fate(err error, i, n int) error {
	if err == nil {
		return nil
	}
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok {
		return err
	}
	if len(partial.Members) != n {
		return connector.Ambiguous(
			fmt.Errorf("the sink's PartialError has %d members for %d messages: %w", len(partial.Members), n, err))
	}
	m := partial.Members[i]
	switch m.Fate {
	case connector.Accepted:
		return nil
	case connector.Unclear:
		return connector.Ambiguous(orUnnamed(m.Err))
	case connector.NotAttempted:
		return connector.Transient(fmt.Errorf("not attempted: %w", err))
	case connector.Failed:
		return orUnnamed(m.Err)
	default:
		return fmt.Errorf("the sink's PartialError has %v: %w", m.Fate, err)
	}
}

var errUnnamed = errors.New("the sink gave no cause")

func orUnnamed(err error) error {
	if err == nil {
		return errUnnamed
	}

	return err
}
