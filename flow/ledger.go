package flow

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/millrace-go/millrace/connector"
)

// Ledger counts what became of every message of a pipeline since it was made, over all
// of its runs. It may be read at any time; while a run goes on, its parts are read one
// after the other and need not add up.
type Ledger struct {
	Flow string `json:"flow"`
	// Source counts the messages that the sources handed out.
	Source Line `json:"source"`
	// Derived counts the messages that stages made: branches of a broadcast, parts of a
	// split, results of a batch or a group.
	Derived Line `json:"derived"`
}

// Line is one line of a Ledger: In = the sum of the outcomes + InFlight, whenever
// nothing runs.
type Line struct {
	In           int64 `json:"in"`
	Delivered    int64 `json:"delivered"`
	Filtered     int64 `json:"filtered"`
	Duplicate    int64 `json:"duplicate"`
	Dropped      int64 `json:"dropped"`
	DeadLettered int64 `json:"dead_lettered"`
	Returned     int64 `json:"returned"`
	InFlight     int64 `json:"in_flight"`
	// Unconfirmed counts outcomes, included above, whose settlement the source did not
	// confirm: the source may hand these messages out again.
	Unconfirmed int64 `json:"unconfirmed,omitzero"`
}

// Done is the sum of all outcomes.
func (l Line) Done() int64 {
	return l.Delivered + l.Filtered + l.Duplicate + l.Dropped + l.DeadLettered + l.Returned
}

// Balanced reports whether every message that came in has an outcome or is in flight.
func (l Line) Balanced() bool { return l.In == l.Done()+l.InFlight }

// Balanced reports whether both lines balance.
func (l Ledger) Balanced() bool { return l.Source.Balanced() && l.Derived.Balanced() }

// String gives both lines as a person reads them.
func (l Ledger) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: source %v", l.Flow, l.Source)
	if l.Derived.In > 0 {
		fmt.Fprintf(&b, "; derived %v", l.Derived)
	}

	return b.String()
}

// String gives the line as an equation, leaving out what is zero.
func (l Line) String() string {
	var terms []string
	for _, t := range []struct {
		n    int64
		name string
	}{
		{l.Delivered, "delivered"},
		{l.Filtered, "filtered"},
		{l.Duplicate, "duplicate"},
		{l.Dropped, "dropped"},
		{l.DeadLettered, "dead-lettered"},
		{l.Returned, "returned"},
		{l.InFlight, "in flight"},
	} {
		if t.n != 0 {
			terms = append(terms, fmt.Sprintf("%d %s", t.n, t.name))
		}
	}
	sign := " = "
	if !l.Balanced() {
		sign = " != "
	}
	if len(terms) == 0 {
		terms = []string{"0"}
	}

	return fmt.Sprintf("%d in%s%s", l.In, sign, strings.Join(terms, " + "))
}

// tally is a Line that is being counted (invariant 2). In and the outcomes are counted apart from what
// is in flight, so that a message counted once too often or too rarely shows.
type tally struct {
	in, inFlight, unconfirmed atomic.Int64
	outcomes                  [connector.Returned + 1]atomic.Int64

	mu sync.Mutex
	// tabs have counted more, since they joined.
	tabs []*tab
}

func (t *tally) enter(n int) {
	t.in.Add(int64(n))
	t.inFlight.Add(int64(n))
}

func (t *tally) leave(outcome connector.Outcome) {
	t.outcomes[outcome].Add(1)
	t.inFlight.Add(-1)
}

// leaveAll is leave for as many messages of each outcome.
func (t *tally) leaveAll(outcomes *[connector.Returned + 1]int64) {
	var all int64
	for outcome, n := range outcomes {
		if n != 0 {
			t.outcomes[outcome].Add(n)
			all += n
		}
	}
	t.inFlight.Add(-all)
}

func (t *tally) join(one *tab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tabs = append(t.tabs, one)
}

// retire takes over what the tab has counted.
func (t *tally) retire(one *tab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tabs = slices.DeleteFunc(t.tabs, func(other *tab) bool { return other == one })
	c := one.counts()
	t.in.Add(c.in)
	t.inFlight.Add(c.inFlight)
	for outcome, n := range c.outcomes {
		t.outcomes[outcome].Add(n)
	}
}

func (t *tally) line() Line {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := counts{inFlight: t.inFlight.Load()}
	for i := range t.outcomes {
		c.outcomes[i] = t.outcomes[i].Load()
	}
	c.in = t.in.Load()
	for _, one := range t.tabs {
		c.add(one.counts())
	}

	return Line{
		In:           c.in,
		InFlight:     c.inFlight,
		Delivered:    c.outcomes[connector.Delivered],
		Filtered:     c.outcomes[connector.Filtered],
		Duplicate:    c.outcomes[connector.Duplicate],
		Dropped:      c.outcomes[connector.Dropped],
		DeadLettered: c.outcomes[connector.DeadLettered],
		Returned:     c.outcomes[connector.Returned],
		Unconfirmed:  t.unconfirmed.Load(),
	}
}

// counts are the numbers of a tally.
type counts struct {
	in, inFlight int64
	outcomes     [connector.Returned + 1]int64
}

func (c *counts) add(more counts) {
	c.in += more.in
	c.inFlight += more.inFlight
	for i, n := range more.outcomes {
		c.outcomes[i] += n
	}
}
