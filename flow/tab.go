package flow

import "github.com/millrace-go/millrace/connector"

// tab is the book of an inline source: its messages end one after the other on one
// goroutine, so one item serves them all. It counts under the lock of the book, which it
// takes for every chunk, in plain numbers that others ask for: a chunk of one message
// would else pay for an atomic operation for every stage and every line of the ledger.
type tab struct {
	book     *book
	counters []*counter
	it       item
	// settlements has one for each message of the chunk; ended counts those that have an
	// outcome.
	settlements []connector.Settlement
	ended       int
	// inside is set while the goroutine is inside the reader: from before the settlement of
	// a chunk until the next one has been read.
	inside bool
	// counted is what this tab adds to the tally of its book, under the lock of the book.
	counted counts
}

// newTab makes a tab of the stages that the counters count. retire follows.
func newTab(b *book, counters []*counter) *tab {
	t := &tab{book: b, counters: counters}
	t.it.owner = t
	b.tally.join(t)
	for _, c := range counters {
		c.station.join(c, &b.mu)
	}
	t.inside = b.use.enter()

	return t
}

// retire leaves the reader, and what was counted with the tally and the stations.
func (t *tab) retire() {
	if t.inside {
		t.book.use.leave()
	}
	for _, c := range t.counters {
		c.station.retire(c)
	}
	t.book.tally.retire(t)
}

// open notes a chunk of n messages that was read and returns their settlements, for the
// positions.
func (t *tab) open(n int) []connector.Settlement {
	if n > cap(t.settlements) {
		t.settlements = make([]connector.Settlement, n)
	}
	t.settlements, t.ended = t.settlements[:n], 0
	t.book.mu.Lock()
	t.book.live += n
	t.book.open += n
	t.counted.in += int64(n)
	t.counted.inFlight += int64(n)
	t.inside = false
	last := t.book.use.goOut()
	t.book.mu.Unlock()
	t.book.use.left(last)

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
	if it.path = nil; it.cause == nil {
		t.end()

		return
	}
	t.settlements[t.ended] = t.book.settlement(it, err)
	t.ended++
	it.cause = nil
}

// close counts the outcomes of the chunk and settles it. It reports whether more may be read.
func (t *tab) close() bool {
	ended := t.settlements[:t.ended]
	t.book.mu.Lock()
	for i := range ended {
		t.counted.outcomes[ended[i].Outcome]++
	}
	t.counted.inFlight -= int64(len(ended))
	for _, c := range t.counters {
		c.show()
	}
	t.book.open -= len(ended)
	t.inside = t.book.begin(len(ended))
	t.book.mu.Unlock()
	if t.inside {
		t.book.settleNow(ended)
	}

	return t.inside
}

// counts returns what the tab has counted so far.
func (t *tab) counts() counts {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()

	return t.counted
}
