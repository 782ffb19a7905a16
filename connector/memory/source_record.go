package memory

import (
	"slices"

	"github.com/millrace-go/millrace/connector"
)

// Settled returns every settlement that had an effect, in the order of Settle.
func (s *Source[T]) Settled() []connector.Settlement {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.settled)
}

// Outcome returns the outcome of the message's last delivery; connector.Pending while it
// is with a reader, when it was put back by Close or the end of its lease, and for an ID
// that the source does not know.
func (s *Source[T]) Outcome(id string) connector.Outcome {
	if it, ok := s.find(id); ok {
		return it.outcome
	}

	return connector.Pending
}

// Attempts counts how often the message was handed out, except for the deliveries that
// were returned with connector.ErrStopped.
func (s *Source[T]) Attempts(id string) int {
	it, _ := s.find(id)

	return it.attempt
}

// Count counts the settlements with the outcome; a message that came back counts once
// for each time.
func (s *Source[T]) Count(outcome connector.Outcome) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range s.settled {
		if s.settled[i].Outcome == outcome {
			n++
		}
	}

	return n
}

// Left counts the messages that are not done: never handed out, in flight, or returned.
func (s *Source[T]) Left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.items) - s.low
	for i := s.low; i < s.fresh; i++ {
		if s.items[i].outcome.Done() {
			n--
		}
	}

	return n
}

// InFlight counts the messages that were handed out and are not settled.
func (s *Source[T]) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.inFlight
}

// Opens counts the Opens that succeeded.
func (s *Source[T]) Opens() int {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.opens
}

// Extended returns the positions of every Extend, in order.
func (s *Source[T]) Extended() []connector.Position {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.extended)
}

func (s *Source[T]) find(id string) (item[T], bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.items {
		if own := s.items[i].meta.ID(); own == id || own == "" && s.position(i).String() == id {
			return s.items[i], true
		}
	}

	return item[T]{}, false
}
