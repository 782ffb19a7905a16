package main

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/flow/flowtest"
)

// Ten lines check that nothing of a partner's file is lost, whatever fails and whenever
// the program is killed. planted_test.go shows what they find.
func TestIntakeLosesNothing(t *testing.T) {
	flowtest.Sim(t, func(w *flowtest.World) *flow.Pipeline {
		out := simulate(w)
		w.Check("everything is where it belongs", out.hold(
			"line 2", "line 3", "line 5 repeat", "line 6", "line 7", "line 8", "line 9 repeat", "order 1001 13.10", "order 1002 2.55",
			"order C1003 -2.55", "invoice 1001: 3 items for 17850", "invoice 1002: 1 items for guest", "invoice C1003: 1 items for 17850",
			"returned C1003", "total Norway: 3 orders, 13.10", "total Japan: 1 orders, 0.00",
			"rejected line 3 by normalise", "rejected order 7 by check-order", "rejected order 8 by add-up"))
		file := w.Source("partner_a.csv", rows(t, lamp, shade, unread, shade, guest, cancelled, sample, lamp)...).Rewinds()

		return out.outlets().intake(partners()[0], file)
	}, flowtest.SimOptions{})
}

// The same for the flow behind the queue, which hands out an invoice twice.
func TestInvoicesLoseNothing(t *testing.T) {
	flowtest.Sim(t, func(w *flowtest.World) *flow.Pipeline {
		out := simulate(w)
		w.Check("each invoice is written", out.hold("invoice 1: 0 items for guest", "invoice 2: 0 items for guest", "invoice 3: 0 items for guest"))
		queue := w.Source("queue", invoice("1"), invoice("2"), invoice("3"), invoice("3"))

		return writeInvoices(queue.Declare(connector.Capabilities{Returns: true, Lease: time.Minute}), out.store, out.invoices, zap.NewNop())
	}, flowtest.SimOptions{})
}

func invoice(number string) Invoice { return Invoice{Partner: "a", Number: number} }
