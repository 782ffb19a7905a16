package flow_test

import (
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// TestMulticastPattern: one branch that fails does not keep the others from their work, and
// the message is done only when all branches are.
func TestMulticastPattern(t *testing.T) {
	tests := []struct {
		// name is the case and the stricter of the outcomes that are in use for it.
		name          string
		first, second func(ints) ints
		// one and two are how many of three messages the branches deliver.
		one, two int
		line     flow.Line
	}{
		{"the second branch works where the first fails", func(f ints) ints { return f.Map(failAt(2)) }, nothing, 2, 3,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"the first has worked where the second fails", nothing, func(f ints) ints { return f.Map(failAt(2)) }, 3, 2,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a failure of both has one letter", func(f ints) ints { return f.Map(failAt(2)) }, func(f ints) ints { return f.Map(failAt(2)) }, 2, 2,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"a failure long after the others are done still counts", func(f ints) ints { return f.Batch(9, time.Hour).MapEach(sameAll).Map(failAt(3)) }, nothing, 2, 3,
			flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"in parallel too", func(f ints) ints { return f.Parallel(3, func(f ints) ints { return f.Map(failAt(1)) }) },
			func(f ints) ints { return f.Buffer(2, flow.Block) }, 2, 3, flow.Line{In: 3, Delivered: 2, DeadLettered: 1}},
		{"what one branch filters is delivered by the other", func(f ints) ints { return f.Filter(even) }, nothing, 1, 3,
			flow.Line{In: 3, Delivered: 3}},
	}
	for _, test := range tests {
		bubble(t, test.name, func(t *testing.T) {
			source, one, two, rejected := memory.NewSource(numbers(3)...), memory.NewSink[int](), memory.NewSink[int](), newDead()
			f := flow.From(audit(t, source)).DeadLetter(rejected)
			p := flow.New("multicast", test.first(f).To(one), test.second(f).To(two))
			mustRun(t, p)
			if one.Accepted() != test.one || two.Accepted() != test.two || p.Ledger().Source != test.line {
				t.Errorf("branches got %d and %d, ledger %v; want %d, %d, %v",
					one.Accepted(), two.Accepted(), p.Ledger().Source, test.one, test.two, test.line)
			}
			if rejected.Accepted() != int(test.line.DeadLettered) || !p.Ledger().Balanced() {
				t.Errorf("%d letters, ledger %v", rejected.Accepted(), p.Ledger())
			}
		})
	}
}
