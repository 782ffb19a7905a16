package flow_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

func ExampleFlow_Map() {
	amounts := flow.From(memory.NewSource("1250", "990")).
		Map(func(_ context.Context, text string) (int, error) { return strconv.Atoi(text) })
	for cents, err := range amounts.All(context.Background()) {
		fmt.Println(cents, err)
	}
	// Output:
	// 1250 <nil>
	// 990 <nil>
}

func ExampleFlow_MapMessage() {
	inbox := memory.NewSource[int]()
	inbox.SendMessages(connector.NewMessage(1250, connector.Fields{
		ID: "A1", Headers: map[string]string{"currency": "EUR"},
	}))
	prices := flow.From(inbox).
		MapMessage(func(_ context.Context, m connector.Message[int]) (connector.Message[string], error) {
			return connector.Derive(m, fmt.Sprint(m.Value, " ", m.Header("currency"), " for ", m.ID())), nil
		})
	for price, err := range prices.All(context.Background()) {
		fmt.Println(price, err)
	}
	// Output: 1250 EUR for A1 <nil>
}

func ExampleFlow_Do() {
	vat := flow.Func("vat", func(_ context.Context, o order) (int, error) { return o.Cents / 5, nil })
	orders := memory.NewSource(order{ID: "A1", Cents: 1250}, order{ID: "A3", Cents: 99900})
	for cents, err := range flow.From(orders).Do(vat).All(context.Background()) {
		fmt.Println(cents, err)
	}
	fmt.Println(vat.Ledger().Replied, "replies")
	// Output:
	// 250 <nil>
	// 19980 <nil>
	// 2 replies
}

func ExampleFlow_Enrich() {
	names := map[string]string{"ann": "Ann Arbor"}
	crm := flow.Func("crm", func(_ context.Context, id string) (string, error) { return names[id], nil })
	orders := flow.From(memory.NewSource(order{ID: "A1", Customer: "ann"})).
		Enrich(order.customer, crm, order.withCustomer)
	for order, err := range orders.All(context.Background()) {
		fmt.Println(order.ID, order.Customer, err)
	}
	// Output: A1 Ann Arbor <nil>
}

func ExampleFlow_Filter() {
	large := memory.NewSink[order]()
	pipeline := flow.New("large-orders", flow.From(threeOrders()).Filter(order.large).To(large))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(large.Values())
	fmt.Println(pipeline.Ledger().Source)
	// Output:
	// [{A3 eve 99900}]
	// 3 in = 1 delivered + 2 filtered
}

// Without arguments Validate goes by the validate tags of the struct.
func ExampleFlow_Validate() {
	rejected := memory.NewSink[connector.DeadLetter[order]]()
	valid := memory.NewSink[order]()
	pipeline := flow.New("orders", flow.From(threeOrders()).DeadLetter(rejected).Validate().To(valid))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(valid.Accepted(), "valid")
	fmt.Println(rejected.Values()[0].Cause)
	// Output:
	// 2 valid
	// flow orders: stage validate: message memory:2: validate: Key: 'order.Cents' Error:Field validation for 'Cents' failed on the 'gt' tag
}

func positive(o order) error {
	if o.Cents <= 0 {
		return fmt.Errorf("order %s: want an amount above 0, got %d", o.ID, o.Cents)
	}

	return nil
}

func ExampleFlow_Validate_func() {
	rejected := memory.NewSink[connector.DeadLetter[order]]()
	pipeline := flow.New("orders",
		flow.From(threeOrders()).DeadLetter(rejected).Validate(positive).To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(rejected.Values()[0].Cause)
	// Output: flow orders: stage validate: message memory:2: validate: order A2: want an amount above 0, got -5
}

func ExampleFlow_Split() {
	baskets := memory.NewSource("tea,milk", "", "bread")
	items := func(_ context.Context, basket string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for item := range strings.SplitSeq(basket, ",") {
				if item != "" && !yield(item, nil) {
					return
				}
			}
		}
	}
	shelf := memory.NewSink[string]()
	pipeline := flow.New("baskets", flow.From(baskets).Split(items).To(shelf))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(shelf.Values())
	fmt.Println(pipeline.Ledger())
	// Output:
	// [tea milk bread]
	// baskets: source 3 in = 2 delivered + 1 filtered; derived 3 in = 3 delivered
}

