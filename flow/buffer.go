package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// Overflow says what a full Buffer does with one message more.
type Overflow uint8

const (
	// Block makes the upstream wait, back to the source. It loses nothing.
	Block Overflow = iota
	// DropNewest ends the message that finds no room as dropped.
	DropNewest
	// DropOldest ends the message that has waited longest as dropped.
	DropOldest
)

var overflowNames = [...]string{"block", "drop-newest", "drop-oldest"}

// String returns the name that Graph and the ledger's causes use.
func (o Overflow) String() string {
	if int(o) < len(overflowNames) {
		return overflowNames[o]
	}

	return fmt.Sprintf("overflow(%d)", uint8(o))
}

// ErrDropped is the cause of a message that a Buffer dropped.
var ErrDropped = errors.New("flow: dropped by a full buffer")

// Buffer runs what is below it on a goroutine of its own, and lets up to size messages
// wait before it. The order is kept. A message that waits is in flight: its source learns
// of it when it has ended below.
func (f Flow[T]) Buffer[Same Flow[T]](size int, full Overflow) Same {
	return Same(buffer(f, size, full))
}

func buffer[T any](f Flow[T], size int, full Overflow) Flow[T] {
	n := passNode("buffer", f.n)
	n.traits |= lanes | holds
	n.require(size > 0, "Buffer(%d, …): want room for at least 1 message", size)
	n.require(int(full) < len(overflowNames), "there is no %v", full)
	n.options = append(n.options, option("size", size), option("full", full))
	n.wire = func(w *wiring, n *node) any {
		l := w.lane
		m := handOver[T](w, n, size, 1)
		l.finals = append(w.lane.finals, func(context.Context) { m.leave() })
		if full == Block {
			return push[T](func(_ context.Context, it *item, value *T) error {
				m.put(l, entry[T]{it, *value})

				return errHeld
			})
		}
		c := w.counter(n)

		return push[T](func(_ context.Context, it *item, value *T) error {
			lost, dropped := m.offer(entry[T]{it, *value}, full == DropOldest)
			switch {
			case !dropped:
			case full == DropNewest:
				c.drop(it, full)

				return nil
			default:
				c.drop(lost.it, full)
				lost.it.complete(nil)
			}

			return errHeld
		})
	}

	return Flow[T]{n: n}
}

// drop ends a message by a policy.
func (c *counter) drop(it *item, policy Overflow) {
	c.begin()
	c.ended(it, connector.Dropped)
	it.cause = c.wrap(it, fmt.Errorf("%w (%v)", ErrDropped, policy))
}

// handOver makes a mailbox for everything below n and a lane that serves it.
func handOver[T any](w *wiring, n *node, size, writers int) *mailbox[entry[T]] {
	l := newLane(w.run)
	m := newMailbox[entry[T]](l, size, writers)
	w.on(l, func() {
		next, c := w.feed(n).(push[T]), w.counter(n)
		l.polls = append(l.polls, m.serve(func(ctx context.Context, e *entry[T]) {
			if ctx.Err() != nil {
				e.it.complete(connector.ErrStopped)

				return
			}
			c.begin()
			launch(ctx, l, next, e.it, &e.value)
		}))
	})
	w.run.starts = append(w.run.starts, l.start)

	return m
}

// mergeRoom is how many messages may wait between a merged flow and what is below.
const mergeRoom = 64

// Merge makes one flow of several, in the order in which messages arrive; each flow's
// own order is kept. Every message is settled to its own source. The merged flow ends
// when all of them have.
func Merge[T any](flows ...Flow[T]) Flow[T] {
	n := newNode[T]("merge")
	for _, f := range flows {
		n.ups = append(n.ups, f.n)
	}
	n.traits |= lanes | holds
	n.require(len(flows) > 1, "Merge was given %d flow(s): want at least 2", len(flows))
	n.wire = func(w *wiring, n *node) any {
		// Every upstream has a push of its own, because it may be on another lane.
		m, known := w.inputs[n].(*mailbox[entry[T]])
		if !known {
			m = handOver[T](w, n, mergeRoom, len(n.ups))
			w.inputs[n], w.leaves[n] = m, m.leave
		}
		l := w.lane

		return push[T](func(_ context.Context, it *item, value *T) error {
			m.put(l, entry[T]{it, *value})

			return errHeld
		})
	}

	return Flow[T]{n: n}
}
