package boltfile

import (
	"runtime"
	"slices"
	"sync"
)

// Line is where changes wait to be committed together. There is no goroutine: whichever
// caller gets the lead commits for all that wait. Make it with NewLine.
type Line[Change comparable] struct {
	// Lead holds one element while somebody leads.
	Lead chan struct{}

	mu      sync.Mutex
	pending []Change
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
	// Callers that the last commit released are about to come back: let them join.
	runtime.Gosched()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.pending
	l.pending = nil

	return all
}

// PutBack puts changes that a leader could not see to the end before all others.
func (l *Line[Change]) PutBack(changes []Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = slices.Concat(changes, l.pending)
}
