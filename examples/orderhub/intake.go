package main

import (
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
	"github.com/millrace-go/millrace/transform"
)

// outlets is where the intakes write to, and what they ask.
type outlets struct {
	lines       connector.Sink[lineRow]
	orders      connector.Sink[orderRow]
	totals      connector.Sink[totalRow]
	rejections  connector.Sink[rejectionRow]
	invoices    connector.Sink[Invoice]
	subscribers []subscriber
	customers   flow.Step[string, Customer]
	// store remembers what must not happen twice, and the running totals.
	store  connector.Store
	logger *zap.Logger
}

const (
	// mostInFlight must hold the lines of the largest invoice; more lets writers collect
	// larger batches.
	mostInFlight = 4096
	askers       = 8
	// A batch is written when it has so many members, or wait after its first.
	linesPerBatch  = 200
	ordersPerBatch = 25
	wait           = 20 * time.Millisecond
)

// intake is the flow of one partner.
func (out outlets) intake(p partner, source connector.Source[transform.Row[Record]]) *flow.Pipeline {
	lines := flow.From(source).As("read").
		DeadLetter(reject[transform.Row[Record]](out.rejections, p.name, "line", "normalise", "check-line")).As("line-rejections").
		Map(normalise).As("normalise").
		Validate().As("check-line").
		Apply(markRepeats)

	orders := lines.
		Apply(byInvoice(p.name)).
		DeadLetter(reject[Order](out.rejections, p.name, "order", "add-up", "check-order")).As("order-rejections").
		Map(addUp).As("add-up").
		Parallel(askers, func(orders flow.Flow[Order]) flow.Flow[Order] {
			return orders.Enrich(Order.Customer, out.customers, Order.withBuyer).As("ask-customer")
		}).As("in-parallel")

	// Orders that sell and cancel nothing count in the totals alone.
	sound := orders.Validate(hasWork).As("check-order")

	ends := []flow.End{
		lines.Map(flow.Pure(func(l Line) lineRow { return l.row(p.name) })).As("line-row").
			Batch(linesPerBatch, wait).To(patient(out.lines)).As("lines"),

		sound.Map(flow.Pure(Order.row)).As("order-row").
			Batch(ordersPerBatch, wait).To(patient(out.orders)).As("orders"),

		sound.Once(out.store, Order.Key, 0).As("once-per-invoice").
			Map(flow.Pure(newInvoice)).As("invoice").
			Batch(ordersPerBatch, wait).To(out.invoices).As("invoice-queue"),

		orders.KeyBy(Order.Country).StoredIn(out.store).Fold(total.add).As("totals").
			Map(newTotalRow(p.name)).As("total-row").
			Batch(ordersPerBatch, wait).To(patient(out.totals)).As("totals-table"),
	}
	for _, s := range out.subscribers {
		ends = append(ends, s.notify(orders, out.store))
	}

	return flow.New("intake-"+p.name, ends...).With(flow.Config{MaxInFlight: mostInFlight, Logger: out.logger})
}

// patient writes to a sink again when it fails for a moment. The tables that it is used
// for are keyed, so writing twice changes nothing.
func patient[T any](sink connector.Sink[T]) flow.Delivery[T] {
	return flow.Into(sink).Timeout(10 * time.Second).
		Retry(retry.Policy{Attempts: 4, Initial: 20 * time.Millisecond, Idempotent: true})
}