// A batch closes when it is full, and when its oldest message has waited long enough.
func ExampleFlow_Batch() {
	feed := memory.NewFeed(1250, 990, 450)
	pipeline := flow.New("payments",
		flow.From(feed).Batch(2, 10*time.Millisecond).Slices().
			ForEach(func(_ context.Context, cents []int) error {
				fmt.Println(cents)
				if len(cents) == 1 {
					feed.Finish()
				}

				return nil
			}))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// [1250 990]
	// [450]
}

func ExampleBatched_To() {
	table := memory.NewSink[order]()
	pipeline := flow.New("orders", flow.From(threeOrders()).Batch(2, time.Second).To(table))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(table.Accepted(), "orders in writes of", table.Writes())
	// Output: 3 orders in writes of [2 1]
}

func ExampleBatched_Map() {
	sum := func(_ context.Context, cents []int) (int, error) {
		total := 0
		for _, c := range cents {
			total += c
		}

		return total, nil
	}
	for total, err := range flow.From(memory.NewSource(10, 20, 5)).Batch(2, 0).Map(sum).All(context.Background()) {
		fmt.Println(total, err)
	}
	// Output:
	// 30 <nil>
	// 5 <nil>
}

// One question for many messages; each message goes on with its own answer.
func ExampleBatched_MapEach() {
	lookUp := func(_ context.Context, customers []string) ([]string, error) {
		fmt.Println("looking up", customers)
		names := make([]string, len(customers))
		for i, c := range customers {
			names[i] = strings.ToUpper(c)
		}

		return names, nil
	}
	customers := memory.NewSource("ann", "bob", "eve")
	for name, err := range flow.From(customers).Batch(10, 0).MapEach(lookUp).All(context.Background()) {
		fmt.Println(name, err)
	}
	// Output:
	// looking up [ann bob eve]
	// ANN <nil>
	// BOB <nil>
	// EVE <nil>
}

func ExampleBatched_Slices() {
	for pair, err := range flow.From(memory.NewSource("ann", "bob", "eve")).Batch(2, 0).Slices().All(context.Background()) {
		fmt.Println(pair, err)
	}
	// Output:
	// [ann bob] <nil>
	// [eve] <nil>
}

func ExampleBatched_Bytes() {
	mails := memory.NewSource("hello", "hi", "a long mail", "bye")
	size := func(mail string) int { return len(mail) }
	for mails, err := range flow.From(mails).Batch(100, 0).Bytes(8, size).Slices().All(context.Background()) {
		fmt.Printf("%q %v\n", mails, err)
	}
	// Output:
	// ["hello" "hi"] <nil>
	// ["a long mail"] <nil>
	// ["bye"] <nil>
}

func ExampleFlow_Buffer() {
	printed := func(_ context.Context, o order) error {
		fmt.Println(o.ID)

		return nil
	}
	// Reading goes on while up to 64 orders wait for the printer.
	pipeline := flow.New("printer", flow.From(threeOrders()).Buffer(64, flow.Block).ForEach(printed))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// A1
	// A2
	// A3
}

func ExampleFlow_Tee() {
	invoices, journal := memory.NewSink[invoice](), memory.NewSink[order]()
	pipeline := flow.New("invoices", flow.From(threeOrders()).
		Tee(func(orders flow.Flow[order]) flow.End { return orders.To(journal).As("journal") }).
		Map(flow.Pure(toInvoice)).
		To(invoices))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(journal.Values()), "in the journal,", len(invoices.Values()), "invoices")
	// Output: 3 in the journal, 3 invoices
}

