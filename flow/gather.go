package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// Gather asks several steps the same question at once and puts their replies together
// into one view. It is immutable; Step makes a step of it.
type Gather[In, View any] struct {
	name     string
	parts    []part[In, View]
	problems []string
}

// part asks one step. What it returns puts the reply into the view; the error is that of
// a part that the view cannot do without. fail is what it returns for an error.
type part[In, View any] struct {
	name string
	ask  func(context.Context, In) (put func(*View), err error)
	fail func(error) (put func(*View), err error)
}

// NewGather begins a Gather.
func NewGather[In, View any](name string) Gather[In, View] { return Gather[In, View]{name: name} }

// Need adds a part that the view cannot do without: its failure cancels the others and
// fails the call.
func (g Gather[In, View]) Need[Part any](step Step[In, Part], put func(*View, Part)) Gather[In, View] {
	return add(g, step, put != nil, func(reply Part, err error) (func(*View), error) {
		return func(v *View) { put(v, reply) }, err
	})
}

// Want adds a part that the view can do without. put gets the error when the part
// failed, so that the view can say what it lacks and why.
func (g Gather[In, View]) Want[Part any](step Step[In, Part], put func(*View, Part, error)) Gather[In, View] {
	return add(g, step, put != nil, func(reply Part, err error) (func(*View), error) {
		return func(v *View) { put(v, reply, err) }, nil
	})
}

func add[In, View, Part any](
	g Gather[In, View], step Step[In, Part], ok bool, took func(Part, error) (func(*View), error),
) Gather[In, View] {
	g.problems = g.problems[:len(g.problems):len(g.problems)]
	if !ok {
		g.problems = append(g.problems, fmt.Sprintf("part %s: the function is nil", step.name))
	}
	if err := step.Check(); err != nil {
		g.problems = append(g.problems, err.Error())
	}
	g.parts = append(g.parts[:len(g.parts):len(g.parts)], part[In, View]{
		name: step.name,
		ask: func(ctx context.Context, in In) (func(*View), error) {
			return took(step.Call(ctx, in))
		},
		fail: func(err error) (func(*View), error) {
			var none Part

			return took(none, err)
		},
	})

	return g
}

// Step makes the Gather a step. The parts run concurrently, one goroutine each; they are
// put into the view one after the other, in the order in which they were added, and
// Call returns when all of them have ended. A panic in a put function is an error.
func (g Gather[In, View]) Step() Step[In, View] {
	s := Func(g.name, g.call)
	s.problems = append(s.problems, g.problems...)
	if len(g.parts) == 0 {
		s.problems = append(s.problems, "the Gather has no part: add one with Need or Want")
	}
	for _, p := range g.parts {
		s.options = append(s.options, option("part", p.name))
	}

	return s
}

func (g Gather[In, View]) call(ctx context.Context, in In) (View, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	puts := make([]func(*View), len(g.parts))
	errs := make([]error, len(g.parts))
	var parts sync.WaitGroup
	for i, p := range g.parts {
		parts.Go(func() {
			defer func() {
				if errs[i] != nil {
					cancel(errPartFailed)
				}
			}()
			puts[i], errs[i] = p.fail(errGoexit) // which they stay if the goroutine ends inside
			puts[i], errs[i] = p.ask(ctx, in)
		})
	}
	parts.Wait()
	var view View
	if err := firstOwn(errs); err != nil {
		return view, err
	}
	for _, put := range puts {
		put(&view)
	}

	return view, nil
}

var errPartFailed = connector.Transient(errors.New("another part of the view failed"))

// firstOwn returns the error of the first part that failed by itself, rather than because
// another had.
func firstOwn(errs []error) error {
	var first error
	for _, err := range errs {
		if err == nil {
			continue
		}
		if !errors.Is(err, context.Canceled) {
			return err
		}
		if first == nil {
			first = err
		}
	}

	return first
}
