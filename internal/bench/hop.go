package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/metrics"
	"github.com/millrace-go/millrace/retry"
)

func hops() family {
	ours := contestant{"millrace", hopByFlow}
	ordered := hopByMill("Watermill's gochannel, ordered", millConfig{ordered: true, middleware: true, metrics: true})
	loose := hopByMill("Watermill's gochannel, not ordered", millConfig{middleware: true, metrics: true})

	return family{
		name: "hop", title: "A hop over a queue in the process",
		intro: "A record of 64 bytes goes through a queue in memory to a sink, in order, acknowledged when the sink has it, " +
			"with retry, recovery from panics, and Prometheus metrics on both sides.",
		rows: []row{{
			name: "queue hop", ours: ours, baseline: ordered, others: []contestant{loose}, most: 1 << 20,
			floors: []floor{
				atMostNanos(1000, ours.name, "message"), atMostAllocs(4, ours.name, "message"),
				timesFaster(20, ours.name, ordered.name), timesFaster(20, ours.name, loose.name),
			},
		}},
	}
}

func hopByFlow(d *desk, n int) (job, error) {
	queue, err := queueconn.NewMemory[record](queueconn.Config{})
	if err != nil {
		return nil, err
	}
	d.after(queue.Close)
	to := &sum{}
	p := flow.New("hop", flow.From(newChunked(ring, n)).Via(queue).Retry(retry.Policy{}).To(to))
	if err := metrics.Register(prometheus.NewRegistry(), p); err != nil {
		return nil, err
	}

	return func() (int, error) {
		err := p.Run(context.Background())

		return int(to.n), err
	}, nil
}

func hopByMill(name string, config millConfig) contestant {
	return contestant{name, func(d *desk, n int) (job, error) {
		m, err := newMill(config)
		if err != nil {
			return nil, err
		}
		to := newArrivals(n)
		m.end("sink", "in", func(r record) error { to.add(r); return nil })

		return func() (int, error) { return m.send(n, to) }, m.start(d)
	}}
}
