package flow_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

func ExampleNew() {
	large := memory.NewSink[order]()
	pipeline := flow.New("large-orders", flow.From(threeOrders()).Filter(order.large).To(large))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(pipeline.Name(), large.Values())
	// Output: large-orders [{A3 eve 99900}]
}

func ExampleFlow_To() {
	invoices := memory.NewSink[invoice]()
	pipeline := flow.New("invoices", flow.From(threeOrders()).Map(flow.Pure(toInvoice)).To(invoices))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(invoices.Writes()) // one message each; see Batch
	// Output: [1 1 1]
}

func ExampleFlow_ForEach() {
	ship := func(_ context.Context, o order) error {
		fmt.Println("shipping", o.ID, "to", o.Customer)

		return nil
	}
	pipeline := flow.New("shipping", flow.From(threeOrders()).ForEach(ship))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// shipping A1 to ann
	// shipping A2 to bob
	// shipping A3 to eve
}

// Leaving the loop delivers the current order; the source keeps the others.
func ExampleFlow_All() {
	orders := threeOrders()
	for order, err := range flow.From(orders).All(context.Background()) {
		if err != nil {
			fmt.Println(err)
		}
		if order.Customer == "bob" {
			fmt.Println("found", order.ID)

			break
		}
	}
	fmt.Println(orders.Count(connector.Delivered), "delivered,", orders.Left(), "left")
	// Output:
	// found A2
	// 2 delivered, 1 left
}

// busyOnce refuses the second order at first.
func busyOnce() func(order) error {
	refused := false

	return func(o order) error {
		if o.ID != "A2" || refused {
			return nil
		}
		refused = true

		return connector.Transient(errors.New("row is locked"))
	}
}

// Only the order that was not accepted is written again.
func ExampleInto() {
	table := memory.NewSink[order]()
	table.FailWhen(busyOnce())
	delivery := flow.Into(table).
		Timeout(time.Second). // for each attempt
		Retry(retry.Policy{Attempts: 3, Initial: time.Millisecond})
	pipeline := flow.New("orders", flow.From(threeOrders()).Batch(10, 0).To(delivery))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(table.Accepted(), "orders in writes of", table.Writes())
	// Output: 3 orders in writes of [3 1]
}

func ExampleDelivery_Retry() {
	table := memory.NewSink[order]()
	table.Script(memory.Fail(errors.New("connection refused")).Times(2))
	delivery := flow.Into(table).Retry(retry.Policy{Attempts: 3, Initial: time.Millisecond})
	pipeline := flow.New("orders", flow.From(threeOrders()).Batch(10, 0).To(delivery))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(table.Accepted(), "orders in writes of", table.Writes())
	// Output: 3 orders in writes of [3 3 3]
}

// A Write that does not answer is ambiguous: the sink may have the orders.
func ExampleDelivery_Timeout() {
	table, rejected := memory.NewSink[order](), memory.NewSink[connector.DeadLetter[order]]()
	table.Script(memory.Pass().Delay(time.Hour))
	pipeline := flow.New("orders", flow.From(memory.NewSource(order{ID: "A1"})).
		DeadLetter(rejected).
		To(flow.Into(table).Timeout(5*time.Millisecond)))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	letter := rejected.Values()[0]
	fmt.Println(letter.Class, letter.Cause)
	// Output: ambiguous flow orders: stage to: message memory:1: no answer within 5ms: context deadline exceeded
}

func ExamplePipeline_With() {
	pipeline := flow.New("orders", flow.From(threeOrders()).To(memory.NewSink[order]()))
	careful := pipeline.With(flow.Config{MaxInFlight: 2, Drain: 10 * time.Second})
	if err := careful.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(careful.Ledger().Source.In, pipeline.Ledger().Source.In)
	// Output: 3 0
}

// A pipeline may run again; the ledger goes on.
func ExamplePipeline_Run() {
	orders := threeOrders()
	pipeline := flow.New("orders", flow.From(orders).To(memory.NewSink[order]()))
	fmt.Println(pipeline.Run(context.Background()), pipeline.Ledger())
	orders.Send(order{ID: "A4"})
	fmt.Println(pipeline.Run(context.Background()), pipeline.Ledger())
	// Output:
	// <nil> orders: source 3 in = 3 delivered
	// <nil> orders: source 4 in = 4 delivered
}

// Stop finishes what is in flight and says what was not finished.
func ExamplePipeline_Stop() {
	started := make(chan string)
	ship := func(_ context.Context, o order) error {
		started <- o.ID

		return nil
	}
	pipeline := flow.New("shipping", flow.From(memory.NewFeed(order{ID: "A1"})).ForEach(ship))
	ended := make(chan error)
	go func() { ended <- pipeline.Run(context.Background()) }()
	fmt.Println("shipping", <-started)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	left, err := pipeline.Stop(ctx)
	fmt.Println("clean:", left.Clean(), err, <-ended)
	// Output:
	// shipping A1
	// clean: true <nil> <nil>
}

