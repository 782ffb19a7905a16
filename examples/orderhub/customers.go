package main

import (
	"context"
	"net/http"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// Customer is what the customer service knows of a customer.
type Customer struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Segment string `json:"segment"`
}

// The segments of those whom the service does not know.
const (
	segmentGuest   = "guest"
	segmentUnknown = "unknown"
)

// newCustomers returns the call to the service at the address, by customer number.
func newCustomers(address string) (*httpconn.Caller[string, Customer], error) {
	return httpconn.NewCaller[string, Customer](httpconn.CallerConfig[string]{
		Method: http.MethodGet,
		URL:    address + "/customers",
		Path:   func(id string) []string { return []string{id} },
	})
}

// askService asks for a customer and puts up with a service that is slow or fails at
// times. Asking twice does no harm, so a time-out is tried again too.
func askService(service connector.Caller[string, Customer]) flow.Step[string, Customer] {
	return flow.Ask("customer", service).
		Timeout(100 * time.Millisecond).
		Retry(retry.Policy{Attempts: 3, Initial: 5 * time.Millisecond, Idempotent: true})
}

// identify never fails: an order without a customer is a guest's, and one whose customer
// the service does not tell goes on without the name.
func identify(ask flow.Step[string, Customer]) flow.Step[string, Customer] {
	known := flow.Ask("known", ask).Fallback(func(_ context.Context, id string, _ error) (Customer, error) {
		return Customer{ID: id, Segment: segmentUnknown}, nil
	})

	return flow.Func("identify", func(ctx context.Context, id string) (Customer, error) {
		if id == "" {
			return Customer{Segment: segmentGuest}, nil
		}

		return known.Call(ctx, id)
	})
}
