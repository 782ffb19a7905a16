package main

import (
	"context"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
)

// result is everything that a person wants to know of a run.
type result struct {
	Report

	status status
	// totals and rejections are those in the database, over all runs on this state.
	totals     []totalRow
	rejections []rejectionCount
	// notifications are those of this run.
	notifications []notificationCount
	// calls is the account of the customer service.
	calls flow.CallLedger
	// view is that of the customer with the most orders.
	view    View
	hasView bool
	took    time.Duration
}

// rejectionCount counts what was rejected in one stage, with an example.
type rejectionCount struct {
	Partner string
	Stage   string
	Count   int64
	Example string
}

// notificationCount counts what a subscriber was sent by this run, and what it had been
// sent before.
type notificationCount struct {
	subscriber   string
	sent, before int64
}

func (h *hub) countNotifications() []notificationCount {
	var all []notificationCount
	for _, s := range h.subscribers {
		n := notificationCount{subscriber: s.name}
		for _, p := range h.pipelines {
			for _, stage := range p.Stats() {
				switch stage.Stage {
				case s.name:
					n.sent += int64(stage.Outcomes[connector.Delivered])
				case s.name + "-once":
					n.before += int64(stage.Outcomes[connector.Duplicate])
				}
			}
		}
		all = append(all, n)
	}

	return all
}

func (h *hub) result(ctx context.Context) (r result, err error) {
	r.status, r.calls, r.notifications = h.status(), h.ask.Ledger(), h.countNotifications()
	if r.Report, err = newReport(ctx, h.database, r.status.ledgers); err != nil {
		return r, err
	}
	r.totals, err = query[totalRow](ctx, h.database, "totals", `
		SELECT partner, country, orders, amount FROM totals ORDER BY amount DESC, country, partner`)
	if err != nil {
		return r, err
	}
	r.rejections, err = query[rejectionCount](ctx, h.database, "rejections", `
		SELECT partner, stage, count(*) AS count, min(cause) AS example
		FROM rejections GROUP BY partner, kind, stage ORDER BY kind, stage, partner`)
	if err != nil {
		return r, err
	}

	return r, h.showView(ctx, &r)
}

// showView fetches the view of the customer with the most orders.
func (h *hub) showView(ctx context.Context, r *result) error {
	type best struct{ Customer string }
	customers, err := query[best](ctx, h.database, "best customer", `
		SELECT customer FROM orders WHERE customer <> '' GROUP BY customer ORDER BY count(*) DESC, customer LIMIT 1`)
	if err != nil || len(customers) == 0 {
		return err
	}
	r.view, err = h.fetchView(ctx, customers[0].Customer)
	r.hasView = err == nil

	return err
}
