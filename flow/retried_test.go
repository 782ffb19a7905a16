package flow_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// Attempts beyond the first are counted where they are made, and shown at the stage.
func TestRetriesShowInStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := connector.Transient(errors.New("down"))
		caller := memory.NewCaller(func(_ context.Context, n int) (int, error) { return n + 1, nil })
		caller.Script(memory.Fail(down).Times(2))
		sink := memory.NewSink[int]()
		sink.Script(memory.Fail(down))
		step := flow.Ask("price", caller).Retry(retry.Policy{Attempts: 3})
		p := flow.New("retries", flow.From(memory.NewSource(1)).Do(step).To(flow.Into(sink).Retry(retry.Policy{})))
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := map[string]uint64{"from": 0, "do": 2, "to": 1}
		for _, s := range p.Stats() {
			if s.Retried != want[s.Stage] {
				t.Errorf("stage %s: %d retries, want %d", s.Stage, s.Retried, want[s.Stage])
			}
			if s.Stage == "do" && s.Endpoint != "price" {
				t.Errorf("the endpoint of the step is %q", s.Endpoint)
			}
		}
		if step.Retried() != 2 {
			t.Errorf("the step counts %d retries, want 2", step.Retried())
		}
	})
}
