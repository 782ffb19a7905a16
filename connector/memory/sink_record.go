package memory

import (
	"slices"

	"github.com/millrace-go/millrace/connector"
)

// Values returns the values that were accepted, in order; none after Discard.
func (s *Sink[T]) Values() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := make([]T, len(s.messages))
	for i := range s.messages {
		values[i] = s.messages[i].Value
	}

	return values
}

// Messages returns the messages that were accepted, in order, with copies of their
// metadata; none after Discard.
func (s *Sink[T]) Messages() []connector.Message[T] {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.messages)
}

// Accepted counts the messages that were accepted; it counts after Discard too.
func (s *Sink[T]) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.accepted
}

// Writes returns the number of messages of each Write, in order, whatever came of it;
// none after Discard.
func (s *Sink[T]) Writes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.writes)
}

// Flushes counts the calls of Flush.
func (s *Sink[T]) Flushes() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.flushes
}
