package flow_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
)

// spending is the orders of two customers.
func spending() *memory.Source[order] {
	return memory.NewSource(
		order{ID: "A1", Customer: "ann", Cents: 100},
		order{ID: "A2", Customer: "bob", Cents: 50},
		order{ID: "A3", Customer: "ann", Cents: 25},
	)
}

func addCents(sum int, o order) int { return sum + o.Cents }

func ExampleFlow_KeyBy() {
	totals := flow.From(spending()).KeyBy(order.customer).Fold(addCents)
	for total, err := range totals.All(context.Background()) {
		fmt.Println(total.Key, total.Value, err)
	}
	// Output:
	// ann 100 <nil>
	// bob 50 <nil>
	// ann 125 <nil>
}

// Every order goes on as the running total of its customer.
func ExampleKeyed_Fold() {
	largest := func(most int, o order) int { return max(most, o.Cents) }
	for record, err := range flow.From(spending()).KeyBy(order.customer).Fold(largest).All(context.Background()) {
		fmt.Println(record.Key, record.Value, "of", record.Count, err)
	}
	// Output:
	// ann 100 of 1 <nil>
	// bob 50 of 1 <nil>
	// ann 100 of 2 <nil>
}

// Two orders of a customer make one group; the end of the input completes the others.
func ExampleKeyed_Aggregate() {
	pairs := flow.From(spending()).KeyBy(order.customer).
		Aggregate(flow.Completion{Count: 2, Idle: time.Minute}, addCents)
	for pair, err := range pairs.All(context.Background()) {
		fmt.Println(pair.Key, pair.Value, "of", pair.Count, "-", pair.Reason, err)
	}
	// Output:
	// ann 125 of 2 - count reached <nil>
	// bob 50 of 1 - input ended <nil>
}

// The lines of an export stand together by customer, so a new key ends the group.
func ExampleCompletion_newKey() {
	export := memory.NewSource(
		order{Customer: "ann", Cents: 100}, order{Customer: "ann", Cents: 25}, order{Customer: "bob", Cents: 50})
	groups := flow.From(export).KeyBy(order.customer).Aggregate(flow.Completion{NewKey: true}, addCents)
	for group, err := range groups.All(context.Background()) {
		fmt.Println(group.Key, group.Value, group.Reason, err)
	}
	// Output:
	// ann 125 key changed <nil>
	// bob 50 input ended <nil>
}

