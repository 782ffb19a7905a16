package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace-go/millrace/flow"
)

// supervisedCollector reads what a supervisor knows of one of its pipelines.
type supervisedCollector struct {
	families

	supervisor        *flow.Supervisor
	index             int
	restarts, waiting *prometheus.Desc
}

func newSupervisedCollector(s *flow.Supervisor, index int, name string) *supervisedCollector {
	c := &supervisedCollector{supervisor: s, index: index}
	c.constant = prometheus.Labels{"flow": name}
	c.restarts = c.add("supervisor_restarts_total", "Starts of the pipeline after it failed.")
	c.waiting = c.add("supervisor_waiting", "Whether the pipeline failed and waits for its restart.")

	return c
}

// Collect implements prometheus.Collector.
func (c *supervisedCollector) Collect(out chan<- prometheus.Metric) {
	h := c.supervisor.Health()[c.index]
	counter(out, c.restarts, h.Restarts)
	flag(out, c.waiting, h.State == flow.Waiting)
}