func ExampleFlow_Route() {
	desk, auto := memory.NewSink[order](), memory.NewSink[order]()
	refunds := memory.NewSink[order]()
	pipeline := flow.New("desk", flow.From(threeOrders()).Route().
		Case("refund", func(o order) bool { return o.Cents < 0 }, func(f flow.Flow[order]) flow.End { return f.To(refunds) }).
		Case("large", order.large, func(f flow.Flow[order]) flow.End { return f.To(desk) }).
		Else(func(f flow.Flow[order]) flow.End { return f.To(auto) }))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(refunds.Values(), desk.Values(), auto.Values())
	// Output: [{A2 bob -5}] [{A3 eve 99900}] [{A1 ann 1250}]
}

func ExampleMerge() {
	web, shop := memory.NewSource("web-1", "web-2"), memory.NewSource("shop-1")
	all := memory.NewSink[string]()
	pipeline := flow.New("orders", flow.Merge(flow.From(web), flow.From(shop)).To(all))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(slices.Sorted(slices.Values(all.Values())))
	fmt.Println(web.Count(connector.Delivered), shop.Count(connector.Delivered))
	// Output:
	// [shop-1 web-1 web-2]
	// 2 1
}

func ExampleFlow_Retry() {
	table := memory.NewSink[order]()
	table.Script(memory.Fail(errors.New("connection refused")).Times(2))
	pipeline := flow.New("orders", flow.From(threeOrders()).
		Retry(retry.Policy{Attempts: 3, Initial: time.Millisecond}).
		To(table))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(table.Accepted(), "orders after", len(table.Writes()), "writes")
	// Output: 3 orders after 5 writes
}

// A DeadLetter catches what fails below it. Here one order of a batch is refused.
func ExampleFlow_DeadLetter() {
	table, rejected := memory.NewSink[order](), memory.NewSink[connector.DeadLetter[order]]()
	table.FailWhen(positive)
	pipeline := flow.New("orders",
		flow.From(threeOrders()).DeadLetter(rejected).Batch(10, time.Second).To(table).As("table"))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, letter := range rejected.Values() {
		fmt.Println(letter.ID, letter.Stage, letter.Value)
		fmt.Println(letter.Cause)
	}
	fmt.Println(pipeline.Ledger().Source)
	// Output:
	// memory:2 table {A2 bob -5}
	// flow orders: stage table: message memory:2: order A2: want an amount above 0, got -5
	// 3 in = 2 delivered + 1 dead-lettered
}

func ExampleFlow_Observe() {
	seen := func(m connector.Message[order]) { fmt.Println(m.ID(), m.Value.Customer) }
	pipeline := flow.New("orders", flow.From(threeOrders()).Observe(seen).To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// memory:1 ann
	// memory:2 bob
	// memory:3 eve
}

// invoicing is a part of a flow that several pipelines share.
func invoicing(orders flow.Flow[order]) flow.Flow[invoice] {
	return orders.Filter(func(o order) bool { return o.Cents > 0 }).Map(flow.Pure(toInvoice))
}

func ExampleFlow_Apply() {
	for invoice, err := range flow.From(threeOrders()).Apply(invoicing).All(context.Background()) {
		fmt.Println(invoice, err)
	}
	// Output:
	// {I-A1 1250} <nil>
	// {I-A3 99900} <nil>
}

func ExampleFlow_Via() {
	queue, err := queueconn.NewMemory[order](queueconn.Config{})
	if err != nil {
		fmt.Println(err)
	}
	invoices := memory.NewSink[invoice]()
	pipeline := flow.New("orders", flow.From(threeOrders()).Via(queue).Map(flow.Pure(toInvoice)).To(invoices))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(invoices.Values())
	fmt.Println(pipeline.Ledger())
	// Output:
	// [{I-A1 1250} {I-A2 -5} {I-A3 99900}]
	// orders: source 3 in = 3 delivered; derived 3 in = 3 delivered
}

func ExampleFlow_As() {
	pipeline := flow.New("orders",
		flow.From(threeOrders()).As("intake").Validate(positive).To(memory.NewSink[order]()).As("table"))
	for _, stage := range pipeline.Graph().Stages {
		fmt.Println(stage.Name, stage.Kind)
	}
	// Output:
	// intake from
	// validate validate
	// table to
}
