package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow/flowtest"
	"github.com/millrace-go/millrace/transform"
)

// simulated are the outlets of a simulation.
type simulated struct {
	lines         *flowtest.SimSink[lineRow]
	orders        *flowtest.SimSink[orderRow]
	totals        *flowtest.SimSink[totalRow]
	rejections    *flowtest.SimSink[rejectionRow]
	invoices      *flowtest.SimSink[Invoice]
	notifications *flowtest.SimSink[Notification]
	service       *flowtest.SimCaller[string, Customer]
	store         *flowtest.SimStore
}

// simulate returns outlets of the world. Tables write a row with a known key in place.
func simulate(w *flowtest.World) *simulated {
	table := connector.Capabilities{Idempotent: true}

	return &simulated{
		lines:         w.Sink[lineRow]("lines").Declare(table),
		orders:        w.Sink[orderRow]("orders").Declare(table),
		totals:        w.Sink[totalRow]("totals").Declare(table),
		rejections:    w.Sink[rejectionRow]("rejections").Declare(table),
		invoices:      w.Sink[Invoice]("invoices"),
		notifications: w.Sink[Notification]("notifications"),
		service:       w.Caller("service", func(id string) (Customer, error) { return Customer{ID: id, Name: "Customer " + id}, nil }),
		store:         w.Store("store"),
	}
}

func (s *simulated) outlets() outlets {
	return outlets{
		lines: s.lines, orders: s.orders, totals: s.totals, rejections: s.rejections, invoices: s.invoices,
		subscribers: []subscriber{{name: "returns", wants: Order.Cancelled, inbox: s.notifications}},
		customers:   identify(askService(s.service)),
		store:       s.store, logger: zap.NewNop(),
	}
}

// hold checks that the outlets have what is listed and nothing else. How often is for the
// simulation to judge.
func (s *simulated) hold(want ...string) func() error {
	return func() error {
		missing, got := []string(nil), s.contents()
		for _, text := range want {
			if !got[text] {
				missing = append(missing, text)
			}
			delete(got, text)
		}
		if len(missing)+len(got) == 0 {
			return nil
		}

		return fmt.Errorf("missing: %q; too much: %q", missing, slices.Sorted(maps.Keys(got)))
	}
}

// contents describes what is in the outlets. A table has the last row of each key.
func (s *simulated) contents() map[string]bool {
	rows := make(map[string]string)
	for _, l := range s.lines.Values() {
		rows[fmt.Sprint("line ", l.Line)] = map[bool]string{true: " repeat"}[l.IsRepeat]
	}
	for _, o := range s.orders.Values() {
		rows["order "+o.Invoice] = " " + transform.MoneyFromTenThousandths(o.Amount).String()
	}
	for _, t := range s.totals.Values() {
		rows["total "+t.Country] = fmt.Sprintf(": %d orders, %s", t.Orders, transform.MoneyFromTenThousandths(t.Amount))
	}
	for _, r := range s.rejections.Values() {
		rows["rejected "+r.Kind+" "+strings.TrimPrefix(r.ID, "partner_a.csv:")] = " by " + r.Stage
	}
	all := make(map[string]bool)
	for key, value := range rows {
		all[key+value] = true
	}
	for _, i := range s.invoices.Values() {
		all[fmt.Sprintf("invoice %s: %d items for %s", i.Number, len(i.Items), cmp.Or(i.Customer.ID, segmentGuest))] = true
	}
	for _, n := range s.notifications.Values() {
		all["returned "+n.Invoice] = true
	}

	return all
}
