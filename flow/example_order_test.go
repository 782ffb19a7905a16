package flow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/flow"
)

// A broker with several partitions delivers the events of a parcel out of order. A number
// that has not come after a minute is skipped.
func ExampleKeyed_Resequence() {
	type event struct {
		Parcel string
		Number int64
		What   string
	}
	events := memory.NewSource(
		event{"P1", 2, "in transit"}, event{"P2", 1, "posted"}, event{"P1", 1, "posted"}, event{"P1", 3, "delivered"})
	history := flow.From(events).
		KeyBy(func(e event) string { return e.Parcel }).
		Resequence(func(e event) int64 { return e.Number }, flow.Sequence{First: 1, Wait: time.Minute})
	for e, err := range history.All(context.Background()) {
		fmt.Println(e.Parcel, e.What, err)
	}
	// Output:
	// P2 posted <nil>
	// P1 posted <nil>
	// P1 in transit <nil>
	// P1 delivered <nil>
}

// The partner's interface takes ten requests a second, of each customer two.
func ExampleFlow_Throttle() {
	requests := memory.NewSource(numbers(4)...)
	begin := time.Now()
	pipeline := flow.New("partner", flow.From(requests).
		KeyBy(parity).Throttle(flow.Rate{Limit: 2, Per: time.Second, Burst: 2}).As("per customer").
		Throttle(flow.Rate{Limit: 10, Per: time.Second}).As("partner").
		ForEach(func(_ context.Context, n int) error {
			fmt.Println("request", n)

			return nil
		}))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println("at least 0.3 s:", time.Since(begin) >= 300*time.Millisecond)
	// Output:
	// request 1
	// request 2
	// request 3
	// request 4
	// at least 0.3 s: true
}

// Each customer has a rate of his own; the others do not wait for him.
func ExampleKeyed_Throttle() {
	calls := flow.From(memory.NewSource("ann: 1", "ann: 2", "bob: 1")).
		KeyBy(func(call string) string { return call[:3] }).
		Throttle(flow.Rate{Limit: 1, Per: 50 * time.Millisecond})
	for call, err := range calls.All(context.Background()) {
		fmt.Println(call, err)
	}
	// Output:
	// ann: 1 <nil>
	// bob: 1 <nil>
	// ann: 2 <nil>
}

// An order that is not paid gets a reminder after a while. With queueconn.Open the time
// goes on while the program does not run.
func ExampleFlow_Delay() {
	later, err := queueconn.NewMemory[order](queueconn.Config{Name: "reminders"})
	if err != nil {
		fmt.Println(err)

		return
	}
	defer later.Close()
	patience := func(o order) time.Duration { return time.Duration(o.Cents) * time.Microsecond }
	pipeline := flow.New("reminders", flow.From(memory.NewSource(
		order{ID: "A1", Cents: 40_000}, order{ID: "A2", Cents: 20_000})).
		Delay(later, patience).
		ForEach(func(_ context.Context, o order) error {
			fmt.Println("reminder for order", o.ID)

			return nil
		}))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// reminder for order A2
	// reminder for order A1
}

// A scan is too large for the queue, so the queue carries a claim for it.
func ExampleFlow_ClaimCheck() {
	type scan struct {
		Name  string
		Pages []string
	}
	store := memory.NewStore()
	queue, err := queueconn.NewMemory[flow.Claim[scan]](queueconn.Config{Name: "scans"})
	if err != nil {
		fmt.Println(err)

		return
	}
	defer queue.Close()
	scans := memory.NewSource(scan{Name: "contract", Pages: []string{"page one", "page two"}})
	pipeline := flow.New("scans", flow.From(scans).
		ClaimCheck(store, flow.ClaimConfig{}).
		Via(queue).
		Apply(flow.Redeem[scan](store)).As("archive").
		ForEach(func(_ context.Context, s scan) error {
			fmt.Println(s.Name, len(s.Pages), "pages")

			return nil
		}))
	if err := pipeline.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: contract 2 pages
}

// The side that takes the claims may be another pipeline.
func ExampleRedeem() {
	store, claims := memory.NewStore(), memory.NewSink[flow.Claim[string]]()
	in := flow.New("in", flow.From(memory.NewSource("a long text")).ClaimCheck(store, flow.ClaimConfig{TTL: 30 * 24 * time.Hour}).To(claims))
	if err := in.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	texts := flow.From(memory.NewSource(claims.Values()...)).Apply(flow.Redeem[string](store)).As("archive")
	for text, err := range texts.All(context.Background()) {
		fmt.Println(text, err)
	}
	// Output: a long text <nil>
}
