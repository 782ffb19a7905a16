package main

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// Order is all lines of one invoice.
type Order struct {
	Partner string
	Invoice string
	Lines   []Line
	Amount  transform.Money
	// Group counts the groups of lines that the file has of this invoice.
	Group int
	// Buyer is what the customer service knows of the customer.
	Buyer Customer
}

// Country is that of the first line, like Customer and Date.
func (o Order) Country() string { return o.Lines[0].Country }

// Customer is the customer's number; empty where the partner gave none.
func (o Order) Customer() string { return o.Lines[0].Customer }

// Date is when the order was placed.
func (o Order) Date() time.Time { return o.Lines[0].Date }

// Cancelled says that the invoice was cancelled.
func (o Order) Cancelled() bool { return o.Lines[0].Cancelled() }

// Key names the order among those of all partners.
func (o Order) Key() string { return o.Partner + "/" + o.Invoice }

func (o Order) withBuyer(c Customer) Order {
	o.Buyer = c

	return o
}

// byInvoice collects the lines of each invoice, which stand together in the file. The
// lines are in flight until their order has ended everywhere below, so a crash leaves
// whole orders or nothing: the next run reads all of their lines again.
func byInvoice(partner string) func(flow.Flow[Line]) flow.Flow[Order] {
	return func(lines flow.Flow[Line]) flow.Flow[Order] {
		return lines.
			KeyBy(func(l Line) string { return l.Invoice }).
			Aggregate(flow.Completion{NewKey: true}, func(o Order, l Line) Order {
				return Order{Partner: partner, Invoice: l.Invoice, Lines: append(o.Lines, l)}
			}).As("collect").
			KeyBy(func(g flow.Group[string, Order]) string { return g.Key }).
			Fold(func(before Order, g flow.Group[string, Order]) Order {
				next := g.Value
				next.Group = before.Group + 1

				return next
			}).As("count-groups").
			Map(flow.Pure(func(g flow.Group[string, Order]) Order { return g.Value })).As("order")
	}
}

// addUp sums the lines. An invoice whose lines do not stand together is refused: its
// first part has gone its way as an order already.
func addUp(_ context.Context, o Order) (Order, error) {
	if o.Group > 1 {
		return o, connector.Permanent(fmt.Errorf(
			"line %d: invoice %s was complete before, and has lines again: lines of an invoice must stand together",
			o.Lines[0].Number, o.Invoice))
	}
	for _, l := range o.Lines {
		sum, err := o.Amount.Add(l.Amount)
		if err != nil {
			return o, connector.Permanent(fmt.Errorf("invoice %s, line %d: %w", o.Invoice, l.Number, err))
		}
		o.Amount = sum
	}

	return o, nil
}

// hasWork refuses orders that sell nothing and cancel nothing: write-offs and samples,
// which somebody has to look at.
func hasWork(o Order) error {
	if o.Cancelled() {
		return nil
	}
	for _, l := range o.Lines {
		if l.Billable() {
			return nil
		}
	}

	return fmt.Errorf("invoice %s is not cancelled, and no line has a positive quantity and price", o.Invoice)
}

// orderRow is an order in the database.
type orderRow struct {
	Partner   string
	Invoice   string
	Day       string
	Customer  string
	Buyer     string
	Segment   string
	Country   string
	Lines     int
	Amount    int64
	Cancelled bool
}

func (o Order) row() orderRow {
	return orderRow{
		Partner: o.Partner, Invoice: o.Invoice, Day: o.Date().Format(time.DateOnly),
		Customer: o.Customer(), Buyer: o.Buyer.Name, Segment: o.Buyer.Segment,
		Country: o.Country(), Lines: len(o.Lines), Amount: o.Amount.TenThousandths(), Cancelled: o.Cancelled(),
	}
}
