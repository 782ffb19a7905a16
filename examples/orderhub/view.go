package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// View is everything about one customer in one place.
type View struct {
	Customer Customer    `json:"customer"`
	Orders   []OrderView `json:"orders"`
	Totals   []TotalView `json:"totals"`
	// Missing says what could not be had, and why.
	Missing []string `json:"missing,omitempty"`
}

// OrderView is an order as the partners report it.
type OrderView struct {
	Invoice string          `json:"invoice"`
	Day     string          `json:"day"`
	Country string          `json:"country"`
	Lines   int64           `json:"lines"`
	Amount  transform.Money `json:"amount"`
	// Partners names those who report it, "a+b" for both.
	Partners string `json:"partners"`
}

// TotalView is what a partner's orders of the customer come to.
type TotalView struct {
	Partner string          `json:"partner"`
	Orders  int64           `json:"orders"`
	Amount  transform.Money `json:"amount"`
}

// customerView asks the database and the customer service at once. It cannot do without
// the orders and their totals; without the service, it says so.
func customerView(d *database, ask flow.Step[string, Customer]) flow.Step[string, View] {
	return flow.NewGather[string, View]("customer-view").
		Need(flow.Func("orders", d.ordersOf), func(v *View, orders []OrderView) { v.Orders = orders }).
		Need(flow.Func("totals", d.totalsOf), func(v *View, totals []TotalView) { v.Totals = totals }).
		Want(ask.As("service"), func(v *View, c Customer, err error) {
			v.Customer = c
			if err != nil {
				v.Missing = append(v.Missing, "customer data: "+connector.ClassOf(err).String()+" failure of the service")
			}
		}).
		Step()
}

// errNoCustomer is permanent: asking again does not help.
var errNoCustomer = connector.Permanent(errors.New("no orders of this customer have come in"))

func (d *database) ordersOf(ctx context.Context, customer string) ([]OrderView, error) {
	type row struct {
		Invoice, Day, Country, Partners string
		Lines, Amount                   int64
	}
	rows, err := query[row](ctx, d, "orders of a customer", `
		SELECT invoice, day, country, group_concat(partner, '+' ORDER BY partner) AS partners, lines, amount
		FROM orders WHERE customer = ? GROUP BY invoice, day, country, lines, amount ORDER BY day, invoice`, customer)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("customer %s: %w", customer, errNoCustomer)
	}
	var orders []OrderView
	for _, r := range rows {
		amount := transform.MoneyFromTenThousandths(r.Amount)
		orders = append(orders, OrderView{r.Invoice, r.Day, r.Country, r.Lines, amount, r.Partners})
	}

	return orders, nil
}

func (d *database) totalsOf(ctx context.Context, customer string) ([]TotalView, error) {
	type row struct {
		Partner        string
		Orders, Amount int64
	}
	rows, err := query[row](ctx, d, "totals of a customer", `
		SELECT partner, count(*) AS orders, sum(amount) AS amount
		FROM orders WHERE customer = ? GROUP BY partner ORDER BY partner`, customer)
	if err != nil {
		return nil, err
	}
	var totals []TotalView
	for _, r := range rows {
		totals = append(totals, TotalView{r.Partner, r.Orders, transform.MoneyFromTenThousandths(r.Amount)})
	}

	return totals, nil
}
