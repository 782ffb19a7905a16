package flow_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// order is what the shop of the examples sells.
type order struct {
	ID       string `validate:"required"`
	Customer string
	Cents    int `validate:"gt=0"`
}

func (o order) customer() string { return o.Customer }

func (o order) withCustomer(name string) order {
	o.Customer = name

	return o
}

func (o order) large() bool { return o.Cents >= 50_000 }

// invoice is what the shop makes of an order.
type invoice struct {
	Number string
	Cents  int
}

func toInvoice(o order) invoice { return invoice{Number: "I-" + o.ID, Cents: o.Cents} }

// Three customers have ordered; the second order is not valid.
func threeOrders() *memory.Source[order] {
	return memory.NewSource(
		order{ID: "A1", Customer: "ann", Cents: 1250},
		order{ID: "A2", Customer: "bob", Cents: -5},
		order{ID: "A3", Customer: "eve", Cents: 99900},
	)
}

// Orders are validated, completed with what the CRM knows, and invoiced: all of them in
// batches, the large ones to a topic as well. What fails goes to a dead-letter sink.
func Example() {
	intake, rejected := threeOrders(), memory.NewSink[connector.DeadLetter[order]]()
	table, topic := memory.NewSink[invoice](), memory.NewSink[order]()
	crm := flow.Func("crm", func(_ context.Context, id string) (string, error) { return strings.ToUpper(id), nil })

	orders := flow.From(intake).As("intake").
		DeadLetter(rejected).As("rejected").
		Validate().
		Enrich(order.customer, crm.Timeout(time.Second), order.withCustomer).As("customer")
	pipeline := flow.New("order-intake",
		orders.Map(flow.Pure(toInvoice)).Batch(500, time.Second).To(table),
		orders.Filter(order.large).To(topic))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}

	fmt.Println("table:", table.Values())
	fmt.Println("topic:", topic.Values())
	for _, letter := range rejected.Values() {
		fmt.Println("rejected:", letter.Value.ID, "at", letter.Stage)
	}
	fmt.Println(pipeline.Ledger())
	// Output:
	// table: [{I-A1 1250} {I-A3 99900}]
	// topic: [{A3 EVE 99900}]
	// rejected: A2 at validate
	// order-intake: source 3 in = 2 delivered + 1 dead-lettered; derived 4 in = 3 delivered + 1 filtered
}

func ExampleFrom() {
	orders := memory.NewSource(order{ID: "A1"}, order{ID: "A2"})
	pipeline := flow.New("copy", flow.From(orders).To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// The source learns what became of each message.
	fmt.Println(orders.Outcome("memory:1"), orders.Outcome("memory:2"))
	// Output: delivered delivered
}

// A blueprint that is used twice is a broadcast. The message is done when both branches
// have done with it.
func ExampleFlow() {
	invoices := flow.From(threeOrders()).Map(flow.Pure(toInvoice))
	ledger, mail := memory.NewSink[invoice](), memory.NewSink[invoice]()
	pipeline := flow.New("invoices", invoices.To(ledger), invoices.To(mail))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(ledger.Values()), len(mail.Values()))
	fmt.Println(pipeline.Ledger())
	// Output:
	// 3 3
	// invoices: source 3 in = 3 delivered; derived 6 in = 6 delivered
}

func ExamplePure() {
	invoices := flow.From(threeOrders()).Map(flow.Pure(toInvoice))
	for invoice, err := range invoices.All(context.Background()) {
		fmt.Println(invoice, err)
	}
	// Output:
	// {I-A1 1250} <nil>
	// {I-A2 -5} <nil>
	// {I-A3 99900} <nil>
}
