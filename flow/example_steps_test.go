package flow_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// prices is a service that knows one price, in cents.
func prices() *memory.Caller[string, int] {
	return memory.NewCaller(func(_ context.Context, article string) (int, error) {
		if article != "tea" {
			return 0, connector.Permanent(fmt.Errorf("no article %q", article))
		}

		return 450, nil
	})
}

func ExampleAsk() {
	price := flow.Ask("price", prices())
	cents, err := price.Call(context.Background(), "tea")
	fmt.Println(cents, err)
	_, err = price.Call(context.Background(), "coffee")
	fmt.Println(err)
	// Output:
	// 450 <nil>
	// step price: no article "coffee"
}

func ExampleFunc() {
	parse := flow.Func("parse", func(_ context.Context, text string) (int, error) { return strconv.Atoi(text) })
	cents, err := parse.Call(context.Background(), "450")
	fmt.Println(cents, err)
	// Output: 450 <nil>
}

func ExampleStep() {
	service := prices()
	service.Script(memory.Fail(errors.New("connection refused")))
	// Each attempt has one second; when all have failed, the price of yesterday will do.
	price := flow.Ask("price", service).
		Timeout(time.Second).
		Retry(retry.Policy{Attempts: 3, Initial: time.Millisecond}).
		Fallback(func(context.Context, string, error) (int, error) { return 440, nil })
	cents, err := price.Call(context.Background(), "tea")
	fmt.Println(cents, err, "after", len(service.Requests()), "requests")
	// Output: 450 <nil> after 2 requests
}

// The caller inside may panic; the call fails.
func ExampleStep_Call() {
	broken := flow.Func("price", func(context.Context, string) (int, error) { panic("index out of range") })
	_, err := broken.Call(context.Background(), "tea")
	fmt.Println(err)
	// Output: step price: panic: index out of range
}

func ExampleStep_Then() {
	article := flow.Func("article", func(_ context.Context, code string) (string, error) {
		return map[string]string{"4711": "tea"}[code], nil
	})
	price := article.Then(flow.Ask("price", prices())).As("price-by-code")
	cents, err := price.Call(context.Background(), "4711")
	fmt.Println(cents, err)
	// Output: 450 <nil>
}

func ExampleStep_Map() {
	label := flow.Ask("price", prices()).Map(flow.Pure(func(cents int) string {
		return fmt.Sprintf("%d.%02d EUR", cents/100, cents%100)
	}))
	text, err := label.Call(context.Background(), "tea")
	fmt.Println(text, err)
	// Output: 4.50 EUR <nil>
}

// The service wants the name of an article, the caller has a line of an order.
func ExampleStep_Adapt() {
	type line struct {
		Article string
		Count   int
	}
	price := flow.Ask("price", prices()).Adapt(flow.Pure(func(l line) string { return l.Article }))
	cents, err := price.Call(context.Background(), line{Article: "tea", Count: 2})
	fmt.Println(cents, err)
	// Output: 450 <nil>
}

func ExampleStep_Validate() {
	service := prices()
	price := flow.Ask("price", service).Validate(func(article string) error {
		if article == "" {
			return errors.New("no article given")
		}

		return nil
	})
	_, err := price.Call(context.Background(), "")
	fmt.Println(err)
	fmt.Println(len(service.Requests()), "requests,", price.Ledger().Rejected, "rejected")
	// Output:
	// step price: validate: no article given
	// 0 requests, 1 rejected
}

func ExampleStep_Timeout() {
	service := prices()
	service.Script(memory.Pass().Delay(time.Hour))
	price := flow.Ask("price", service).Timeout(5 * time.Millisecond)
	_, err := price.Call(context.Background(), "tea")
	fmt.Println(err)
	fmt.Println(connector.ClassOf(err)) // the service may have done its work
	// Output:
	// step price: no answer within 5ms: context deadline exceeded
	// ambiguous
}

