package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// stageMetrics are those of the stages of one pipeline.
type stageMetrics struct {
	messages, failures, retries, outcomes *prometheus.Desc
	duration, request                     *prometheus.Desc
}

func newStageMetrics(f *families) stageMetrics {
	return stageMetrics{
		messages: f.add("stage_messages_total",
			"Calls of the stage: messages or, for a sink behind a batch, batches.", "stage", "kind"),
		failures: f.add("stage_failures_total", "Failures at the stage; a message that is tried again counts each time.", "stage", "kind"),
		retries:  f.add("stage_retries_total", "Attempts of the stage beyond the first.", "stage", "kind"),
		outcomes: f.add("stage_outcomes_total", "Outcomes that the stage decided.", "stage", "kind", "outcome"),
		duration: f.add("stage_duration_seconds",
			"Durations of the stage's calls; where they take less than 20 microseconds, of one in 128.", "stage", "kind"),
		request: f.add("endpoint_request_duration_seconds",
			"Durations of the stage's calls to its endpoint, timed like the stage.", "stage", "endpoint"),
	}
}

func (m stageMetrics) collect(out chan<- prometheus.Metric, s flow.StageStats) {
	counter(out, m.messages, s.In, s.Stage, s.Kind)
	counter(out, m.failures, s.Failed, s.Stage, s.Kind)
	counter(out, m.retries, s.Retried, s.Stage, s.Kind)
	for _, o := range connector.Outcomes {
		if n := s.Outcomes[o]; n > 0 {
			counter(out, m.outcomes, n, s.Stage, s.Kind, o.String())
		}
	}
	if s.Durations.Count == 0 {
		return
	}
	histogram(out, m.duration, s.Durations, s.Stage, s.Kind)
	if s.Endpoint != "" {
		histogram(out, m.request, s.Durations, s.Stage, strings.ToValidUTF8(s.Endpoint, "?"))
	}
}

func histogram(out chan<- prometheus.Metric, desc *prometheus.Desc, d flow.Durations, labels ...string) {
	last := len(d.Buckets) - 1
	buckets := make(map[float64]uint64, last)
	below := uint64(0)
	for i, n := range d.Buckets[:last] {
		below += n
		buckets[d.UpperBound(i).Seconds()] = below
	}
	metric, err := prometheus.NewConstHistogram(desc, d.Count, d.Sum.Seconds(), buckets, labels...)
	send(out, desc, metric, err)
}
