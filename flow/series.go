package flow

import "github.com/millrace-go/millrace/connector"

// series is the fan of a split below which no stage keeps a message. The parts end one
// after the other on one goroutine, so one item serves them all, and it needs no lock and
// counts once for each parent (invariant 4).
type series struct {
	tally *tally
	it    item
	metas connector.Parts

	parent   *item
	outcome  connector.Outcome
	cause    error
	failed   []error
	outcomes [connector.Returned + 1]int64
}

func newSeries(tally *tally) *series {
	s := &series{tally: tally}
	s.it.owner = s

	return s
}

// begin takes the next parent.
func (s *series) begin(parent *item) {
	s.parent, s.outcome, s.cause, s.failed = parent, connector.Pending, nil, nil
	clear(s.outcomes[:])
}

// nth returns the item as that of the n-th part. The metadata is never used again: a sink
// may keep it.
func (s *series) nth(n int) *item {
	it := &s.it
	it.meta, it.outcome, it.done = s.metas.Of(s.parent.meta, n), connector.Pending, false
	if it.cause != nil {
		it.cause = nil
	}
	if it.path = nil; s.parent.path != nil {
		it.path = s.parent.path.fork()
	}

	return it
}

func (s *series) finished(it *item, err error) {
	s.outcomes[it.outcome]++
	switch {
	case err != nil:
		s.failed = append(s.failed, err)
	case it.outcome > s.outcome:
		s.outcome, s.cause = it.outcome, it.cause
	}
}

// close counts the parts, and returns what the push of the split returns for the parent.
// The given error is the stage's own failure, if any.
func (s *series) close(err error) error {
	n := 0
	for _, ended := range s.outcomes {
		n += int(ended)
	}
	if n > 0 {
		s.tally.enter(n)
		s.tally.leaveAll(&s.outcomes)
	}
	if err != nil {
		s.failed = append(s.failed, err)
	}

	return s.parent.ofParts(s.outcome, s.cause, s.failed)
}
