package flow_test

import (
	"context"
	"encoding/json/v2"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

var update = flag.Bool("update", false, "write the golden files in testdata instead of comparing with them")

// golden compares got with the file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./flow -run %s -update to write it", err, t.Name())
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is intended, run go test ./flow -run %s -update\ngot:\n%s\nwant:\n%s",
			path, t.Name(), got, want)
	}
}

// table is a sink that declares a name.
func table[T any](name string) *memory.Sink[T] {
	s := memory.NewSink[T]()
	s.Declare(connector.Capabilities{Name: "table " + name})

	return s
}

func oneItem(_ context.Context, o order) iter.Seq2[order, error] {
	return func(yield func(order, error) bool) { yield(o, nil) }
}

// shop has every kind of stage.
func shop(t *testing.T) *flow.Pipeline {
	t.Helper()
	queue, err := queueconn.NewMemory[order](queueconn.Config{Name: "incoming"})
	if err != nil {
		t.Fatal(err)
	}
	web, phone := memory.NewSource[order](), memory.NewSource[order]()
	web.Declare(connector.Capabilities{Name: "web shop"})
	policy := retry.Policy{Attempts: 5}
	crm := flow.Func("crm", func(_ context.Context, id string) (string, error) { return id, nil })
	seen := func(connector.Message[order]) {}

	orders := flow.Merge(flow.From(web).As("web"), flow.From(phone)).
		DeadLetter(table[connector.DeadLetter[order]]("rejected")).As("rejected").
		Validate().Validate(positive).
		Once(memory.NewStore(), order.customer, time.Hour).
		Observe(seen).
		Tee(func(f flow.Flow[order]) flow.End { return f.To(table[order]("journal")).As("journal") }).
		Split(oneItem).
		Via(queue).
		Buffer(8, flow.DropOldest).
		Parallel(4, func(f flow.Flow[order]) flow.Flow[order] {
			return f.Enrich(order.customer, crm.Timeout(time.Second).Retry(policy), order.withCustomer).As("customer").
				Filter(order.large)
		})

	return flow.New("shop",
		orders.Route().
			Case("large", order.large, func(f flow.Flow[order]) flow.End {
				return f.Retry(policy).To(table[order]("desk"))
			}).
			Else(func(f flow.Flow[order]) flow.End {
				return f.Batch(100, time.Second).To(flow.Into(table[order]("orders")).Timeout(time.Minute).Retry(policy)).
					As("orders")
			}),
		orders.KeyBy(order.customer).Aggregate(flow.Completion{Count: 10, Idle: time.Minute}, addCents).
			ForEach(func(context.Context, flow.Group[string, int]) error { return nil }).As("totals"),
		orders.Map(flow.Pure(toInvoice)).Batch(20, 0).Bytes(1<<20, func(invoice) int { return 1 }).Slices().
			To(table[[]invoice]("invoices")),
	)
}

func TestGraphDiagrams(t *testing.T) {
	p := shop(t)
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	golden(t, "shop.mmd", p.Graph().Mermaid())
	golden(t, "shop.dot", p.Graph().DOT())
}

// TestGraphStages compares everything but the places with a file.
func TestGraphStages(t *testing.T) {
	g := shop(t).Graph()
	var b strings.Builder
	for _, s := range g.Stages {
		if !strings.HasPrefix(s.At, "flow/graph_test.go:") {
			t.Errorf("stage %s is at %q, want a line of this file", s.Name, s.At)
		}
		s.At = ""
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "%s -> %s\n", e.From, e.To)
	}
	golden(t, "shop.txt", b.String())
}

// stage finds a stage of a graph by its name.
func stage(t *testing.T, g flow.Graph, name string) flow.StageInfo {
	t.Helper()
	at := slices.IndexFunc(g.Stages, func(s flow.StageInfo) bool { return s.Name == name })
	if at < 0 {
		t.Fatalf("no stage %q in %v", name, g.Stages)
	}

	return g.Stages[at]
}

func TestGraphTypes(t *testing.T) {
	g := shop(t).Graph()
	for _, test := range []struct{ name, in, out string }{
		{"web", "flow_test.order", "flow_test.order"},
		{"map", "flow_test.order", "flow_test.invoice"},
		{"batch-map", "flow_test.invoice", "[]flow_test.invoice"},
		{"aggregate", "flow_test.order", "flow.Group[string,int]"},
	} {
		s := stage(t, g, test.name)
		if s.In != test.in || s.Out != test.out {
			t.Errorf("stage %s goes from %s to %s, want %s to %s", test.name, s.In, s.Out, test.in, test.out)
		}
	}
}

// here returns the place of its caller, moved by some lines.
func here(lines int) string {
	_, file, line, _ := runtime.Caller(1)

	return fmt.Sprintf("flow/%s:%d", filepath.Base(file), line+lines)
}

