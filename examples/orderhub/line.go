package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// Record is an order line as a partner writes it. The partners have the same columns;
// separators, decimals and dates are a matter of the format.
type Record struct {
	Invoice     string          `csv:"InvoiceNo"   validate:"required,max=20"`
	StockCode   string          `csv:"StockCode"   validate:"required,max=20"`
	Description string          `csv:"Description" validate:"max=200"`
	Quantity    int64           `csv:"Quantity"`
	Date        time.Time       `csv:"InvoiceDate" layout:"2/1/2006 15:04|2/1/2006"`
	UnitPrice   transform.Money `csv:"UnitPrice"`
	Customer    string          `csv:"CustomerID"  validate:"max=20"`
	Country     string          `csv:"Country"     validate:"required,max=60"`
}

// Line is an order line in the form that both partners share.
type Line struct {
	Record

	// Number is where the line stands in its file.
	Number int
	// Amount is the quantity times the unit price.
	Amount transform.Money
	// Repeat says that an identical line came before it.
	Repeat bool
}

// Cancelled says that the line belongs to a cancelled invoice.
func (l Line) Cancelled() bool { return strings.HasPrefix(l.Invoice, "C") }

// Billable says that the line can be charged.
func (l Line) Billable() bool { return l.Quantity > 0 && l.UnitPrice.Sign() > 0 }

// normalise makes a line of a row. A row that cannot be read fails here, with its place.
func normalise(_ context.Context, row transform.Row[Record]) (Line, error) {
	if row.Err != nil {
		return Line{}, row.Err
	}
	amount, err := row.Value.UnitPrice.Mul(row.Value.Quantity)
	if err != nil {
		return Line{}, fmt.Errorf("line %d: quantity times price: %w", row.Line, err)
	}

	return Line{Record: row.Value, Number: row.Line, Amount: amount}, nil
}

// markRepeats marks every line that is identical to an earlier one of the same file.
func markRepeats(lines flow.Flow[Line]) flow.Flow[Line] {
	return lines.
		KeyBy(func(l Line) Record { return l.Record }).
		Fold(func(_, l Line) Line { return l }).As("compare").
		Map(flow.Pure(func(same flow.Group[Record, Line]) Line {
			line := same.Value
			line.Repeat = same.Count > 1

			return line
		})).As("mark-repeats")
}

// lineRow is a line in the database. Amounts are whole units, see units.
type lineRow struct {
	Partner             string
	Line                int
	Invoice             string
	StockCode           string
	Description         string
	Quantity            int64
	Day                 string
	UnitPrice           int64
	Amount              int64
	Customer            string
	Country             string
	Cancelled           bool
	WithoutCustomer     bool
	NonpositivePrice    bool
	NonpositiveQuantity bool
	IsRepeat            bool
}

func (l Line) row(partner string) lineRow {
	return lineRow{
		Partner: partner, Line: l.Number, Invoice: l.Invoice, StockCode: l.StockCode, Description: l.Description,
		Quantity: l.Quantity, Day: l.Date.Format(time.DateOnly), UnitPrice: l.UnitPrice.TenThousandths(), Amount: l.Amount.TenThousandths(),
		Customer: l.Customer, Country: l.Country,
		Cancelled: l.Cancelled(), WithoutCustomer: l.Customer == "",
		NonpositivePrice: l.UnitPrice.Sign() <= 0, NonpositiveQuantity: l.Quantity <= 0, IsRepeat: l.Repeat,
	}
}
