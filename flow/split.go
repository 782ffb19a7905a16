package flow

import (
	"context"
	"iter"
	"runtime/debug"

	"github.com/millrace-go/millrace/connector"
)

// Split makes several messages of one. The message ends when all of its parts have, with
// the most severe of their outcomes; one without parts is filtered. An error that parts
// yields ends the split: the parts before it go on, and the message fails. A DeadLetter
// above the Split takes the whole message and lists the parts that failed; one below it
// takes single parts.
func (f Flow[T]) Split[Out any](parts func(context.Context, T) iter.Seq2[Out, error]) Flow[Out] {
	n := stageNode[Out]("split", f.n)
	n.traits |= makes | fails
	n.require(parts != nil, "the function is nil")
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Out]), w.counter(n)
		s := &splitter[T, Out]{c: c, next: next, parts: parts}
		if !w.plan.keeps[n] {
			s.series = newSeries(&w.run.pipeline.derived)
		}

		return push[T](s.push)
	}

	return Flow[Out]{n: n}
}

type splitter[In, Out any] struct {
	c     *counter
	next  push[Out]
	parts func(context.Context, In) iter.Seq2[Out, error]
	// part is the one under way.
	part Out
	// series owns the parts where no stage below keeps them, else each message has a fan.
	series *series
}

// brood owns the parts of one message.
type brood interface {
	nth(n int) *item
	close(err error) error
}

func (s *splitter[In, Out]) brood(parent *item) brood {
	if s.series == nil {
		return newFan(&s.c.lane.run.pipeline.derived, parent)
	}
	s.series.begin(parent)

	return s.series
}

func (s *splitter[In, Out]) push(ctx context.Context, it *item, value *In) error {
	s.c.begin()
	b, returned := s.brood(it), false
	defer leave(s.c.lane, it, b.close, &returned)
	n, err := s.each(ctx, b, *value)
	returned = true
	if err != nil {
		return b.close(s.c.fail(it, err))
	}
	if n == 0 {
		s.c.ended(it, connector.Filtered)
	}

	return b.close(nil)
}

// each launches the parts and counts them. A panic of the user's iterator is an error.
func (s *splitter[In, Out]) each(ctx context.Context, b brood, value In) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = permanent(&PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	for part, failure := range s.parts(ctx, value) {
		if failure != nil {
			return n, failure
		}
		if ctx.Err() != nil {
			return n, connector.ErrStopped // the parts may be without end
		}
		n++
		s.part = part
		launch(ctx, s.c.lane, s.next, b.nth(n), &s.part)
		s.c.lane.at = s.c.index
	}

	return n, nil
}

func permanent(err error) error { return connector.Permanent(err) }
