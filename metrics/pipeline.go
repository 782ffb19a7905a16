package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace-go/millrace/flow"
)

// pipelineCollector reads a pipeline when it is asked to.
type pipelineCollector struct {
	families

	pipeline  *flow.Pipeline
	source    lineMetrics
	derived   lineMetrics
	unsettled *prometheus.Desc
	up, state *prometheus.Desc
	stages    stageMetrics
}

func newPipelineCollector(p *flow.Pipeline) *pipelineCollector {
	c := &pipelineCollector{pipeline: p}
	c.constant = prometheus.Labels{"flow": p.Name()}
	c.source = lineMetrics{
		in:       c.add("messages_received_total", "Messages that the sources handed out."),
		outcomes: c.add("messages_total", "Messages of the sources by how they ended.", "outcome"),
		inFlight: c.add("messages_in_flight", "Messages of the sources that have no outcome yet."),
	}
	c.unsettled = c.add("messages_unconfirmed_total",
		"Outcomes whose settlement a source did not confirm; it may hand these messages out again.")
	c.derived = lineMetrics{
		in:       c.add("derived_messages_made_total", "Messages that stages made: parts, batches, groups, branches."),
		outcomes: c.add("derived_messages_total", "Messages that stages made by how they ended.", "outcome"),
		inFlight: c.add("derived_messages_in_flight", "Messages that stages made and that have no outcome yet."),
	}
	c.up = c.add("pipeline_up", "Whether the pipeline runs or drains.")
	c.state = c.add("pipeline_state", "Whether the pipeline is in the state.", "state")
	c.stages = newStageMetrics(&c.families)

	return c
}

// Collect implements prometheus.Collector.
func (c *pipelineCollector) Collect(out chan<- prometheus.Metric) {
	ledger := c.pipeline.Ledger()
	c.source.collect(out, ledger.Source)
	c.derived.collect(out, ledger.Derived)
	counter(out, c.unsettled, ledger.Source.Unconfirmed+ledger.Derived.Unconfirmed)
	c.health(out, c.pipeline.Health().State)
	for _, s := range c.pipeline.Stats() {
		c.stages.collect(out, s)
	}
}

// A pipeline does not know that it waits for a restart: its supervisor does.
var states = [...]flow.State{flow.Stopped, flow.Running, flow.Draining, flow.Failed}

func (c *pipelineCollector) health(out chan<- prometheus.Metric, now flow.State) {
	flag(out, c.up, now == flow.Running || now == flow.Draining)
	for _, s := range states {
		flag(out, c.state, s == now, string(s))
	}
}

// lineMetrics are those of one line of a ledger.
type lineMetrics struct{ in, outcomes, inFlight *prometheus.Desc }

func (m lineMetrics) collect(out chan<- prometheus.Metric, l flow.Line) {
	counter(out, m.in, l.In)
	gauge(out, m.inFlight, float64(l.InFlight))
	for _, o := range outcomes(l) {
		counter(out, m.outcomes, o.n, o.name)
	}
}