func TestGraphPlaces(t *testing.T) {
	var taken string
	first := here(1)
	orders := flow.From(threeOrders()).
		Filter(order.large).
		Apply(func(f flow.Flow[order]) flow.Flow[order] {
			taken = here(1)
			return f.Observe(func(connector.Message[order]) {})
		})
	batched := here(1)
	batch := orders.Batch(10, time.Second)
	to := batch.To(memory.NewSink[order]())
	keyed := here(1)
	byCustomer := orders.KeyBy(order.customer)
	totals := byCustomer.Fold(addCents).To(memory.NewSink[flow.Group[string, int]]())
	g := flow.New("orders", to, totals).Graph()
	for name, want := range map[string]string{
		"from": first, "observe": taken, "to": batched, "fold": keyed,
	} {
		if got := stage(t, g, name).At; got != want {
			t.Errorf("stage %s is at %s, want %s", name, got, want)
		}
	}
}

func TestGraphOptions(t *testing.T) {
	p := shop(t)
	g := p.Graph()
	for name, want := range map[string]string{
		"validate-2": "[{checks 1}]",
		"once":       "[{ttl 1h0m0s}]",
		"via":        "[{durable false}]",
		"buffer":     "[{size 8} {full drop-oldest}]",
		"parallel":   "[{goroutines 4} {ordered true}]",
		"customer":   "[{timeout 1s} {retry 5 attempts}]",
		"retry":      "[{retry 5 attempts}]",
		"orders":     "[{timeout 1m0s} {retry 5 attempts} {batch 100} {wait 1s}]",
		"aggregate":  "[{count 10} {idle 1m0s}]",
		"batch-map":  "[{batch 20} {bytes 1048576}]",
		"route":      "[{case large} {case else}]",
		"filter":     "[]",
	} {
		if got := fmt.Sprint(stage(t, g, name).Options); got != want {
			t.Errorf("options of %s are %s, want %s", name, got, want)
		}
	}
	stage(t, g, "buffer").Options[0].Value = "changed"
	if got := stage(t, p.Graph(), "buffer").Options[0].Value; got != "8" {
		t.Errorf("who changes a graph changes the pipeline: %s", got)
	}
}

func TestGraphEndpoints(t *testing.T) {
	g := shop(t).Graph()
	for name, want := range map[string]string{
		"web": "web shop", "from": "memory", "rejected": "table rejected", "once": "memory", "journal": "table journal",
		"via": "queue incoming", "via-out": "queue incoming", "orders": "table orders", "to-2": "table invoices",
		"customer": "crm", "map": "", "totals": "",
	} {
		if got := stage(t, g, name).Endpoint; got != want {
			t.Errorf("endpoint of %s is %q, want %q", name, got, want)
		}
	}
}

func TestGraphBodyOfParallel(t *testing.T) {
	g := shop(t).Graph()
	var inside []string
	for _, s := range g.Stages {
		switch s.Inside {
		case "parallel":
			inside = append(inside, s.Name)
		case "":
		default:
			t.Errorf("stage %s is inside %q", s.Name, s.Inside)
		}
	}
	slices.Sort(inside)
	if want := []string{"body", "customer", "filter", "join"}; !slices.Equal(inside, want) {
		t.Errorf("inside the parallel stage are %v, want %v", inside, want)
	}
	wantEdges(t, g, "parallel", "body")
	wantEdges(t, g, "body", "customer")
	wantEdges(t, g, "filter", "join")
	wantEdges(t, g, "join", "aggregate", "map", "route")
}

func TestGraphNestedParallel(t *testing.T) {
	p := flow.New("orders", flow.From(threeOrders()).
		Unordered(2, func(f flow.Flow[order]) flow.Flow[order] {
			return f.Filter(order.large).
				Unordered(2, func(f flow.Flow[order]) flow.Flow[order] {
					return f.Validate(positive).
						Tee(func(f flow.Flow[order]) flow.End { return f.To(table[order]("journal")).As("journal") })
				}).As("inner")
		}).As("outer").
		To(table[order]("orders")))
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	g := p.Graph()
	for name, want := range map[string]string{
		"outer": "", "filter": "outer", "inner": "outer", "validate": "inner", "journal": "inner", "to": "",
	} {
		if got := stage(t, g, name).Inside; got != want {
			t.Errorf("stage %s is inside %q, want %q", name, got, want)
		}
	}
}

// wantEdges compares the edges that leave a stage, in any order.
func wantEdges(t *testing.T, g flow.Graph, from string, to ...string) {
	t.Helper()
	var got []string
	for _, e := range g.Edges {
		if e.From == from {
			got = append(got, e.To)
		}
	}
	slices.Sort(got)
	slices.Sort(to)
	if !slices.Equal(got, to) {
		t.Errorf("from %s edges lead to %v, want %v", from, got, to)
	}
}

func TestGraphRouteAndVia(t *testing.T) {
	g := shop(t).Graph()
	wantEdges(t, g, "route", "route:large", "route:else")
	wantEdges(t, g, "route:large", "retry")
	wantEdges(t, g, "route:else", "orders")
	wantEdges(t, g, "via", "via-out")
	wantEdges(t, g, "via-out", "buffer")
	wantEdges(t, g, "web", "merge")
	wantEdges(t, g, "from", "merge")
	wantEdges(t, g, "tee", "journal", "split")
	for _, name := range []string{"route:large", "route:else"} {
		if s := stage(t, g, name); s.Kind != "branch" {
			t.Errorf("stage %s is a %s", name, s.Kind)
		}
	}
}

