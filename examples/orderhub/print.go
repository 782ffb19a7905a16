package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// print writes the result for a person.
func (r result) print(w io.Writer, from string) error {
	p := &page{}
	lines := int64(0)
	for _, f := range r.Partners {
		lines += f.Lines
	}
	p.linef("orderhub: %s lines from %s in %v", count(lines), from, r.took.Round(time.Millisecond))
	r.printPartners(p)
	r.printDifferences(p)
	r.printTotals(p)
	r.printRejections(p)
	r.printNotifications(p)
	if r.hasView {
		r.view.print(p)
	}
	r.status.print(p)
	p.linef("\nCustomer service: %s calls = %s replied + %s failed + %s rejected + %s cancelled",
		count(r.calls.Calls), count(r.calls.Replied), count(r.calls.Failed), count(r.calls.Rejected), count(r.calls.Cancelled))
	p.linef("%s", verdict(r.Balanced))
	_, err := io.WriteString(w, p.text.String())

	return err
}

func verdict(balanced bool) string {
	if balanced {
		return "Every ledger balances: each message has exactly one outcome."
	}

	return "A LEDGER DOES NOT BALANCE: do not trust these figures."
}

func (r result) printPartners(p *page) {
	a, b := r.Partners["a"], r.Partners["b"]
	t := p.table("Partners", "", "a", "b")
	for _, row := range []struct {
		name string
		a, b int64
	}{
		{"lines", a.Lines, b.Lines},
		{"invoices", a.Invoices, b.Invoices},
		{"customers", a.Customers, b.Customers},
		{"cancelled lines", a.CancelledLines, b.CancelledLines},
		{"without customer", a.WithoutCustomer, b.WithoutCustomer},
		{"price 0 or less", a.NonpositivePrice, b.NonpositivePrice},
		{"quantity 0 or less", a.NonpositiveQuantity, b.NonpositiveQuantity},
		{"repeats", a.Repeats, b.Repeats},
	} {
		t.row(row.name, count(row.a), count(row.b))
	}
	t.row("amount", grouped(a.Amount.String()), grouped(b.Amount.String()))
	t.end()
}

// mostShown bounds the rows of a table.
const mostShown = 12

func (r result) printDifferences(p *page) {
	if len(r.Differences) == 0 {
		p.linef("\nDifferences: none, the partners agree on every line")

		return
	}
	t := p.table(fmt.Sprintf("Differences: lines of one partner alone, %s in all", count(int64(len(r.Differences)))),
		"invoice", "stock code", "quantity", "unit price", "only in")
	for _, d := range r.Differences[:min(len(r.Differences), mostShown)] {
		t.row(d.Invoice, d.StockCode, count(d.Quantity), grouped(d.UnitPrice.String()), d.OnlyIn)
	}
	t.end()
	p.more(len(r.Differences))
}

func (r result) printTotals(p *page) {
	amounts, orders, countries := map[string]string{}, map[string]string{}, []string{}
	for _, t := range r.totals {
		if _, known := amounts["a"+t.Country]; !known && amounts["b"+t.Country] == "" {
			countries = append(countries, t.Country)
		}
		amounts[t.Partner+t.Country] = grouped(transform.MoneyFromTenThousandths(t.Amount).String())
		orders[t.Partner+t.Country] = count(int64(t.Orders))
	}
	t := p.table("Totals by country", "", "orders a", "orders b", "amount a", "amount b")
	for _, c := range countries[:min(len(countries), mostShown)] {
		t.row(c, orders["a"+c], orders["b"+c], amounts["a"+c], amounts["b"+c])
	}
	t.end()
	p.more(len(countries))
}

func (r result) printRejections(p *page) {
	if len(r.rejections) == 0 {
		p.linef("\nRejected: nothing")

		return
	}
	t := p.table("Rejected, kept with their cause in the table rejections", "partner", "stage", "count")
	for _, c := range r.rejections {
		t.row(c.Partner, c.Stage, count(c.Count))
		t.row("  such as " + example(c.Example))
	}
	t.end()
}

// example leaves out of an error what the table says already: flow and stage.
func example(cause string) string {
	if _, short, found := strings.Cut(cause, ": message "); found {
		return short
	}

	return cause
}

func (r result) printNotifications(p *page) {
	t := p.table("Notifications", "subscriber", "sent", "sent before")
	for _, n := range r.notifications {
		t.row(n.subscriber, count(n.sent), count(n.before))
	}
	t.end()
}

// print shows the view of one customer.
func (v View) print(p *page) {
	t := p.table(fmt.Sprintf("Customer %s: %s (%s), as served over HTTP", v.Customer.ID, v.Customer.Name, v.Customer.Segment),
		"order", "day", "lines", "amount", "reported by")
	for _, m := range v.Missing {
		t.row("without " + m)
	}
	for _, o := range v.Orders[:min(len(v.Orders), mostShown)] {
		t.row(o.Invoice, o.Day, count(o.Lines), grouped(o.Amount.String()), o.Partners)
	}
	t.end()
	p.more(len(v.Orders))
}

// print shows the ledgers and the health of the pipelines.
func (s status) print(p *page) {
	t := p.table("Ledgers", "", "in", "delivered", "filtered", "duplicate", "dropped", "dead", "returned", "in flight", "")
	for _, l := range s.ledgers {
		t.ledger(l.Flow, l.Source)
		if l.Derived.In > 0 {
			t.ledger("  derived", l.Derived)
		}
	}
	if slices.ContainsFunc(s.ledgers, func(l flow.Ledger) bool { return l.Derived.Returned > 0 }) {
		t.row("a derived message is returned to the message that it was made of, which ends in its place")
	}
	t.end()
	t = p.table("Health", "", "state", "since", "restarts")
	for _, h := range s.health {
		t.row(h.Flow, string(h.State), h.Since.Format(time.TimeOnly), count(int64(h.Restarts)))
		if h.Reason != "" {
			t.row("  because " + h.Reason)
		}
	}
	t.end()
}

func (t *grid) ledger(name string, l flow.Line) {
	verdict := "balanced"
	if !l.Balanced() {
		verdict = "NOT BALANCED"
	}
	t.row(name, count(l.In), count(l.Delivered), count(l.Filtered), count(l.Duplicate), count(l.Dropped),
		count(l.DeadLettered), count(l.Returned), count(l.InFlight), verdict)
}

func count(n int64) string { return grouped(fmt.Sprint(n)) }
