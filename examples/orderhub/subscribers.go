package main

import (
	"path/filepath"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// Notification tells a subscriber of an order.
type Notification struct {
	Partner  string          `json:"partner"`
	Invoice  string          `json:"invoice"`
	Customer string          `json:"customer"`
	Country  string          `json:"country"`
	Amount   transform.Money `json:"amount"`
}

func newNotification(o Order) Notification {
	return Notification{
		Partner: o.Partner, Invoice: o.Invoice, Customer: o.Buyer.Name, Country: o.Country(), Amount: o.Amount,
	}
}

// subscriber hears of the orders that it wants.
type subscriber struct {
	name  string
	wants func(Order) bool
	inbox connector.Sink[Notification]
}

// notify is the branch of one subscriber. An order that the file hands out again is
// recognised by its place in the file, so a restart does not notify twice.
func (s subscriber) notify(orders flow.Flow[Order], store connector.Store) flow.End {
	return orders.
		Filter(s.wants).As(s.name+"-wants").
		OncePerMessage(store, 0).As(s.name+"-once").
		Map(flow.Pure(newNotification)).As(s.name+"-notification").
		Batch(ordersPerBatch, wait).To(s.inbox).As(s.name)
}

// largeOrder is from which amount on the sales team wants to know.
const largeOrder = 1000

// openSubscribers gives each subscriber a file of its own to read.
func openSubscribers(dir string) ([]subscriber, []closer, error) {
	large, err := transform.NewMoney(largeOrder, 0)
	if err != nil {
		return nil, nil, err
	}
	all := []subscriber{
		{name: "sales", wants: func(o Order) bool { return o.Amount.Cmp(large) >= 0 }},
		{name: "export", wants: func(o Order) bool { return o.Country() != "United Kingdom" }},
		{name: "returns", wants: Order.Cancelled},
	}
	var closers []closer
	for i := range all {
		inbox, err := fileconn.NewNDJSONSink[Notification](fileconn.SinkConfig{
			Path: filepath.Join(dir, all[i].name+".ndjson"), Mode: fileconn.Append,
		}, transform.NDJSONConfig{})
		if err != nil {
			return nil, closers, err
		}
		all[i].inbox, closers = inbox, append(closers, inbox)
	}

	return all, closers, nil
}