// TestGraphIsAWhole: every edge has two stages, and every stage an edge.
func TestGraphIsAWhole(t *testing.T) {
	g := shop(t).Graph()
	touched := make(map[string]bool)
	for _, e := range g.Edges {
		stage(t, g, e.From)
		stage(t, g, e.To)
		touched[e.From], touched[e.To] = true, true
	}
	names := make(map[string]bool)
	for _, s := range g.Stages {
		if names[s.Name] {
			t.Errorf("two stages have the name %s", s.Name)
		}
		names[s.Name] = true
		if !touched[s.Name] {
			t.Errorf("no edge touches %s", s.Name)
		}
	}
	if !slices.Equal(stageNames(shop(t).Graph()), stageNames(g)) {
		t.Error("two graphs of one definition differ")
	}
}

func stageNames(g flow.Graph) []string {
	names := make([]string, 0, len(g.Stages))
	for _, s := range g.Stages {
		names = append(names, s.Name)
	}

	return names
}

// TestGraphWithProblems: a definition can be looked at before it is right.
func TestGraphWithProblems(t *testing.T) {
	p := flow.New("orders", flow.From[order](nil).As("intake").Map(flow.Pure(toInvoice)).To(nil), flow.End{})
	if p.Check() == nil {
		t.Fatal("a source and a sink that are nil pass")
	}
	g := p.Graph()
	if got, want := stageNames(g), []string{"intake", "map", "to"}; !slices.Equal(got, want) {
		t.Errorf("stages %v, want %v", got, want)
	}
	if len(g.Edges) != 2 {
		t.Errorf("edges %v", g.Edges)
	}
}

// TestGraphNamesAreUnique: a name that the user chose does not hide a branch, and of two
// stages with one name, which is a mistake, the diagram shows both.
func TestGraphNamesAreUnique(t *testing.T) {
	discard := func(f flow.Flow[order]) flow.End { return f.To(table[order]("orders")) }
	f := flow.From(threeOrders()).As("route:large")
	g := flow.New("orders", f.Route().Case("large", order.large, discard).Else(discard)).Graph()
	wantEdges(t, g, "route:large", "route")
	wantEdges(t, g, "route", "route:large-2", "route:else")
	wantEdges(t, g, "route:large-2", "to")

	g = flow.New("orders", f.As("x").Filter(order.large).As("x").To(table[order]("orders"))).Graph()
	wantEdges(t, g, "x", "x-2")
	wantEdges(t, g, "x-2", "to")
}

func TestDiagramsNestBodies(t *testing.T) {
	f := flow.From(threeOrders()).Unordered(2, func(f flow.Flow[order]) flow.Flow[order] {
		return f.Unordered(2, func(f flow.Flow[order]) flow.Flow[order] { return f.Filter(order.large) }).As("inner")
	}).As("outer")
	g := flow.New("orders", f.To(table[order]("orders"))).Graph()
	for diagram, want := range map[string]string{
		g.Mermaid(): `
  subgraph g1["outer"]
    s2["body"]
    s3["inner (parallel)<br/>goroutines 2<br/>ordered false"]
    subgraph g3["inner"]
      s4["body-2 (body)"]
      s5["filter"]
      s6["join"]
    end
    s7["join-2 (join)"]
  end
  s8(["to`,
		g.DOT(): `
    subgraph cluster3 {
      label="inner"
      s4 [label="body-2 (body)"]
      s5 [label="filter"]
      s6 [label="join"]
    }
    s7 [label="join-2 (join)"]
  }
`,
	} {
		if !strings.Contains(diagram, want) {
			t.Errorf("got\n%s, want\n%s", diagram, want)
		}
	}
}

func TestDiagramsQuoteNames(t *testing.T) {
	g := flow.New(`the "shop"`,
		flow.From(threeOrders()).As(`web "A" & B`).Filter(order.large).As("<b>#1</b>\nand more").
			To(memory.NewSink[order]()).As(`back\slash`)).Graph()
	if got, want := g.Mermaid(), `["#lt;b#gt;#35;1#lt;/b#gt; and more (filter)"]`; !strings.Contains(got, want) {
		t.Errorf("Mermaid has no %s:\n%s", want, got)
	}
	if got, want := g.Mermaid(), `(["web #quot;A#quot; #amp; B (from)<br/>memory"])`; !strings.Contains(got, want) {
		t.Errorf("Mermaid has no %s:\n%s", want, got)
	}
	dot := g.DOT()
	for _, want := range []string{`digraph "the \"shop\""`, `label="web \"A\" & B (from)\nmemory"`, `back\\slash`, `</b>\nand more`} {
		if !strings.Contains(dot, want) {
			t.Errorf("DOT has no %s:\n%s", want, dot)
		}
	}
}
