package flowtest_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
)

// prices is the flow under test.
func prices(source connector.Source[string], sink connector.Sink[int]) *flow.Pipeline {
	rejected := memory.NewSink[connector.DeadLetter[string]]()

	return flow.New("prices", flow.From(source).DeadLetter(rejected).
		Map(func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) }).
		Filter(func(price int) bool { return price > 0 }).
		To(sink))
}

func Example() {
	// This is the body of a func TestPrices(t *testing.T).
	testPrices := func(t *testing.T) {
		flowtest.Test(t, func(t *testing.T) {
			source, sink := flowtest.Watch(memory.NewSource("5", "x", "0")), memory.NewSink[int]()

			flowtest.Run(t, prices(source, sink))

			source.Want(t, connector.DeadLettered, "x")
			source.Want(t, connector.Filtered, "0")
			flowtest.Values(t, sink.Values(), 5)
			fmt.Println("passed:", !t.Failed())
		})
	}
	asTest(testPrices)
	// Output: passed: true
}

func ExampleTest() {
	asTest(func(t *testing.T) {
		flowtest.Test(t, func(t *testing.T) {
			start := time.Now()
			time.Sleep(time.Hour) // takes no time outside
			fmt.Println(time.Since(start))
		})
	})
	// Output: 1h0m0s
}

func ExampleStart() {
	asTest(func(t *testing.T) {
		flowtest.Test(t, func(t *testing.T) {
			feed, sink := memory.NewFeed[string](), memory.NewSink[int]()
			pipeline := flowtest.Start(t, prices(feed, sink))

			feed.Send("5", "7")
			pipeline.Idle()
			fmt.Println(sink.Values())

			feed.Send("9")
			pipeline.Idle()
			fmt.Println(sink.Values())

			left := pipeline.Stop()
			fmt.Println("nothing left:", left.Clean())
		})
	})
	// Output:
	// [5 7]
	// [5 7 9]
	// nothing left: true
}

func ExampleRunning_Idle() {
	asTest(func(t *testing.T) {
		flowtest.Test(t, func(t *testing.T) {
			feed, sink := memory.NewFeed(1), memory.NewSink[int]()
			pipeline := flowtest.Start(t, flow.New("batches", flow.From(feed).Batch(100, time.Minute).To(sink)))

			pipeline.Idle() // the batch is not full and its minute is not over
			fmt.Println(sink.Values())

			time.Sleep(time.Minute)
			pipeline.Idle()
			fmt.Println(sink.Values())
		})
	})
	// Output:
	// []
	// [1]
}

func ExampleRunFails() {
	asTest(func(t *testing.T) {
		flowtest.Test(t, func(t *testing.T) {
			source, sink := memory.NewSource("5"), memory.NewSink[string]()
			source.ScriptRead(memory.Fail(connector.Permanent(errors.New("no permission"))))

			err := flowtest.RunFails(t, flow.New("copy", flow.From(source).As("inbox").To(sink)))

			fmt.Println(err)
		})
	})
	// Output: flow copy: stage inbox: read: no permission
}

func ExampleWatch() {
	asTest(func(t *testing.T) {
		flowtest.Test(t, func(t *testing.T) {
			source := flowtest.Watch(memory.NewSource("5", "x"))
			flowtest.Run(t, prices(source, memory.NewSink[int]()))
			for _, m := range source.Messages() {
				fmt.Println(m.ID, m.Value, m.Outcome)
			}
			fmt.Println(source.Outcome("memory:2"), source.Outcomes("5"))
		})
	})
	// Output:
	// memory:1 5 delivered
	// memory:2 x dead_lettered
	// dead_lettered [delivered]
}

func ExampleLedger() {
	asTest(func(t *testing.T) {
		flowtest.Test(t, func(t *testing.T) {
			pipeline := prices(memory.NewSource("5", "x", "0"), memory.NewSink[int]())
			flowtest.Run(t, pipeline)
			flowtest.Ledger(t, pipeline.Ledger(), flow.Ledger{
				Source: flow.Line{In: 3, Delivered: 1, Filtered: 1, DeadLettered: 1},
			})
			fmt.Println(pipeline.Ledger())
		})
	})
	// Output: prices: source 3 in = 1 delivered + 1 filtered + 1 dead-lettered
}

func ExampleDiff() {
	got := flow.Ledger{Flow: "prices", Source: flow.Line{In: 3, Delivered: 1, Filtered: 2}}
	want := flow.Ledger{Source: flow.Line{In: 3, Delivered: 2, Filtered: 1}}
	fmt.Println(flowtest.Diff(got, want))
	// Output:
	// the ledger of prices is not as wanted:
	// 	source: delivered 1, want 2; filtered 2, want 1
	// 		got  3 in = 1 delivered + 2 filtered
	// 		want 3 in = 2 delivered + 1 filtered
}

func ExampleClosed() {
	fmt.Println(flowtest.Closed(flow.Ledger{Source: flow.Line{In: 3, Delivered: 3}}))
	fmt.Println(flowtest.Closed(flow.Ledger{Source: flow.Line{In: 3, Delivered: 2, InFlight: 1}}))
	// Output:
	// <nil>
	// 1 source message(s) are still in flight: a stage has kept them, or the pipeline still runs
}
