package boltfile

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// Line is where changes wait to be committed together. There is no goroutine: whichever
// caller gets the lead commits for all that wait. Make it with NewLine.
type Line[Change comparable] struct {
	// Lead holds one element while somebody leads.
	Lead chan struct{}

	mu      sync.Mutex
	pending []Change
	taken   int // by the last TakeAll
	began   time.Time
	took    time.Duration // from the last TakeAll to Done
}

// NewLine returns an empty line.
func NewLine[Change comparable]() *Line[Change] {
	return &Line[Change]{Lead: make(chan struct{}, 1)}
}

// Join puts the change at the end.
func (l *Line[Change]) Join(c Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, c)
}

// Withdraw takes the change out; it reports false when a leader has it.
func (l *Line[Change]) Withdraw(c Change) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.pending, c)
	if i < 0 {
		return false
	}
	l.pending = slices.Delete(l.pending, i, i+1)

	return true
}

// TakeAll gives the leader everything that waits.
func (l *Line[Change]) TakeAll() []Change {
	l.gather()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.pending
	l.pending, l.taken = nil, len(all)
	l.began = time.Now()

	return all
}

// Done says that the leader has committed, and is about to release who waits.
func (l *Line[Change]) Done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = time.Since(l.began)
}

const (
	// patience is for how many turns of others the leader waits in vain.
	patience = 32
	// nap is how long it sleeps then, while that brings somebody and costs little beside a
	// commit: whoever comes may be on a thread that has no processor now.
	nap      = 100 * time.Microsecond
	napsCost = 16
)

// gather lets the callers that the last commit released come back and join. Without it,
// they and those that came meanwhile would commit in turn, each time without the others.
func (l *Line[Change]) gather() {
	here, all, took := l.attendance()
	if here >= all {
		return
	}
	came := func() bool {
		before := here
		here, _, _ = l.attendance()

		return here > before
	}
	for idle := 0; here < all && idle < patience; idle++ {
		if runtime.Gosched(); came() {
			idle = 0
		}
	}
	for slept := nap; here < all && slept <= took/napsCost; slept += nap {
		if time.Sleep(nap); !came() {
			return
		}
	}
}

// attendance returns how many wait, how many may come to wait, and how long the last
// commit took.
func (l *Line[Change]) attendance() (here, all int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	here = len(l.pending)

	return here, here + l.taken - 1, l.took // the leader was most likely one of those taken
}

// PutBack puts changes that a leader could not see to the end before all others.
func (l *Line[Change]) PutBack(changes []Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = slices.Concat(changes, l.pending)
}
