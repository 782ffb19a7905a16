package main

import (
	"context"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow/flowtest"
)

func TestReceipts(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		paid, unpaid := order{ID: "A-1", Paid: true}, order{ID: "A-2"}
		orders := flowtest.Watch(memory.NewSource(paid, unpaid))
		var shown []string
		show := func(_ context.Context, text string) error {
			shown = append(shown, text)

			return nil
		}

		flowtest.Run(t, receipts(orders, show)) // fails when a message has no outcome

		flowtest.Values(t, shown, "Order A-1: 0.00 received, thank you.")
		orders.Want(t, connector.Delivered, paid)
		orders.Want(t, connector.Filtered, unpaid)
	})
}
