package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/turns"
)

// DeadLetter catches every message that fails below it, whether the failure comes at once
// or much later from a batch, and writes it to the sink with its cause. The message is
// then done. If the sink fails too, the failure goes to the next DeadLetter above, or the
// source gets the message back. A message that is unfinished because the pipeline stops
// is never dead-lettered.
func (f Flow[T]) DeadLetter[Same Flow[T]](sink connector.Sink[connector.DeadLetter[T]]) Same {
	return Same(deadLetter(f, sink))
}

func deadLetter[T any](f Flow[T], sink connector.Sink[connector.DeadLetter[T]]) Flow[T] {
	n := passNode("dead-letter", f.n)
	n.traits |= frames
	n.writesTo(sink)
	n.require(sink != nil, "the sink is nil: pass a connector.Sink")
	n.wire = func(w *wiring, n *node) any {
		next := w.feed(n).(push[T]) //nolint:forcetypeassert // the compiler of blueprints made it
		station := w.run.pipeline.stations[n]
		d := &deadLetters[T]{
			run: w.run, station: station, sink: sink, turn: w.run.turn(n), watch: &stopwatch{station: station},
		}
		if w.plan.below(n, func(m *node) bool { return m.traits.has(holds | lanes | joint) }) == nil {
			d.own = &deadFrame[T]{to: d}
		}
		d.spare.New = func() any { return &deadFrame[T]{to: d} }
		c := w.counter(n)

		return push[T](func(ctx context.Context, it *item, value *T) error {
			c.begin()
			fr := d.frame()
			fr.value, fr.meta, fr.outer = *value, it.meta, it.frame
			it.frame = fr

			return next(ctx, it, value)
		})
	}

	return Flow[T]{n: n}
}

// deadLetters is a running DeadLetter stage. Messages may fail on any goroutine.
type deadLetters[T any] struct {
	run     *run
	station *station
	sink    connector.Sink[connector.DeadLetter[T]]
	spare   sync.Pool
	// own is the frame of one message after the other, where no stage below keeps any.
	own *deadFrame[T]
	// turn is the right to write; watch belongs to who has it.
	turn  chan struct{}
	watch *stopwatch
}

// deadFrame remembers a message as it was when it passed.
type deadFrame[T any] struct {
	to    *deadLetters[T]
	value T
	meta  *connector.Meta
	outer frame
	busy  bool
}

// frame returns one that is not in use.
func (d *deadLetters[T]) frame() *deadFrame[T] {
	if f := d.own; f != nil && !f.busy {
		f.busy = true

		return f
	}

	return d.spare.Get().(*deadFrame[T]) //nolint:forcetypeassert // New makes nothing else
}

func (f *deadFrame[T]) unwind(it *item, err error) (error, bool) {
	it.frame = f.outer
	if err != nil && !f.to.run.stopped(err) {
		err = f.to.take(it, f.meta, f.value, err)
	}
	d := f.to
	if f.busy = false; f == d.own {
		return err, false
	}
	*f = deadFrame[T]{to: d}
	d.spare.Put(f)

	return err, false
}

// take writes the message to the sink with its cause (invariant 12). What it returns is
// left of the failure.
func (d *deadLetters[T]) take(it *item, meta *connector.Meta, value T, cause error) error {
	letter := connector.DeadLetter[T]{
		ID:      meta.ID(),
		Flow:    d.run.pipeline.name,
		Cause:   cause.Error(),
		Err:     cause,
		Class:   connector.ClassOf(cause).String(),
		Attempt: meta.Attempt(),
		Headers: meta.Fields().Headers,
		Value:   value,
	}
	if at, ok := errors.AsType[*StageError](cause); ok {
		letter.Stage = at.Stage
	}
	if parts, ok := errors.AsType[*PartsError](cause); ok {
		for _, p := range parts.Parts {
			letter.Parts = append(letter.Parts, p.Error())
		}
	}
	err := d.write(connector.Message[connector.DeadLetter[T]]{Meta: meta, Value: letter})
	if err = fate(err, 0, 1); err != nil {
		d.station.failed.Add(1)

		return fmt.Errorf("%w (and the dead-letter sink of stage %s failed: %w)", cause, d.station.name, err)
	}
	d.station.outcomes[connector.DeadLettered].Add(1)
	it.outcome, it.cause = connector.DeadLettered, cause

	return nil
}

func (d *deadLetters[T]) write(letter connector.Message[connector.DeadLetter[T]]) error {
	turns.Wait(d.run.keeper, "dead letters", func() { d.turn <- struct{}{} })
	defer func() { <-d.turn }()
	start := d.watch.begin()
	defer func() { d.watch.end(start) }()

	return writeGuarded(d.run.ctx, d.sink, []connector.Message[connector.DeadLetter[T]]{letter})
}
