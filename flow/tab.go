package flow

import "github.com/millrace-go/millrace/connector"

// tab is the book of an inline source: its messages end one after the other on one
// goroutine, so one item serves them all, and it needs no lock and counts once a chunk.
type tab struct {
	book *book
	it   item
	// settlements has one for each message of the chunk; ended counts those that have an
	// outcome.
	settlements []connector.Settlement
	ended       int
}

func newTab(b *book) *tab {
	t := &tab{book: b}
	t.it.owner = t

	return t
}

// open notes a chunk of n messages and returns their settlements, for the positions.
func (t *tab) open(n int) []connector.Settlement {
	t.book.tally.enter(n)
	t.book.mu.Lock()
	t.book.live += n
	t.book.open += n
	t.book.mu.Unlock()
	if n > cap(t.settlements) {
		t.settlements = make([]connector.Settlement, n)
	}
	t.settlements, t.ended = t.settlements[:n], 0

	return t.settlements
}

// turn returns the item as that of the next message.
func (t *tab) turn(meta *connector.Meta) *item {
	it := &t.it
	it.meta, it.origin = meta, meta
	it.outcome, it.done = connector.Pending, false

	return it
}

// end is complete(nil) for a plain item, as most are. The compiler puts it into the loop.
func (t *tab) end() {
	t.settlements[t.ended].Outcome = t.it.outcome
	t.ended++
	t.it.done = true
}

func (t *tab) finished(it *item, err error) {
	t.settlements[t.ended] = t.book.settlement(it, err)
	t.ended++
	it.cause, it.path = nil, nil
}

// close counts the outcomes of the chunk and settles it.
func (t *tab) close() {
	ended := t.settlements[:t.ended]
	var outcomes [connector.Returned + 1]int64
	for i := range ended {
		outcomes[ended[i].Outcome]++
	}
	t.book.tally.leaveAll(&outcomes)
	t.book.mu.Lock()
	t.book.open -= t.ended
	t.book.mu.Unlock()
	t.book.deliver(ended)
}
