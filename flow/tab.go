package flow

import "github.com/millrace-go/millrace/connector"

// tab is the book of an inline source: its items end one after the other on one
// goroutine, so it needs no lock and counts once a chunk.
type tab struct {
	book        *book
	settlements []connector.Settlement
	outcomes    [connector.Returned + 1]int64
}

// open notes a chunk of n messages.
func (t *tab) open(n int) {
	t.book.tally.enter(n)
	t.book.mu.Lock()
	t.book.live += n
	t.book.open += n
	t.book.mu.Unlock()
}

func (t *tab) finished(it *item, err error) {
	t.outcomes[it.outcome]++
	n := len(t.settlements)
	if err != nil || n == cap(t.settlements) {
		t.settlements = append(t.settlements, t.book.settlement(it, err))

		return
	}
	// The slice is used again and again, so only what differs is written.
	t.settlements = t.settlements[:n+1]
	s := &t.settlements[n]
	s.Position, s.Outcome, s.Delay = it.origin.Position(), it.outcome, 0
	if s.Cause != nil || it.cause != nil {
		s.Cause = it.cause
	}
}

// close counts the outcomes of the chunk and settles it.
func (t *tab) close() {
	tally := t.book.tally
	for o := range t.outcomes {
		if t.outcomes[o] != 0 {
			tally.outcomes[o].Add(t.outcomes[o])
			tally.inFlight.Add(-t.outcomes[o])
			t.outcomes[o] = 0
		}
	}
	t.book.mu.Lock()
	t.book.open -= len(t.settlements)
	t.book.mu.Unlock()
	t.book.deliver(t.settlements)
	t.settlements = t.settlements[:0]
}
