package main

import (
	"context"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// total is the running total of a country.
type total struct {
	Amount transform.Money `json:"amount"`
	// Overflow says that the amount has become too large to be right.
	Overflow bool `json:"overflow,omitzero"`
}

func (t total) add(o Order) total {
	sum, err := t.Amount.Add(o.Amount)

	return total{Amount: sum, Overflow: t.Overflow || err != nil}
}

// totalRow is a total in the database.
type totalRow struct {
	Partner string
	Country string
	Orders  int
	Amount  int64
}

func newTotalRow(partner string) func(context.Context, flow.Group[string, total]) (totalRow, error) {
	return func(_ context.Context, g flow.Group[string, total]) (totalRow, error) {
		if g.Value.Overflow {
			return totalRow{}, connector.Permanent(fmt.Errorf("total of %s: %w", g.Key, transform.ErrMoneyRange))
		}

		return totalRow{Partner: partner, Country: g.Key, Orders: g.Count, Amount: g.Value.Amount.TenThousandths()}, nil
	}
}
