package metrics_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
	"github.com/millrace-go/millrace/metrics"
	"github.com/millrace-go/millrace/retry"
)

// value returns the value of the one series of a name whose labels hold all of the pairs.
func value(t *testing.T, registry prometheus.Gatherer, name string, pairs ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			fits := family.GetName() == name
			for i := 0; i < len(pairs); i += 2 {
				fits = fits && labels[pairs[i]] == pairs[i+1]
			}
			if fits {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s with %q", name, pairs)

	return 0
}

// want checks a value.
func want(t *testing.T, registry prometheus.Gatherer, wanted float64, name string, pairs ...string) {
	t.Helper()
	if got := value(t, registry, name, pairs...); got != wanted {
		t.Errorf("%s%q is %v, want %v", name, pairs, got, wanted)
	}
}

func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New("p", flow.From(memory.NewFeed(1, 2)).ForEach(func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		registry := register(t, p)
		is := func(up float64, state flow.State) {
			t.Helper()
			want(t, registry, up, "millrace_pipeline_up")
			for _, s := range []flow.State{flow.Stopped, flow.Running, flow.Draining, flow.Failed} {
				on := 0.0
				if s == state {
					on = 1
				}
				want(t, registry, on, "millrace_pipeline_state", "state", string(s))
			}
		}
		is(0, flow.Stopped)
		r := flowtest.Start(t, p)
		r.Idle()
		is(1, flow.Running)
		want(t, registry, 2, "millrace_messages_in_flight")
		want(t, registry, 0, "millrace_messages_total", "outcome", "returned")
		go r.Stop()
		synctest.Wait()
		is(1, flow.Draining)
		time.Sleep(time.Minute)
		is(0, flow.Stopped)
		want(t, registry, 0, "millrace_messages_in_flight")
		want(t, registry, 2, "millrace_messages_total", "outcome", "returned")
	})
}

func TestFailedAndUnconfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1)
		source.ScriptSettle(memory.Fail(connector.Permanent(errDown)))
		p := flow.New("p", flow.From(source).To(memory.NewSink[int]()))
		registry := register(t, p)
		_ = flowtest.RunFails(t, p)
		want(t, registry, 1, "millrace_pipeline_state", "state", "failed")
		want(t, registry, 0, "millrace_pipeline_up")
		want(t, registry, 1, "millrace_messages_unconfirmed_total")
		want(t, registry, 1, "millrace_messages_total", "outcome", "delivered")
	})
}

func TestDerivedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flow.From(memory.NewSource(1, 2, 3))
		p := flow.New("p", f.To(memory.NewSink[int]()), f.Filter(func(n int) bool { return n > 1 }).To(memory.NewSink[int]()))
		registry := register(t, p)
		flowtest.Run(t, p)
		want(t, registry, 6, "millrace_derived_messages_made_total")
		want(t, registry, 5, "millrace_derived_messages_total", "outcome", "delivered")
		want(t, registry, 1, "millrace_derived_messages_total", "outcome", "filtered")
		want(t, registry, 0, "millrace_derived_messages_in_flight")
		want(t, registry, 3, "millrace_stage_messages_total", "stage", "to")
		want(t, registry, 2, "millrace_stage_messages_total", "stage", "to-2")
		want(t, registry, 1, "millrace_stage_outcomes_total", "stage", "filter", "outcome", "filtered")
	})
}

func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller := memory.NewCaller(func(_ context.Context, n int) (string, error) { return fmt.Sprint(n), nil })
		step := flow.Ask("price", caller)
		registry := prometheus.NewPedanticRegistry()
		if err := metrics.RegisterSteps(registry, step, flow.Func("other", func(context.Context, int) (int, error) { return 0, nil })); err != nil {
			t.Fatal(err)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		release := make(chan struct{})
		caller.Script(memory.Pass().Times(2), memory.Fail(errDown).Times(3),
			memory.Fail(connector.Permanent(errDown)).Times(4), memory.Block(release))
		for range 9 {
			_, _ = step.Call(t.Context(), 1)
		}
		_, _ = step.Call(cancelled, 1)
		go func() { _, _ = step.Call(t.Context(), 1) }()
		synctest.Wait()
		for result, n := range map[string]float64{"replied": 2, "failed": 3, "rejected": 4, "cancelled": 1} {
			want(t, registry, n, "millrace_step_calls_total", "step", "price", "result", result)
		}
		want(t, registry, 1, "millrace_step_calls_in_flight", "step", "price")
		want(t, registry, 11, "millrace_step_calls_started_total", "step", "price")
		want(t, registry, 0, "millrace_step_calls_started_total", "step", "other")
		close(release)
		synctest.Wait()
		want(t, registry, 0, "millrace_step_calls_in_flight", "step", "price")
		if err := metrics.RegisterSteps(registry, step); err == nil {
			t.Error("a step can be registered twice")
		}
	})
}

func TestSupervisor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := memory.NewSource(1)
		source.ScriptOpen(memory.Fail(errDown).Times(2))
		shaky, steady := flow.New("shaky", flow.From(source).To(memory.NewSink[int]())), counted("steady", 1)
		s := flow.Supervise(flow.SupervisorConfig{Restart: retry.Policy{Attempts: 9, Initial: time.Minute, Multiplier: 1, Max: time.Hour, NoJitter: true}}, shaky, steady)
		registry := register(t, shaky, steady)
		if err := metrics.RegisterSupervisor(registry, s); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- s.Run(t.Context()) }()
		synctest.Wait()
		want(t, registry, 1, "millrace_supervisor_waiting", "flow", "shaky")
		want(t, registry, 0, "millrace_supervisor_waiting", "flow", "steady")
		want(t, registry, 0, "millrace_supervisor_restarts_total", "flow", "shaky")
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want(t, registry, 0, "millrace_supervisor_waiting", "flow", "shaky")
		want(t, registry, 2, "millrace_supervisor_restarts_total", "flow", "shaky")
		want(t, registry, 0, "millrace_supervisor_restarts_total", "flow", "steady")
	})
}
