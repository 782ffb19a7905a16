package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// families are the metrics of one collector, all with the same constant labels.
type families struct {
	constant prometheus.Labels
	descs    []*prometheus.Desc
}

// add describes one more metric.
func (f *families) add(name, help string, labels ...string) *prometheus.Desc {
	desc := prometheus.NewDesc(prometheus.BuildFQName("millrace", "", name), help, labels, f.constant)
	f.descs = append(f.descs, desc)

	return desc
}

// Describe implements prometheus.Collector.
func (f *families) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range f.descs {
		out <- desc
	}
}

// send passes on a metric or, as a metric of its own, why it cannot be made.
func send(out chan<- prometheus.Metric, desc *prometheus.Desc, metric prometheus.Metric, err error) {
	if err != nil {
		metric = prometheus.NewInvalidMetric(desc, err)
	}
	out <- metric
}

func counter[N int | int64 | uint64](out chan<- prometheus.Metric, desc *prometheus.Desc, n N, labels ...string) {
	metric, err := prometheus.NewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
	send(out, desc, metric, err)
}

func gauge(out chan<- prometheus.Metric, desc *prometheus.Desc, value float64, labels ...string) {
	metric, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	send(out, desc, metric, err)
}

// flag is a gauge of 1 or 0.
func flag(out chan<- prometheus.Metric, desc *prometheus.Desc, on bool, labels ...string) {
	value := 0.0
	if on {
		value = 1
	}
	gauge(out, desc, value, labels...)
}
