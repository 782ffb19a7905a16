package main

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"os"

	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// Report is the result for other programs.
type Report struct {
	Partners    map[string]Figures    `json:"partners"`
	Differences []Difference          `json:"differences"`
	Ledger      map[string]LedgerLine `json:"ledger"`
	Balanced    bool                  `json:"balanced"`
}

// Figures are counts over all lines of a partner's file.
type Figures struct {
	Lines               int64           `json:"lines"`
	Invoices            int64           `json:"invoices"`
	Customers           int64           `json:"customers"`
	CancelledLines      int64           `json:"cancelled_lines"`
	WithoutCustomer     int64           `json:"without_customer"`
	NonpositivePrice    int64           `json:"nonpositive_price"`
	NonpositiveQuantity int64           `json:"nonpositive_quantity"`
	Repeats             int64           `json:"repeats"`
	Amount              transform.Money `json:"amount"`
}

// Difference is a line that one partner has and the other has not.
type Difference struct {
	Invoice   string          `json:"invoice"`
	StockCode string          `json:"stock_code"`
	Quantity  int64           `json:"quantity"`
	UnitPrice transform.Money `json:"unit_price"`
	OnlyIn    string          `json:"only_in"`
}

// LedgerLine is what became of the messages that a pipeline's source handed out.
type LedgerLine struct {
	In           int64 `json:"in"`
	Delivered    int64 `json:"delivered"`
	Filtered     int64 `json:"filtered"`
	Duplicate    int64 `json:"duplicate"`
	Dropped      int64 `json:"dropped"`
	DeadLettered int64 `json:"dead_lettered"`
	Returned     int64 `json:"returned"`
	InFlight     int64 `json:"in_flight"`
}

func newLedgerLine(l flow.Line) LedgerLine {
	return LedgerLine{
		In: l.In, Delivered: l.Delivered, Filtered: l.Filtered, Duplicate: l.Duplicate, Dropped: l.Dropped,
		DeadLettered: l.DeadLettered, Returned: l.Returned, InFlight: l.InFlight,
	}
}

// newReport reads the partners' figures from the database, where every line has its one
// row, and the ledgers from the pipelines.
func newReport(ctx context.Context, d *database, ledgers []flow.Ledger) (r Report, err error) {
	r = Report{Partners: make(map[string]Figures), Ledger: make(map[string]LedgerLine), Balanced: true}
	for _, p := range partners() {
		if r.Partners[p.name], err = d.figures(ctx, p.name); err != nil {
			return r, err
		}
	}
	if r.Differences, err = d.differences(ctx); err != nil {
		return r, err
	}
	for _, l := range ledgers {
		r.Ledger[l.Flow] = newLedgerLine(l.Source)
		r.Balanced = r.Balanced && l.Balanced() && l.Source.InFlight == 0 && l.Derived.InFlight == 0
	}

	return r, nil
}

// figures counts. A line that cannot be read is a line too; nothing else is known of it.
func (d *database) figures(ctx context.Context, partner string) (Figures, error) {
	type row struct {
		Lines, Invoices, Customers, CancelledLines, WithoutCustomer int64
		NonpositivePrice, NonpositiveQuantity, Repeats, Amount      int64
	}
	rows, err := query[row](ctx, d, "figures", `
		SELECT count(*) + (SELECT count(*) FROM rejections WHERE partner = ?1 AND kind = 'line') AS lines,
			count(DISTINCT invoice) AS invoices,
			count(DISTINCT nullif(customer, '')) AS customers,
			coalesce(sum(cancelled), 0) AS cancelled_lines,
			coalesce(sum(without_customer), 0) AS without_customer,
			coalesce(sum(nonpositive_price), 0) AS nonpositive_price,
			coalesce(sum(nonpositive_quantity), 0) AS nonpositive_quantity,
			coalesce(sum(is_repeat), 0) AS repeats,
			coalesce(sum(amount), 0) AS amount
		FROM lines WHERE partner = ?1`, partner)
	if err != nil {
		return Figures{}, err
	}
	r := rows[0]

	return Figures{
		r.Lines, r.Invoices, r.Customers, r.CancelledLines, r.WithoutCustomer,
		r.NonpositivePrice, r.NonpositiveQuantity, r.Repeats, transform.MoneyFromTenThousandths(r.Amount),
	}, nil
}

// save writes the report for other programs: all of it, or nothing.
func (r Report) save(path string) error {
	text, err := json.Marshal(r, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(path+".tmp", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}

	return nil
}