func ExampleStep_Retry() {
	service := prices()
	service.Script(memory.Fail(errors.New("connection refused")).Times(2))
	price := flow.Ask("price", service).Retry(retry.Policy{Attempts: 3, Initial: time.Millisecond})
	cents, err := price.Call(context.Background(), "tea")
	fmt.Println(cents, err, "after", len(service.Requests()), "requests")
	// Output: 450 <nil> after 3 requests
}

func ExampleStep_Fallback() {
	service := prices()
	service.Script(memory.Fail(errors.New("connection refused")))
	price := flow.Ask("price", service).Fallback(func(_ context.Context, article string, err error) (int, error) {
		fmt.Println("the price list instead:", article, "-", err)

		return 440, nil
	})
	cents, err := price.Call(context.Background(), "tea")
	fmt.Println(cents, err)
	// Output:
	// the price list instead: tea - connection refused
	// 440 <nil>
}

func ExampleStep_Ledger() {
	price := flow.Ask("price", prices())
	for _, article := range []string{"tea", "coffee", "tea"} {
		_, _ = price.Call(context.Background(), article)
	}
	ledger := price.Ledger()
	fmt.Println(ledger.Calls, "calls:", ledger.Replied, "replied,", ledger.Rejected, "rejected", ledger.Balanced())
	// Output: 3 calls: 2 replied, 1 rejected true
}

func ExampleStep_Check() {
	price := flow.Ask("price", prices()).Timeout(-time.Second).Retry(retry.Policy{Attempts: 1})
	fmt.Println(price.Check())
	// Output:
	// step price: Timeout(-1s): want more than 0
	// a retry policy with one attempt has no effect: remove it or allow more
}

func ExampleStep_As() {
	price := flow.Ask("price", prices())
	fmt.Println(price.Name(), price.As("list-price").Name())
	// Output: price list-price
}

// view is what a service desk sees of a customer.
type view struct {
	Name   string
	Orders []string
	Lacks  string
}

var (
	nameOf = flow.Func("crm", func(_ context.Context, id string) (string, error) { return strings.ToUpper(id), nil })

	ordersOf = flow.Func("orders", func(_ context.Context, id string) ([]string, error) {
		if id != "ann" {
			return nil, errors.New("connection refused")
		}

		return []string{"A1", "A3"}, nil
	})
)

// The view needs the name; without the orders it says why they are missing.
func ExampleNewGather() {
	desk := flow.NewGather[string, view]("customer").
		Need(nameOf, func(v *view, name string) { v.Name = name }).
		Want(ordersOf, func(v *view, ids []string, err error) {
			if v.Orders = ids; err != nil {
				v.Lacks = err.Error()
			}
		}).
		Step().Timeout(time.Second)
	for _, id := range []string{"ann", "bob"} {
		view, err := desk.Call(context.Background(), id)
		fmt.Printf("%+v %v\n", view, err)
	}
	// Output:
	// {Name:ANN Orders:[A1 A3] Lacks:} <nil>
	// {Name:BOB Orders:[] Lacks:step orders: connection refused} <nil>
}

func ExampleGather_Need() {
	desk := flow.NewGather[string, view]("customer").
		Need(ordersOf, func(v *view, ids []string) { v.Orders = ids }).
		Step()
	_, err := desk.Call(context.Background(), "bob")
	fmt.Println(err)
	// Output: step customer: step orders: connection refused
}

func ExampleGather_Want() {
	desk := flow.NewGather[string, view]("customer").
		Want(ordersOf, func(v *view, ids []string, err error) { v.Orders, v.Lacks = ids, fmt.Sprint(err) }).
		Step()
	view, err := desk.Call(context.Background(), "bob")
	fmt.Println(view.Lacks, err)
	// Output: step orders: connection refused <nil>
}

// A Gather is a step like any other: a flow runs it on each message.
func ExampleGather_Step() {
	desk := flow.NewGather[string, view]("customer").
		Need(nameOf, func(v *view, name string) { v.Name = name }).
		Step()
	for view, err := range flow.From(memory.NewSource("ann", "bob")).Do(desk).All(context.Background()) {
		fmt.Println(view.Name, err)
	}
	// Output:
	// ANN <nil>
	// BOB <nil>
}
