package flow

import (
	"github.com/millrace-go/millrace/connector"
)

// Flow is an immutable blueprint of a stream of T. Each method returns a longer
// blueprint and leaves the one it is called on as it was; one that is used twice is a
// broadcast. A blueprint does nothing until a [Pipeline] runs it.
//
// The type parameter of a method that takes no other type, named Same after what it stands
// for, is always inferred and never written. It is there so that a program pays, in size and
// in time to compile, for the methods alone that it calls.
type Flow[T any] struct {
	n *node
}

// From starts a blueprint at a source.
func From[T any](source connector.Source[T]) Flow[T] {
	n := newNode[T]("from")
	n.endpoint = source
	n.require(source != nil, "the source is nil: pass a connector.Source")
	n.open = func(w *wiring, n *node) intake { return newStream(w, n, source) }

	return Flow[T]{n: n}
}

// As names the stage before it. The name appears in errors, metrics and diagrams, and
// must be the only one of its kind in a pipeline. Without it a stage is named after its
// kind, with a number from the second on: "map", "map-2".
func (f Flow[T]) As[Same Flow[T]](name string) Same { return Same(Flow[T]{n: f.n.named(name)}) }

// Apply puts in a part of a flow that is written as a function of its own.
func (f Flow[T]) Apply[Out any](part func(Flow[T]) Flow[Out]) Flow[Out] {
	if part == nil {
		n := stageNode[Out]("apply", f.n)
		n.problem("the function is nil")

		return Flow[Out]{n: n}
	}

	return part(f)
}

// End is a blueprint whose stream is closed: every message that reaches it ends there.
type End struct {
	n *node
}

// same reports whether both are the same stage, whatever they are named.
func (e End) same(other End) bool { return other.n != nil && e.n.origin == other.n.origin }

// As names the end.
func (e End) As(name string) End { return End{n: e.n.named(name)} }

// named returns a copy with a name. A nil node belongs to a zero Flow or End, which the
// pipeline reports.
func (n *node) named(name string) *node {
	if n == nil {
		return nil
	}
	c := *n
	c.name, c.problems = name, n.problems[:len(n.problems):len(n.problems)]
	c.require(name != "", "As was given an empty name")

	return &c
}
