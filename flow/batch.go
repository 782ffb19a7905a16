package flow

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Batched is a flow whose messages are collected into batches. Each message of a batch
// keeps its own metadata and its own outcome.
type Batched[T any] struct {
	up   *node
	at   *place
	spec batchSpec[T]
}

type batchSpec[T any] struct {
	count    int
	wait     time.Duration
	bytes    int
	size     func(T) int
	problems []string
}

// Batch collects up to count messages, or what has come within wait after the first. A
// wait of zero means that only count closes a batch; at the end of the input, when the
// pipeline stops, and when the pipeline is full and nothing else moves, what has been
// collected goes on as it is. A source that ends only when all its messages are settled, as
// a queue may, never ends while a batch waits for more of them: give it a wait.
func (f Flow[T]) Batch[B Batched[T]](count int, wait time.Duration) B {
	b := Batched[T]{up: f.n, at: caller(), spec: batchSpec[T]{count: count, wait: wait}}
	if count < 1 {
		b.spec.problems = append(b.spec.problems, fmt.Sprintf("Batch(%d, …): want at least 1 message", count))
	}
	if wait < 0 {
		b.spec.problems = append(b.spec.problems, fmt.Sprintf("Batch(…, %v): the wait is negative", wait))
	}

	return B(b)
}

// Bytes closes a batch before the sum of the messages' sizes exceeds limit. A message
// that is larger by itself makes a batch of its own.
func (b Batched[T]) Bytes(limit int, size func(T) int) Batched[T] {
	b.spec.bytes, b.spec.size = limit, size
	if limit < 1 || size == nil {
		b.spec.problems = append(b.spec.problems[:len(b.spec.problems):len(b.spec.problems)],
			"Bytes: want a limit of at least 1 and a function for the size")
	}

	return b
}

// To writes each batch to the sink with one Write.
func (b Batched[T]) To(sink connector.Sink[T]) End {
	n := newSinkNode("to", b.up, sink)
	b.define(n)
	n.wire = func(w *wiring, n *node) any {
		c, sink := w.counter(n), oneByOne(w, n, sink)
		var messages []connector.Message[T]

		return newBatcher(w, c, b.spec, func(ctx context.Context, members []entry[T]) {
			messages = messages[:0]
			for _, m := range members {
				messages = append(messages, connector.Message[T]{Meta: m.it.meta, Value: m.value})
			}
			err := write(ctx, c, sink, messages)
			for i, m := range members {
				if failure := fate(err, i, len(members)); failure != nil {
					m.it.complete(c.fail(m.it, failure))

					continue
				}
				c.ended(m.it, connector.Delivered)
				m.it.complete(nil)
			}
			clear(messages)
		})
	}

	return End{n: n}
}

// Map makes one message of each batch. Its members end as it ends.
func (b Batched[T]) Map[Out any](fn func(context.Context, []T) (Out, error)) Flow[Out] {
	n := stageNode[Out]("batch-map", b.up)
	n.traits |= makes | fails
	n.require(fn != nil, "the function is nil")
	b.define(n)
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Out]), w.counter(n)

		return newBatcher(w, c, b.spec, func(ctx context.Context, members []entry[T]) {
			out, err := callBatch(ctx, c, fn, members)
			if err != nil {
				completeAll(c, members, err)

				return
			}
			its := items(members)
			launch(ctx, c.lane, next, newGroup(&w.run.pipeline.derived, its, its[0].meta), &out)
		})
	}

	return Flow[Out]{n: n}
}

// Slices makes one message of each batch: the values as a slice.
func (b Batched[T]) Slices[B []T]() Flow[B] {
	f := b.Map(func(_ context.Context, values []T) (B, error) { return B(values), nil })
	f.n.traits &^= fails

	return f
}

