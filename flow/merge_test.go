package flow_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

func TestMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memory.NewFeed(numbers(100)...), memory.NewSource(1001, 1002, 1003)
		sink := memory.NewSink[int]()
		p := start(t, flow.New("merge", flow.Merge(flow.From(audit(t, a)), flow.From(audit(t, b)).Map(same)).To(sink)))
		if b.Count(connector.Delivered) != 3 || a.Count(connector.Delivered) != 100 {
			t.Errorf("settled to their own sources: %d of a, %d of b", a.Count(connector.Delivered), b.Count(connector.Delivered))
		}
		a.Send(101) // b has ended; a has not
		a.Finish()
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
		own := slices.DeleteFunc(sink.Values(), func(n int) bool { return n > 1000 })
		if !slices.Equal(own, numbers(101)) {
			t.Errorf("the order of a flow was lost: %v", own)
		}
		wantLedger(t, p.Pipeline, flow.Line{In: 104, Delivered: 104}, flow.Line{})
	})
}

// TestMergeOfOneFlowWithItself is a broadcast whose branches meet again.
func TestMergeOfOneFlowWithItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flow.From(memory.NewSource(numbers(500)...))
		sink := memory.NewSink[int]()
		p := flow.New("diamond", flow.Merge(f.Filter(func(n int) bool { return n%2 == 0 }), f.Map(same), f).Batch(10, 0).To(sink))
		mustRun(t, p)
		wantLedger(t, p, flow.Line{In: 500, Delivered: 500}, flow.Line{In: 1500, Delivered: 1250, Filtered: 250})
	})
}
