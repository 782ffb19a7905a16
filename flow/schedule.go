package flow

import "time"

// schedule holds messages by when they are due; those due at the same time in the order in
// which they came. It is a binary heap.
type schedule[T any] struct {
	all  []scheduled[T]
	came uint64
}

type scheduled[T any] struct {
	entry[T]

	due    time.Time
	number uint64
}

func (s *schedule[T]) size() int { return len(s.all) }

// first returns when the next one is due; there must be one.
func (s *schedule[T]) first() time.Time { return s.all[0].due }

func (s *schedule[T]) add(due time.Time, e entry[T]) {
	s.came++
	s.all = append(s.all, scheduled[T]{entry: e, due: due, number: s.came})
	for i := len(s.all) - 1; i > 0; {
		up := (i - 1) / 2
		if !s.before(i, up) {
			break
		}
		s.all[i], s.all[up] = s.all[up], s.all[i]
		i = up
	}
}

// take removes the one that is due first; there must be one.
func (s *schedule[T]) take() entry[T] {
	e, last := s.all[0].entry, len(s.all)-1
	s.all[0], s.all[last] = s.all[last], scheduled[T]{}
	s.all = s.all[:last]
	for i := 0; ; {
		first := i
		for _, down := range [...]int{2*i + 1, 2*i + 2} {
			if down < last && s.before(down, first) {
				first = down
			}
		}
		if first == i {
			return e
		}
		s.all[i], s.all[first] = s.all[first], s.all[i]
		i = first
	}
}

func (s *schedule[T]) before(i, j int) bool {
	a, b := &s.all[i], &s.all[j]
	if a.due.Equal(b.due) {
		return a.number < b.number
	}

	return a.due.Before(b.due)
}
