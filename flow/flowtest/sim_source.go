package flowtest

import (
	"context"
	"fmt"
	"strconv"

	"github.com/millrace-go/millrace/connector"
)

// SimSource is a source of a [World]. It declares that it takes messages back, and hands
// out again what was in flight when the process crashed.
type SimSource[T any] struct {
	shelf *shelf[T]
	life  *life
}

// Source returns the source of the name. The values are what it hands out, once each; they
// count when the pipeline is built for the first time. A message has the ID "name:1" and
// so on.
func (w *World) Source[T any](name string, values ...T) *SimSource[T] {
	s := find(w, name, func() *shelf[T] {
		s := newShelf[T](w, name)
		for _, value := range values {
			s.add(value, connector.Fields{})
		}

		return s
	})

	return &SimSource[T]{shelf: s, life: w.life}
}

// Declare sets the capabilities, before the pipeline runs. With a Lease, messages that are
// neither settled nor extended in time are handed out again.
func (s *SimSource[T]) Declare(caps connector.Capabilities) *SimSource[T] {
	caps.Name = s.shelf.label
	s.shelf.caps = caps

	return s
}

// Rewinds makes the source one that keeps no account of what was settled, as a file does:
// each start of the pipeline reads all of it again, in order, and nothing is taken back
// in between. What Declare has said before no longer counts.
func (s *SimSource[T]) Rewinds() *SimSource[T] {
	s.shelf.rewinds = true

	return s.Declare(connector.Capabilities{})
}

// Describe implements connector.Describer.
func (s *SimSource[T]) Describe() connector.Capabilities { return s.shelf.caps }

// Open implements connector.Source.
func (s *SimSource[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	return s.shelf.open(ctx, s.life)
}

// Outcomes counts how the messages of the source have ended.
func (s *SimSource[T]) Outcomes() map[connector.Outcome]int { return s.shelf.outcomes() }

// SimQueue is a queue of a [World]. It is durable, can delay messages, and leases them for
// 30 s, unless Declare says otherwise.
type SimQueue[T any] struct {
	shelf *shelf[T]
	life  *life
}

// Queue returns the queue of the name.
func (w *World) Queue[T any](name string) *SimQueue[T] {
	s := find(w, name, func() *shelf[T] {
		s := newShelf[T](w, name)
		s.queue = true
		s.caps.Durable, s.caps.Delays, s.caps.Lease = true, true, slowness

		return s
	})

	return &SimQueue[T]{shelf: s, life: w.life}
}

// Declare sets the capabilities, before the pipeline runs. A queue that is not Durable
// loses what it holds in a crash.
func (q *SimQueue[T]) Declare(caps connector.Capabilities) *SimQueue[T] {
	caps.Name, caps.Returns = q.shelf.label, true
	q.shelf.caps = caps

	return q
}

// Describe implements connector.Describer.
func (q *SimQueue[T]) Describe() connector.Capabilities { return q.shelf.caps }

// Open implements connector.Source.
func (q *SimQueue[T]) Open(ctx context.Context) (connector.Reader[T], error) {
	return q.shelf.open(ctx, q.life)
}

// Write implements connector.Sink.
func (q *SimQueue[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	return writeAs(ctx, q.life, q.shelf.label+".Write", messages, q.shelf.caps.Ordered, nil, func(m connector.Message[T]) {
		q.shelf.add(m.Value, m.Fields())
		q.life.moved()
	})
}

// Depth implements connector.Queue.
func (q *SimQueue[T]) Depth(context.Context) (connector.Depth, error) { return q.shelf.depth(), nil }

// writeAs is the effect of a Write: take accepts one message.
func writeAs[T any](
	ctx context.Context, l *life, name string, messages []connector.Message[T], ordered bool,
	refuse func(T) error, take func(connector.Message[T]),
) error {
	allow := fallible
	if len(messages) > 1 {
		allow |= Partial
	}

	return l.do(effect{ctx: ctx, name: name, allow: allow, what: ids(messages)}, func(e *effect) error {
		partial, bad := connector.NewPartialError(len(messages)), false
		for i, m := range messages {
			err := e.member(i)
			if err == nil && refuse != nil {
				err = refuse(m.Value)
			}
			if err == nil {
				take(m)
				partial.Members[i].Fate = connector.Accepted

				continue
			}
			partial.Members[i] = connector.Member{Fate: connector.Failed, Err: err}
			if bad = true; ordered {
				break
			}
		}
		if bad {
			return partial
		}

		return nil
	})
}

// member returns what a Write that works in part does to its i-th message.
func (e *effect) member(i int) error {
	if e.fate.fault != Partial || e.life.sim.plan.draw(e, 100+uint64(i))%2 == 0 {
		return nil
	}

	return errFails
}

func (s *shelf[T]) open(ctx context.Context, l *life) (connector.Reader[T], error) {
	r := &simReader[T]{shelf: s, life: l, out: make(map[int64]int), doubt: make(map[int64]bool)}
	err := l.do(effect{ctx: ctx, name: s.label + ".Open", allow: anywhere | Failing | Refused}, func(*effect) error { return nil })
	if err != nil {
		return nil, err
	}

	return r, nil
}

// position is where the n-th message stands.
func (s *shelf[T]) position(n int) connector.Position {
	return connector.Position{Partition: s.label, Offset: int64(n) + 1}
}

func (s *shelf[T]) unfinished() string {
	text := ""
	for i, it := range s.items {
		if it.done {
			continue
		}
		text += " " + strconv.Itoa(i+1)
		switch {
		case it.owner != nil:
			text += " (in flight)"
		case it.cause != nil:
			text += fmt.Sprintf(" (returned %d times, the last time because of %q)", it.returned, it.cause)
		}
	}

	return s.label + " still has" + text
}
