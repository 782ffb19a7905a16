package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace-go/millrace/flow"
)

// Step is any flow.Step. Both methods must be safe for concurrent use.
type Step interface {
	Name() string
	Ledger() flow.CallLedger
}

// stepCollector reads the ledger of a step when it is asked to.
type stepCollector struct {
	families

	step                       Step
	started, results, inFlight *prometheus.Desc
}

func newStepCollector(s Step) *stepCollector {
	c := &stepCollector{step: s}
	c.constant = prometheus.Labels{"step": s.Name()}
	c.started = c.add("step_calls_started_total", "Calls of the step.")
	c.results = c.add("step_calls_total", "Calls of the step by how they ended.", "result")
	c.inFlight = c.add("step_calls_in_flight", "Calls of the step that have not ended.")

	return c
}

// Collect implements prometheus.Collector.
func (c *stepCollector) Collect(out chan<- prometheus.Metric) {
	l := c.step.Ledger()
	counter(out, c.started, l.Calls)
	counter(out, c.results, l.Replied, "replied")
	counter(out, c.results, l.Failed, "failed")
	counter(out, c.results, l.Rejected, "rejected")
	counter(out, c.results, l.Cancelled, "cancelled")
	gauge(out, c.inFlight, float64(l.InFlight))
}
