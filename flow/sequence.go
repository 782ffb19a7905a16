package flow

import (
	"container/list"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// sequence is what a Resequence knows of one key.
type sequence[T any] struct {
	name string
	// early is sorted by number. since is when the key began to wait for the number that
	// is missing before it; gap is its place among those that wait.
	early []early[T]
	since time.Time
	gap   *list.Element

	mu sync.Mutex
	// due is the number that is to go on next.
	due int64
	// flying are messages that went on and have not ended.
	flying map[int64]*passage[T]
	// again are numbers that went on and came back.
	again map[int64]struct{}
	// skipped are the numbers that were given up, in ascending order.
	skipped []numbers
}

// numbers are those from the first to the last, both included.
type numbers struct{ first, last int64 }

const (
	// mostSkipped is how many gaps a key remembers. Before the oldest of them every number
	// counts as skipped, so that a message is refused rather than taken for a duplicate.
	mostSkipped = 64
	// mostAgain is how many numbers of a key may be expected for a second time.
	mostAgain = 1024
)

func newSequence[T any](name string, first int64) *sequence[T] {
	return &sequence[T]{
		name: name, due: first,
		flying: make(map[int64]*passage[T]), again: make(map[int64]struct{}),
		skipped: []numbers{{math.MinInt64, first - 1}},
	}
}

// permission is what a message may do.
type permission uint8

const (
	turnLater permission = iota
	turnNow
	turnBehind
	turnDone
	turnLate
)

// turn says what a message of the number may do, and which number is to go on next.
func (s *sequence[T]) turn(it *item, number int64) (permission, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.flying[number]; p != nil {
		p.behind = append(p.behind, it)

		return turnBehind, s.due
	}
	if i, held := s.find(number); held {
		s.early[i].behind = append(s.early[i].behind, it)

		return turnBehind, s.due
	}
	_, again := s.again[number]
	switch {
	case number == s.due || again && number < s.due:
		return turnNow, s.due
	case number > s.due:
		return turnLater, s.due
	case slices.ContainsFunc(s.skipped, func(n numbers) bool { return n.first <= number && number <= n.last }):
		return turnLate, s.due
	default:
		return turnDone, s.due
	}
}

// find returns where a number is, or would be, among what is held.
func (s *sequence[T]) find(number int64) (int, bool) {
	return slices.BinarySearchFunc(s.early, number, func(e early[T], n int64) int {
		switch {
		case e.number < n:
			return -1
		case e.number > n:
			return 1
		default:
			return 0
		}
	})
}

func (s *sequence[T]) reached() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.due
}

// enter notes that a message goes on.
func (s *sequence[T]) enter(p *passage[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying[p.number] = p
	delete(s.again, p.number)
	if p.number == s.due {
		s.due++
	}
}

// skipTo gives up the numbers before one.
func (s *sequence[T]) skipTo(number int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number == s.due {
		return
	}
	s.skipped = append(s.skipped, numbers{s.due, number - 1})
	if len(s.skipped) > mostSkipped {
		s.skipped = slices.Delete(s.skipped, 1, 2)
		s.skipped[0].last = s.skipped[1].first - 1
	}
	s.due = number
}

// leave notes how a message ended, and returns those that repeat it.
func (s *sequence[T]) leave(p *passage[T], returned bool) []*item {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flying, p.number)
	if returned {
		s.expect(p.number)
	}

	return p.behind
}

// expect waits again for a number that came back, and for those that came back just before
// it, unless later ones have gone on.
func (s *sequence[T]) expect(number int64) {
	if len(s.again) >= mostAgain {
		s.skipped[0].last = max(s.skipped[0].last, number)

		return
	}
	s.again[number] = struct{}{}
	for {
		if _, came := s.again[s.due-1]; !came {
			return
		}
		s.due--
	}
}

// passage is a message that has gone on, between it and its owner.
type passage[T any] struct {
	sequence *sequence[T]
	number   int64
	owner    owner
	station  *station
	// behind repeat the message.
	behind []*item
}

// finished passes the outcome on, to the messages behind it too.
func (p *passage[T]) finished(it *item, err error) {
	behind := p.sequence.leave(p, err != nil)
	p.owner.finished(it, err)
	for _, b := range behind {
		if err == nil {
			b.outcome = connector.Duplicate
			p.station.outcomes[connector.Duplicate].Add(1)
			b.complete(nil)

			continue
		}
		b.complete(fmt.Errorf("it repeats a message that failed: %w", err))
	}
}
