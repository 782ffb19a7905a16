package main

import (
	"context"

	"github.com/millrace-go/millrace/connector"
)

// faultySink fails, hangs, takes only a part, panics, and takes everything and reports
// failure. excuse learns of each message that can come twice for it.
type faultySink[T any] struct {
	connector.Sink[T]

	dice   *dice
	name   string
	excuse func(T)
	// rare has faults come so many times less often.
	rare int
}

func newFaultySink[T any](sink connector.Sink[T], dice *dice, name string, excuse func(T)) *faultySink[T] {
	return &faultySink[T]{sink, dice, name, excuse, 1}
}

func (s *faultySink[T]) fault(what string, oneIn int) bool {
	return s.dice.fault(s.name+": "+what, oneIn*s.rare)
}

// Describe passes on what the sink declares.
func (s *faultySink[T]) Describe() connector.Capabilities { return connector.Describe(s.Sink) }

// Flush passes on to the sink.
func (s *faultySink[T]) Flush(ctx context.Context) error {
	if f, ok := s.Sink.(connector.Flusher); ok {
		return f.Flush(ctx)
	}

	return nil
}

// Write implements connector.Sink.
func (s *faultySink[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	switch {
	case s.fault("fails", 100):
		return transient()
	case s.fault("hangs", 1000):
		return hang(ctx)
	case s.fault("panics", 400):
		panic("a panic of the soak")
	case len(messages) > 1 && s.fault("takes a part", 50):
		return s.part(ctx, messages)
	}
	if err := s.Sink.Write(ctx, messages); err != nil {
		if connector.ClassOf(err) == connector.ClassAmbiguous {
			s.excuseAll(messages)
		}

		return err
	}
	s.dice.passed.Add(int64(len(messages)))
	if s.fault("takes all and reports failure", 200) {
		s.excuseAll(messages)

		return connector.Ambiguous(errFault)
	}

	return nil
}

func (s *faultySink[T]) excuseAll(messages []connector.Message[T]) {
	for _, m := range messages {
		s.excuse(m.Value)
	}
}

// part takes the first half.
func (s *faultySink[T]) part(ctx context.Context, messages []connector.Message[T]) error {
	half := len(messages) / 2
	if err := s.Sink.Write(ctx, messages[:half]); err != nil {
		return err
	}
	s.dice.passed.Add(int64(half))
	partial := connector.NewPartialError(len(messages))
	for i := range messages {
		if i < half {
			partial.Members[i].Fate = connector.Accepted
		} else {
			partial.Members[i] = connector.Member{Fate: connector.Failed, Err: transient()}
		}
	}

	return partial
}