func ExamplePipeline_Ledger() {
	rejected := memory.NewSink[connector.DeadLetter[order]]()
	pipeline := flow.New("orders", flow.From(threeOrders()).
		DeadLetter(rejected).Validate(positive).Filter(order.large).To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	ledger := pipeline.Ledger()
	fmt.Println(ledger)
	fmt.Println(ledger.Source.DeadLettered, ledger.Balanced())
	// Output:
	// orders: source 3 in = 1 delivered + 1 filtered + 1 dead-lettered
	// 1 true
}

func ExamplePipeline_Stats() {
	rejected := memory.NewSink[connector.DeadLetter[order]]()
	pipeline := flow.New("orders", flow.From(threeOrders()).
		DeadLetter(rejected).Validate(positive).Filter(order.large).To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, s := range pipeline.Stats() {
		fmt.Println(s.Stage, s.In, "in,", s.Failed, "failed,", s.Outcomes[connector.Filtered], "filtered")
	}
	// Output:
	// from 3 in, 0 failed, 0 filtered
	// dead-letter 3 in, 0 failed, 0 filtered
	// validate 3 in, 1 failed, 0 filtered
	// filter 2 in, 0 failed, 1 filtered
	// to 1 in, 0 failed, 0 filtered
}

func ExamplePipeline_Health() {
	orders := threeOrders()
	orders.ScriptOpen(memory.Fail(connector.Permanent(errors.New("no permission"))))
	pipeline := flow.New("orders", flow.From(orders).To(memory.NewSink[order]()))
	fmt.Println(pipeline.Health().State)
	err := pipeline.Run(context.Background())
	fmt.Println(err)
	health := pipeline.Health()
	fmt.Println(health.State, "because:", health.Reason)
	// Output:
	// stopped
	// flow orders: stage from: open the source: no permission
	// failed because: flow orders: stage from: open the source: no permission
}

// All mistakes are found at once, each with its place.
func ExamplePipeline_Check() {
	pipeline := flow.New("orders", flow.From(threeOrders()).
		Batch(0, time.Second).
		To(flow.Into(memory.NewSink[order]()).Timeout(-1)))
	if wrong, ok := errors.AsType[*flow.DefinitionError](pipeline.Check()); ok {
		for _, problem := range wrong.Problems {
			fmt.Printf("%s: %s\n", problem.Stage, problem.Text)
		}
	}
	// Output:
	// to: Timeout(-1ns): want more than 0
	// to: Batch(0, …): want at least 1 message
}

func ExamplePipeline_Graph() {
	pipeline := flow.New("invoices",
		flow.From(threeOrders()).Map(flow.Pure(toInvoice)).Batch(500, time.Second).To(memory.NewSink[invoice]()))
	for _, stage := range pipeline.Graph().Stages {
		fmt.Println(stage.Name, stage.In, "to", stage.Out, stage.Options)
	}
	// Output:
	// from flow_test.order to flow_test.order []
	// map flow_test.order to flow_test.invoice []
	// to flow_test.invoice to flow_test.invoice [{batch 500} {wait 1s}]
}

func ExampleGraph_Mermaid() {
	pipeline := flow.New("large-orders",
		flow.From(threeOrders()).Filter(order.large).As("large").To(memory.NewSink[order]()))
	fmt.Print(pipeline.Graph().Mermaid())
	// Output:
	// flowchart LR
	//   s0(["from<br/>memory"])
	//   s1["large (filter)"]
	//   s2(["to<br/>memory"])
	//   s0 --> s1
	//   s1 --> s2
}

func ExampleGraph_DOT() {
	pipeline := flow.New("large-orders",
		flow.From(threeOrders()).Filter(order.large).As("large").To(memory.NewSink[order]()))
	fmt.Print(pipeline.Graph().DOT())
	// Output:
	// digraph "large-orders" {
	//   rankdir=LR
	//   node [shape=box]
	//   s0 [label="from\nmemory"]
	//   s1 [label="large (filter)"]
	//   s2 [label="to\nmemory"]
	//   s0 -> s1
	//   s1 -> s2
	// }
}

// A pipeline that failed is started again.
func ExampleSupervise() {
	orders, table := threeOrders(), memory.NewSink[order]()
	orders.ScriptOpen(memory.Fail(errors.New("connection refused")).Times(2))
	supervisor := flow.Supervise(
		flow.SupervisorConfig{Restart: retry.Policy{Attempts: 5, Initial: time.Millisecond}},
		flow.New("orders", flow.From(orders).To(table)))
	fmt.Println(supervisor.Run(context.Background()), supervisor.CheckHealth(context.Background()))
	for _, health := range supervisor.Health() {
		fmt.Println(health.Flow, "is", health.State, "after", health.Restarts, "restarts;", table.Accepted(), "orders")
	}
	// Output:
	// <nil> <nil>
	// orders is stopped after 2 restarts; 3 orders
}

func ExampleRecorder() {
	// In production, one message in a thousand, and only those that fail, without e-mail
	// addresses: flow.RecorderConfig{Every: 1000, Outcomes: ..., Redact: []string{"email"}}.
	recorder := flow.NewRecorder(flow.RecorderConfig{Every: 1, Outcomes: []connector.Outcome{connector.DeadLettered}})
	pipeline := flow.New("numbers", flow.From(memory.NewSource("5", "x")).
		DeadLetter(memory.NewSink[connector.DeadLetter[string]]()).
		Map(func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) }).As("parse").
		To(memory.NewSink[int]())).With(flow.Config{Recorder: recorder})
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, recording := range recorder.Recordings() {
		fmt.Println(recording.Message.ID, string(recording.Message.Value))
		for _, e := range recording.Branches[0].Entries {
			fmt.Println(e.Stage, e.Failure != nil)
		}
		fmt.Println(recording.Branches[0].Outcome)
	}
	// Output:
	// memory:2 "x"
	// dead-letter false
	// parse true
	// dead_lettered
}
