package main

import (
	"context"
	"iter"

	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// surplus is a line that one partner has more often than the other.
type surplus struct {
	Invoice   string
	StockCode string
	Quantity  int64
	UnitPrice int64
	// More is how often B has it more than A; negative where A has it more often.
	More int64
}

// surpluses merges the partners' lines. Lines are equal when everything is that both
// formats can say, so the day counts and the time of day does not.
const surpluses = `
	SELECT invoice, stock_code, quantity, unit_price, sum(iif(partner = 'b', 1, -1)) AS more
	FROM lines
	GROUP BY invoice, stock_code, description, quantity, day, unit_price, customer, country
	HAVING more <> 0
	ORDER BY invoice, stock_code, quantity, unit_price, more, description, day, customer, country`

// differences returns every line that stands with one partner only.
func (d *database) differences(ctx context.Context) ([]Difference, error) {
	source, err := sqlconn.NewQuery[surplus](sqlconn.QueryConfig{DB: d.reader, Name: "surpluses", SQL: surpluses})
	if err != nil {
		return nil, err
	}
	all := []Difference{}
	for difference, err := range flow.From(source).Split(each).All(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, difference)
	}

	return all, nil
}

// each yields the lines that are too many, one by one.
func each(_ context.Context, s surplus) iter.Seq2[Difference, error] {
	partner, count := "b", s.More
	if s.More < 0 {
		partner, count = "a", -s.More
	}

	return func(yield func(Difference, error) bool) {
		price := transform.MoneyFromTenThousandths(s.UnitPrice)
		for range count {
			if !yield(Difference{s.Invoice, s.StockCode, s.Quantity, price, partner}, nil) {
				return
			}
		}
	}
}
