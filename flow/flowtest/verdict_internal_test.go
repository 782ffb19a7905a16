package flowtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/flow"
)

// A pipeline whose ledger does not balance cannot be built, so the verdict is given one.
func TestVerdict(t *testing.T) {
	failed := errors.New("down")
	lost := flow.Ledger{Flow: "orders", Source: flow.Line{In: 2, Delivered: 1}}
	open := flow.Ledger{Flow: "orders", Source: flow.Line{In: 1, InFlight: 1}}
	for name, c := range map[string]struct {
		ledger flow.Ledger
		err    error
		leaks  []string
		want   string
		not    string
	}{
		"well":                {ledger: flow.Ledger{Source: flow.Line{In: 1, Delivered: 1}}},
		"unbalanced":          {ledger: lost, want: "2 in != 1 delivered"},
		"unbalanced, failed":  {ledger: lost, err: failed, want: "2 in != 1 delivered"},
		"in flight":           {ledger: open, want: "still in flight"},
		"in flight by an err": {ledger: open, err: failed, want: "down", not: "still in flight"},
		"leak":                {leaks: []string{"a stack"}, want: "a stack"},
	} {
		t.Run(name, func(t *testing.T) {
			err := verdict(c.ledger, c.err, c.leaks, Closed)
			if (err == nil) != (c.want == "") {
				t.Fatalf("verdict %v", err)
			}
			if c.want == "" {
				return
			}
			if text := err.Error(); !strings.Contains(text, c.want) || c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("verdict %v", err)
			}
			if !errors.Is(err, c.err) && c.err != nil {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

func TestSince(t *testing.T) {
	before := flow.Ledger{
		Source:  flow.Line{In: 1, Delivered: 2, Filtered: 3, Duplicate: 4, Dropped: 5, DeadLettered: 6, Returned: 7, InFlight: 8, Unconfirmed: 9},
		Derived: flow.Line{In: 1},
	}
	after := flow.Ledger{Flow: "orders", Derived: flow.Line{In: 3}, Source: flow.Line{
		In: 11, Delivered: 12, Filtered: 13, Duplicate: 14, Dropped: 15, DeadLettered: 16, Returned: 17, InFlight: 18, Unconfirmed: 19,
	}}
	want := flow.Ledger{Flow: "orders", Derived: flow.Line{In: 2}, Source: flow.Line{
		In: 10, Delivered: 10, Filtered: 10, Duplicate: 10, Dropped: 10, DeadLettered: 10, Returned: 10, InFlight: 10, Unconfirmed: 10,
	}}
	if got := since(before, after); got != want {
		t.Errorf("got %+v", got)
	}
}