// The totals are in the store, so they go on where the last run ended, and a message that
// comes again is not counted again.
func ExampleKeyed_StoredIn() {
	store, orders := memory.NewStore(), memory.NewSource[order]()
	payment := func(id string, cents int) connector.Message[order] {
		return connector.NewMessage(order{ID: id, Customer: "ann", Cents: cents}, connector.Fields{ID: id})
	}
	totals := flow.New("loyalty",
		flow.From(orders).KeyBy(order.customer).StoredIn(store).Fold(addCents).As("totals").
			ForEach(func(_ context.Context, total flow.Group[string, int]) error {
				fmt.Println(total.Key, total.Value)

				return nil
			}))
	for _, day := range [][]connector.Message[order]{
		{payment("A1", 100), payment("A2", 50)},
		{payment("A2", 50), payment("A3", 25)},
	} {
		orders.SendMessages(day...)
		if err := totals.Run(context.Background()); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// ann 100
	// ann 150
	// ann 150
	// ann 175
}

// The orders of a customer stay in their order; those of different customers run side by
// side.
func ExampleKeyed_Parallel() {
	var mu sync.Mutex
	history := make(map[string][]string)
	note := func(_ context.Context, o order) (order, error) {
		mu.Lock()
		defer mu.Unlock()
		history[o.Customer] = append(history[o.Customer], o.ID)

		return o, nil
	}
	pipeline := flow.New("orders", flow.From(spending()).KeyBy(order.customer).
		Parallel(4, func(orders flow.Flow[order]) flow.Flow[order] { return orders.Map(note) }).
		To(memory.NewSink[order]()))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(history["ann"], history["bob"])
	// Output: [A1 A3] [A2]
}

func ExampleFlow_Once() {
	store, table := memory.NewStore(), memory.NewSink[order]()
	orders := memory.NewSource(order{ID: "A1", Cents: 1250}, order{ID: "A2", Cents: 990}, order{ID: "A1", Cents: 1250})
	byID := func(o order) string { return o.ID }
	pipeline := flow.New("orders", flow.From(orders).Once(store, byID, 24*time.Hour).As("once").To(table))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(table.Values())
	fmt.Println(pipeline.Ledger().Source)
	// Output:
	// [{A1  1250} {A2  990}]
	// 3 in = 2 delivered + 1 duplicate
}

// A broker that lost our acknowledgement hands its message out again.
func ExampleFlow_OncePerMessage() {
	store, table, broker := memory.NewStore(), memory.NewSink[int](), memory.NewSource[int]()
	pipeline := flow.New("payments", flow.From(broker).OncePerMessage(store, 24*time.Hour).As("once").To(table))
	for range 2 {
		broker.SendMessages(connector.NewMessage(1250, connector.Fields{ID: "payment-7"}))
		if err := pipeline.Run(context.Background()); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(table.Values())
	fmt.Println(pipeline.Ledger().Source)
	// Output:
	// [1250]
	// 2 in = 1 delivered + 1 duplicate
}

// The calls run on four goroutines, the replies keep the order of the orders.
func ExampleFlow_Parallel() {
	tax := func(_ context.Context, o order) (int, error) { return o.Cents / 5, nil }
	taxes := flow.From(spending()).Parallel(4, func(orders flow.Flow[order]) flow.Flow[int] { return orders.Map(tax) })
	for cents, err := range taxes.All(context.Background()) {
		fmt.Println(cents, err)
	}
	// Output:
	// 20 <nil>
	// 10 <nil>
	// 5 <nil>
}

// Where the order does not matter, no reply waits for a slower one.
func ExampleFlow_Unordered() {
	taxes := memory.NewSink[int]()
	tax := func(_ context.Context, o order) (int, error) { return o.Cents / 5, nil }
	pipeline := flow.New("taxes", flow.From(spending()).
		Unordered(4, func(orders flow.Flow[order]) flow.Flow[int] { return orders.Map(tax) }).
		To(taxes))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(slices.Sorted(slices.Values(taxes.Values())))
	// Output: [5 10 20]
}

// A group ends with the line that makes its order complete, in whatever order the lines
// come; what is still open an hour after its first line goes on as it is.
func ExampleKeyed_Aggregate_until() {
	type basket struct{ lines, want int }
	lines := memory.NewSource(
		order{ID: "1 of 2", Customer: "ann"}, order{ID: "2 of 3", Customer: "bob"}, order{ID: "2 of 2", Customer: "ann"})
	add := func(b basket, line order) basket {
		var number int
		_, _ = fmt.Sscanf(line.ID, "%d of %d", &number, &b.want)
		b.lines++

		return b
	}
	complete := func(b basket) bool { return b.lines == b.want }
	baskets := flow.From(lines).KeyBy(order.customer).Aggregate(flow.Completion{Interval: time.Hour}, add, complete)
	for b, err := range baskets.All(context.Background()) {
		fmt.Println(b.Key, b.Value.lines, "of", b.Value.want, "-", b.Reason, err)
	}
	// Output:
	// ann 2 of 2 - predicate held <nil>
	// bob 1 of 3 - input ended <nil>
}

// At the close of business the open groups of the day are completed.
func ExampleForce() {
	var closing flow.Force[string]
	orders := memory.NewFeed(order{Customer: "ann", Cents: 100}, order{Customer: "bob", Cents: 50}, order{Customer: "ann", Cents: 25})
	came := make(chan struct{})
	seen := 0
	pipeline := flow.New("invoices", flow.From(orders).
		Observe(func(connector.Message[order]) {
			if seen++; seen == 3 {
				close(came)
			}
		}).
		KeyBy(order.customer).ForcedBy(&closing).Aggregate(flow.Completion{Idle: 24 * time.Hour}, addCents).
		ForEach(func(_ context.Context, invoice flow.Group[string, int]) error {
			fmt.Println(invoice.Key, invoice.Value, invoice.Reason)
			if invoice.Key == "ann" {
				orders.Finish()
			}

			return nil
		}))
	go func() {
		<-came
		if err := closing.CompleteAll(); err != nil {
			fmt.Println(err)
		}
	}()
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// bob 50 forced
	// ann 125 forced
}