// MapEach turns each batch into as many values, one for each member, in the same order;
// each message goes on by itself.
func (b Batched[T]) MapEach[Out any](fn func(context.Context, []T) ([]Out, error)) Flow[Out] {
	n := stageNode[Out]("batch-map-each", b.up)
	n.traits |= fails
	n.require(fn != nil, "the function is nil")
	b.define(n)
	n.wire = func(w *wiring, n *node) any {
		next, c := w.feed(n).(push[Out]), w.counter(n)

		return newBatcher(w, c, b.spec, func(ctx context.Context, members []entry[T]) {
			outs, err := callBatch(ctx, c, fn, members)
			if err == nil && len(outs) != len(members) {
				err = connector.Permanent(fmt.Errorf("the function returned %d values for %d messages", len(outs), len(members)))
			}
			if err != nil {
				completeAll(c, members, err)

				return
			}
			for i, m := range members {
				launch(ctx, c.lane, next, m.it, &outs[i])
			}
		})
	}

	return Flow[Out]{n: n}
}

// define puts the batch's settings on its node.
func (b Batched[T]) define(n *node) {
	if b.at != nil {
		n.at = b.at // else it is a zero Batched
	}
	n.traits |= holds
	n.bound = b.spec.count
	n.problems = append(n.problems, b.spec.problems...)
	n.effect("batch", b.spec.count)
	if b.spec.wait > 0 {
		n.effect("wait", b.spec.wait)
	}
	if b.spec.bytes > 0 {
		n.effect("bytes", b.spec.bytes)
	}
}

// entry is a message that a stage keeps.
type entry[T any] struct {
	it    *item
	value T
}

func items[T any](entries []entry[T]) []*item {
	its := make([]*item, len(entries))
	for i := range entries {
		its[i] = entries[i].it
	}

	return its
}

func completeAll[T any](c *counter, members []entry[T], err error) {
	for _, m := range members {
		m.it.complete(c.fail(m.it, err))
	}
}

// callBatch calls the user's function with the values of a batch.
func callBatch[T, Out any](
	ctx context.Context, c *counter, fn func(context.Context, []T) (Out, error), members []entry[T],
) (out Out, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = permanent(&PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	values := make([]T, len(members))
	for i := range members {
		values[i] = members[i].value
	}
	start := started(c.begin())
	out, err = fn(ctx, values)
	c.end(start)

	return out, err
}

// batcher collects messages on one lane.
type batcher[T any] struct {
	c       *counter
	spec    batchSpec[T]
	emit    func(context.Context, []entry[T])
	members []entry[T]
	bytes   int
	alarm   *alarm
}

func newBatcher[T any](w *wiring, c *counter, spec batchSpec[T], emit func(context.Context, []entry[T])) push[T] {
	b := &batcher[T]{c: c, spec: spec, emit: emit}
	b.alarm = w.lane.alarm(func(ctx context.Context) {
		c.station.effect("wait")
		b.flush(ctx)
	})
	w.lane.finals = append(w.lane.finals, b.flush)
	w.lane.presses = append(w.lane.presses, func(ctx context.Context) bool {
		held := len(b.members) > 0
		b.flush(ctx)

		return held
	})

	return b.push
}

func (b *batcher[T]) push(ctx context.Context, it *item, value *T) error {
	if b.spec.size != nil {
		*b.c.at = b.c.index
		size := b.spec.size(*value)
		if b.bytes+size > b.spec.bytes {
			if len(b.members) > 0 {
				b.c.station.effect("bytes")
			}
			b.flush(ctx)
		}
		b.bytes += size
	}
	b.members = append(b.members, entry[T]{it: it, value: *value})
	if len(b.members) == 1 && b.spec.wait > 0 {
		b.alarm.at = time.Now().Add(b.spec.wait)
	}
	if len(b.members) >= b.spec.count {
		b.c.station.effect("batch")
		b.flush(ctx)
	}

	return errHeld
}

// flush emits what has been collected.
func (b *batcher[T]) flush(ctx context.Context) {
	b.alarm.at, b.bytes = time.Time{}, 0
	if len(b.members) == 0 {
		return
	}
	members := b.members
	b.members = nil
	b.emit(ctx, members)
	clear(members)
	b.members = members[:0]
}
