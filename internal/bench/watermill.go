package main

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/components/metrics"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"
)

const recordSize = 64

// appendRecord and parseRecord are the cheapest way for a record to be a message's
// payload, which Watermill wants in bytes.
func appendRecord(dst []byte, r record) []byte {
	for _, v := range [...]int64{r.ID, r.Customer, r.Amount, r.Quantity, r.A, r.B, r.C, r.D} {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
	}

	return dst
}

func parseRecord(data []byte) (record, error) {
	if len(data) != recordSize {
		return record{}, errors.New("a record has 64 bytes")
	}
	at := func(i int) int64 { return int64(binary.LittleEndian.Uint64(data[8*i:])) }

	return record{at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)}, nil
}

// arrivals counts what reaches the sink of a router, and tells when it was enough.
type arrivals struct {
	mu   sync.Mutex
	to   sum
	left int
	all  chan struct{}
}

func newArrivals(want int) *arrivals { return &arrivals{left: want, all: make(chan struct{})} }

func (a *arrivals) add(r record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.to.add(r)
	if a.left--; a.left == 0 {
		close(a.all)
	}
}

func (a *arrivals) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()

	return int(a.to.n)
}

// mill is a Watermill router on gochannel.
type mill struct {
	router  *message.Router
	channel *gochannel.GoChannel
}

// millConfig says what the router has. Ordered makes Publish wait for the
// acknowledgement, without which gochannel keeps no order.
type millConfig struct{ ordered, middleware, metrics bool }

func newMill(config millConfig) (*mill, error) {
	channel := gochannel.NewGoChannel(gochannel.Config{
		OutputChannelBuffer: 1024, BlockPublishUntilSubscriberAck: config.ordered,
	}, watermill.NopLogger{})
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return nil, err
	}
	m := &mill{router: router, channel: channel}
	if config.middleware {
		router.AddMiddleware(middleware.CorrelationID, middleware.Retry{
			MaxRetries: 3, InitialInterval: 100 * time.Millisecond, Logger: watermill.NopLogger{},
		}.Middleware, middleware.Recoverer)
	}
	if config.metrics {
		builder := metrics.NewPrometheusMetricsBuilder(prometheus.NewRegistry(), "", "")
		builder.AddPrometheusRouterMetrics(router)
	}

	return m, nil
}

// stage adds a handler between two topics. Where it returns false the message ends.
func (m *mill) stage(name, from, to string, fn func(record) (record, bool, error)) {
	m.router.AddHandler(name, from, m.channel, to, m.channel, func(msg *message.Message) ([]*message.Message, error) {
		r, err := parseRecord(msg.Payload)
		if err != nil {
			return nil, err
		}
		r, ok, err := fn(r)
		if err != nil || !ok {
			return nil, err
		}

		return message.Messages{message.NewMessage(msg.UUID, appendRecord(nil, r))}, nil
	})
}

// end adds a handler without a topic behind it.
func (m *mill) end(name, from string, fn func(record) error) {
	m.router.AddConsumerHandler(name, from, m.channel, func(msg *message.Message) error {
		r, err := parseRecord(msg.Payload)
		if err != nil {
			return err
		}

		return fn(r)
	})
}

// start runs the router until the round is over.
func (m *mill) start(d *desk) error {
	ended := make(chan error, 1)
	go func() { ended <- m.router.Run(context.Background()) }()
	d.after(func() error { return errors.Join(m.router.Close(), m.channel.Close(), <-ended) })
	select {
	case <-m.router.Running():
		return nil
	case err := <-ended:
		ended <- nil

		return err
	}
}

// send publishes n records of the ring and waits until as many arrived as must.
func (m *mill) send(n int, to *arrivals) (int, error) {
	for i := range n {
		r := ring[i%len(ring)].Value
		msg := message.NewMessage(watermill.NewULID(), appendRecord(make([]byte, 0, recordSize), r))
		if err := m.channel.Publish("in", msg); err != nil {
			return 0, err
		}
	}
	<-to.all

	return to.count(), nil
}

// byMill runs the chain in a router: with a handler for each stage, or with one handler
// that does it all, which is the least that the router can cost.
func byMill(name string, config millConfig, whole bool) contestant {
	return contestant{name, func(d *desk, n int) (job, error) {
		m, err := newMill(config)
		if err != nil {
			return nil, err
		}
		to, ctx := newArrivals(kept(n)), context.Background()
		if whole {
			m.end("chain", "in", func(r record) error {
				r, err := mapA(ctx, r)
				if err != nil || !filterA(r) {
					return err
				}
				if r, err = mapB(ctx, r); err == nil {
					to.add(r)
				}

				return err
			})
		} else {
			m.stage("map", "in", "mapped", func(r record) (record, bool, error) { r, err := mapA(ctx, r); return r, true, err })
			m.stage("filter", "mapped", "filtered", func(r record) (record, bool, error) { return r, filterA(r), nil })
			m.stage("price", "filtered", "priced", func(r record) (record, bool, error) { r, err := mapB(ctx, r); return r, true, err })
			m.end("sink", "priced", func(r record) error { to.add(r); return nil })
		}

		return func() (int, error) { return m.send(n, to) }, m.start(d)
	}}
}
