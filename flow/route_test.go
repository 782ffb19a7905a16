package flow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func into(sink connector.Sink[int]) func(flow.Flow[int]) flow.End {
	return func(f flow.Flow[int]) flow.End { return f.To(sink) }
}

func TestRouteTakesTheFirstCase(t *testing.T) {
	small, even, rest := memory.NewSink[int](), memory.NewSink[int](), memory.NewSink[int]()
	p := flow.New("route", flow.From(memory.NewSource(numbers(9)...)).Route().
		Case("small", func(n int) bool { return n < 4 }, into(small)).
		Case("even", func(n int) bool { return n%2 == 0 }, into(even)).
		Else(into(rest)).As("sort"))
	mustRun(t, p)
	for _, test := range []struct {
		sink *memory.Sink[int]
		want []int
	}{{small, []int{1, 2, 3}}, {even, []int{4, 6, 8}}, {rest, []int{5, 7, 9}}} {
		if got := test.sink.Values(); !slices.Equal(got, test.want) {
			t.Errorf("got %v, want %v", got, test.want)
		}
	}
	wantLedger(t, p, flow.Line{In: 9, Delivered: 9}, flow.Line{})
	var names []string
	for _, s := range p.Stats() {
		names = append(names, s.Stage)
	}
	if got := strings.Join(names, " "); got != "from sort sort:small to sort:even to-2 sort:else to-3" {
		t.Errorf("stages %q", got)
	}
}

// TestRouterIsImmutable: a Case added to one copy is not in the other, and two closings
// are two routes.
func TestRouterIsImmutable(t *testing.T) {
	a, b := memory.NewSink[int](), memory.NewSink[int]()
	r := flow.From(memory.NewSource(1, 2)).Route().Case("one", func(n int) bool { return n == 1 }, into(a))
	longer := r.Case("two", func(n int) bool { return n == 2 }, into(a))
	p := flow.New("two", r.Else(into(b)), longer.Else(into(b)))
	mustRun(t, p)
	if len(a.Values()) != 3 || len(b.Values()) != 1 {
		t.Errorf("a has %v, b has %v", a.Values(), b.Values())
	}
}

// TestTeeWithAName: naming a stage that has a side branch does not double it.
func TestTeeWithAName(t *testing.T) {
	side, main := memory.NewSink[int](), memory.NewSink[int]()
	p := flow.New("tee", flow.From(memory.NewSource(1, 2)).Tee(into(side)).As("copy").To(main))
	mustRun(t, p)
	if len(side.Values()) != 2 || len(main.Values()) != 2 || len(p.Stats()) != 4 {
		t.Errorf("side %v, main %v, %d stages", side.Values(), main.Values(), len(p.Stats()))
	}
	wantLedger(t, p, flow.Line{In: 2, Delivered: 2}, flow.Line{In: 4, Delivered: 4})
}

// TestOneNameForAllBranches: a name given to one use of a blueprint is that of the stage.
func TestOneNameForAllBranches(t *testing.T) {
	source := memory.NewSource(1, 2)
	f := flow.From(source)
	p := flow.New("named", f.As("orders").To(memory.NewSink[int]()), f.To(memory.NewSink[int]()))
	mustRun(t, p)
	if source.Opens() != 1 {
		t.Errorf("the source was opened %d times", source.Opens())
	}
	wantLedger(t, p, flow.Line{In: 2, Delivered: 2}, flow.Line{In: 4, Delivered: 4})
}
