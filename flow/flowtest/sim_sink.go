package flowtest

import (
	"context"
	"slices"

	"github.com/millrace-go/millrace/connector"
)

// SimSink is a sink of a [World]. It remembers what it accepted, over all restarts.
type SimSink[T any] struct {
	tray *tray[T]
	life *life
}

// tray is what a sink has accepted.
type tray[T any] struct {
	label    string
	caps     connector.Capabilities
	refuse   func(T) error
	messages []connector.Message[T]
	// accepted counts Writes that took a message, unclear those of them that the writer
	// was not told of.
	accepted, unclear map[string]int
	atMost            int
	inOrder           bool
	key               func(T) string
	problems          []error
}

// Sink returns the sink of the name.
func (w *World) Sink[T any](name string) *SimSink[T] {
	t := find(w, name, func() *tray[T] {
		return &tray[T]{
			label: name, caps: connector.Capabilities{Name: name},
			accepted: make(map[string]int), unclear: make(map[string]int),
		}
	})

	return &SimSink[T]{tray: t, life: w.life}
}

// Declare sets the capabilities, before the pipeline runs. An Ordered sink stops at the
// first message that fails; an Idempotent one may get a message any number of times.
func (s *SimSink[T]) Declare(caps connector.Capabilities) *SimSink[T] {
	caps.Name = s.tray.label
	s.tray.caps = caps

	return s
}

// Refuse has the sink refuse the values for which judge returns an error.
func (s *SimSink[T]) Refuse(judge func(T) error) *SimSink[T] {
	s.tray.refuse = judge

	return s
}

// AtMost checks that no message is accepted more than n times, whatever happens. Without
// it, a message may come again for each time that its source handed it out, or that an
// answer of the sink was lost.
func (s *SimSink[T]) AtMost(n int) *SimSink[T] {
	s.tray.atMost = n

	return s
}

// InOrder checks that the messages of one key arrive in the order in which their source
// holds them. A message that came back to its source, or that was handed out out of
// order, may be late.
func (s *SimSink[T]) InOrder(key func(T) string) *SimSink[T] {
	s.tray.inOrder, s.tray.key = true, key

	return s
}

// Describe implements connector.Describer.
func (s *SimSink[T]) Describe() connector.Capabilities { return s.tray.caps }

// Write implements connector.Sink.
func (s *SimSink[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	t := s.tray
	took := make([]string, 0, len(messages))
	err := writeAs(ctx, s.life, t.label+".Write", messages, t.caps.Ordered, t.refuse, func(m connector.Message[T]) {
		meta := connector.MakeMeta(m.Fields())
		t.messages = append(t.messages, connector.Message[T]{Meta: &meta, Value: m.Value})
		t.accepted[meta.ID()]++
		took = append(took, meta.ID())
		s.life.moved()
	})
	if connector.ClassOf(err) == connector.ClassAmbiguous {
		for _, id := range took {
			t.unclear[id]++
		}
	}

	return err
}

// Flush implements connector.Flusher.
func (s *SimSink[T]) Flush(ctx context.Context) error {
	return s.life.do(effect{ctx: ctx, name: s.tray.label + ".Flush", allow: anywhere}, func(*effect) error { return nil })
}

// Values returns what the sink has accepted, in order.
func (s *SimSink[T]) Values() []T {
	values := make([]T, len(s.tray.messages))
	for i, m := range s.tray.messages {
		values[i] = m.Value
	}

	return values
}

// Messages returns what the sink has accepted, in order, with its metadata.
func (s *SimSink[T]) Messages() []connector.Message[T] { return slices.Clone(s.tray.messages) }

func (t *tray[T]) name() string       { return t.label }
func (t *tray[T]) done() bool         { return true }
func (t *tray[T]) unfinished() string { return "" }
func (t *tray[T]) restart()           {}
