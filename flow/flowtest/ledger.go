package flowtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/flow"
)

// Closed returns what keeps the ledger of a pipeline that does not run from being closed:
// a line that does not balance, messages in flight, or outcomes that a source did not
// confirm. It returns nil for a closed one.
func Closed(l flow.Ledger) error {
	problems := []error{balanced(l)}
	for _, line := range lines(l) {
		if n := line.of.InFlight; n != 0 {
			problems = append(problems, fmt.Errorf("%d %s message(s) are still in flight: a stage has kept them, "+
				"or the pipeline still runs", n, line.name))
		}
		if n := line.of.Unconfirmed; n != 0 {
			problems = append(problems, fmt.Errorf("the sources have not confirmed %d outcome(s): "+
				"look at what Settle returned", n))
		}
	}

	return errors.Join(problems...)
}

// balanced returns which lines do not balance.
func balanced(l flow.Ledger) error {
	var problems []error
	for _, line := range lines(l) {
		if !line.of.Balanced() {
			problems = append(problems, fmt.Errorf("the ledger does not balance, which is a fault of millrace and not of "+
				"the flow: please report it: %s messages: %v", line.name, line.of))
		}
	}

	return errors.Join(problems...)
}

type namedLine struct {
	name string
	of   flow.Line
}

func lines(l flow.Ledger) [2]namedLine {
	return [...]namedLine{{"source", l.Source}, {"derived", l.Derived}}
}

// Ledger marks the test as failed when a ledger differs from the one wanted, and says in
// which counts. A want without a Flow is compared by its counts alone.
func Ledger(t testing.TB, got, want flow.Ledger) {
	t.Helper()
	if diff := Diff(got, want); diff != "" {
		t.Errorf("flowtest: %s", diff)
	}
}

// Diff says in which counts two ledgers differ, for a person to read; it is empty when
// they do not. A want without a Flow is compared by its counts alone.
func Diff(got, want flow.Ledger) string {
	if want.Flow == "" {
		want.Flow = got.Flow
	}
	if got == want {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the ledger of %s is not as wanted:", got.Flow)
	if got.Flow != want.Flow {
		fmt.Fprintf(&b, "\n\tflow %q, want %q", got.Flow, want.Flow)
	}
	wanted := lines(want)
	for i, line := range lines(got) {
		if line.of != wanted[i].of {
			fmt.Fprintf(&b, "\n\t%s: %s\n\t\tgot  %v\n\t\twant %v",
				line.name, strings.Join(differing(line.of, wanted[i].of), "; "), line.of, wanted[i].of)
		}
	}

	return b.String()
}

func differing(got, want flow.Line) []string {
	var texts []string
	wanted := counts(&want)
	for i, c := range counts(&got) {
		if *c.n != *wanted[i].n {
			texts = append(texts, fmt.Sprintf("%s %d, want %d", c.name, *c.n, *wanted[i].n))
		}
	}

	return texts
}

// since returns what was added to a ledger after before.
func since(before, after flow.Ledger) flow.Ledger {
	for _, pair := range [][2]*flow.Line{{&before.Source, &after.Source}, {&before.Derived, &after.Derived}} {
		earlier := counts(pair[0])
		for i, c := range counts(pair[1]) {
			*c.n -= *earlier[i].n
		}
	}

	return after
}

type count struct {
	name string
	n    *int64
}

func counts(l *flow.Line) [9]count {
	return [...]count{
		{"in", &l.In},
		{"delivered", &l.Delivered},
		{"filtered", &l.Filtered},
		{"duplicate", &l.Duplicate},
		{"dropped", &l.Dropped},
		{"dead-lettered", &l.DeadLettered},
		{"returned", &l.Returned},
		{"in flight", &l.InFlight},
		{"unconfirmed", &l.Unconfirmed},
	}
}
