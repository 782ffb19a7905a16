package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// record counts by number what became of the messages of one round. It is as large as the
// round, and safe for concurrent use.
type record struct {
	name string

	mu sync.Mutex
	// effects counts how often each message reached its end, excuses the faults after
	// which it may reach it once more, dead the letters with it.
	effects, excuses, dead []uint16
	problems               []string
}

func newRecord(name string, n int) *record {
	return &record{name: name, effects: make([]uint16, n), excuses: make([]uint16, n), dead: make([]uint16, n)}
}

func (r *record) effect(i int) { r.add(r.effects, i) }
func (r *record) excuse(i int) { r.add(r.excuses, i) }
func (r *record) letter(i int) { r.add(r.dead, i) }

func (r *record) add(to []uint16, i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i < 0 || i >= len(to) {
		r.note("message %d was never sent", i)

		return
	}
	to[i]++
}

// excuseRepeats lets everything that has had its effect have it once more.
func (r *record) excuseRepeats() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, n := range r.effects {
		if n > 0 {
			r.excuses[i]++
		}
	}
}

// problem notes what must not be.
func (r *record) problem(format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(format, values...)
}

// mostProblems is how many are kept.
const mostProblems = 20

func (r *record) note(format string, values ...any) {
	if len(r.problems) < mostProblems {
		r.problems = append(r.problems, r.name+": "+fmt.Sprintf(format, values...))
	}
}

// expected is how a message must end.
type expected uint8

const (
	once   expected = iota // its effect, once and once more for each excuse, or a letter
	never                  // nothing at all
	letter                 // a letter and no effect
)

// check compares what came with what must have come.
func (r *record) check(want func(i int) expected) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.effects {
		effects, dead, most := r.effects[i], r.dead[i], r.excuses[i]+1
		switch w := want(i); {
		case w == once && effects+dead == 0:
			r.note("message %d is lost", i)
		case w == once && effects > most:
			r.note("message %d came %d times, with %d excuses", i, effects, most-1)
		case w != once && effects > 0:
			r.note("message %d has had %d effects, and may have none", i, effects)
		case w == letter && dead == 0:
			r.note("message %d has no letter", i)
		case w == never && dead > 0:
			r.note("message %d has a letter, and should have ended", i)
		}
	}
	if len(r.problems) == 0 {
		return nil
	}

	return errors.New(strings.Join(r.problems, "\n"))
}
