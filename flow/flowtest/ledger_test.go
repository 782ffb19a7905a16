package flowtest_test

import (
	"testing"

	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
)

func TestClosed(t *testing.T) {
	good := flow.Line{In: 3, Delivered: 1, Filtered: 1, Returned: 1}
	for name, c := range map[string]struct {
		ledger flow.Ledger
		want   []string
	}{
		"empty":       {flow.Ledger{}, nil},
		"closed":      {flow.Ledger{Source: good, Derived: good}, nil},
		"lost":        {flow.Ledger{Source: flow.Line{In: 3, Delivered: 2}}, []string{"source messages: 3 in != 2 delivered", "report"}},
		"twice":       {flow.Ledger{Derived: flow.Line{In: 1, Delivered: 2}}, []string{"derived messages: 1 in != 2 delivered"}},
		"in flight":   {flow.Ledger{Source: flow.Line{In: 3, Delivered: 2, InFlight: 1}}, []string{"1 source message(s) are still in flight"}},
		"held part":   {flow.Ledger{Derived: flow.Line{In: 1, InFlight: 1}}, []string{"1 derived message(s) are still in flight"}},
		"unconfirmed": {flow.Ledger{Source: flow.Line{In: 1, Delivered: 1, Unconfirmed: 1}}, []string{"not confirmed 1 outcome(s)", "Settle"}},
		"all of it": {
			flow.Ledger{Source: flow.Line{In: 3, InFlight: 1}, Derived: flow.Line{In: 1}},
			[]string{"source messages: 3 in != 1 in flight", "derived messages: 1 in != 0", "1 source message(s)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := flowtest.Closed(c.ledger)
			if (err == nil) != (len(c.want) == 0) {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				record(t, func(t testing.TB) { t.Error(err) }).wantError(c.want...)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	base := flow.Ledger{Flow: "orders", Source: flow.Line{In: 3, Delivered: 2, Filtered: 1}}
	other := base
	other.Source.Delivered, other.Source.Filtered, other.Derived.In, other.Derived.InFlight = 3, 0, 1, 1
	renamed, unnamed := base, base
	renamed.Flow, unnamed.Flow = "invoices", ""
	for name, c := range map[string]struct {
		want flow.Ledger
		text string
	}{
		"same":    {base, ""},
		"unnamed": {unnamed, ""},
		"name":    {renamed, "the ledger of orders is not as wanted:\n\tflow \"orders\", want \"invoices\""},
		"counts": {other, "the ledger of orders is not as wanted:" +
			"\n\tsource: delivered 2, want 3; filtered 1, want 0" +
			"\n\t\tgot  3 in = 2 delivered + 1 filtered" +
			"\n\t\twant 3 in = 3 delivered" +
			"\n\tderived: in 0, want 1; in flight 0, want 1" +
			"\n\t\tgot  0 in = 0" +
			"\n\t\twant 1 in = 1 in flight"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := flowtest.Diff(base, c.want); got != c.text {
				t.Errorf("got\n%s\nwant\n%s", got, c.text)
			}
			r := record(t, func(t testing.TB) { flowtest.Ledger(t, base, c.want) })
			if c.text == "" {
				r.wantPass()
			} else {
				r.wantError(c.text)
			}
		})
	}
}
