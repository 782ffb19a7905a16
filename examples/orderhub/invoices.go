package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// Invoice is the document that goes out for an order: one line of invoices.ndjson.
type Invoice struct {
	Partner string `json:"partner"`
	Number  string `json:"invoice"`
	// Kind is "invoice", or "credit note" for a cancelled one.
	Kind     string          `json:"kind"`
	Date     string          `json:"date"`
	Customer Customer        `json:"customer"`
	Country  string          `json:"country"`
	Items    []Item          `json:"items"`
	Amount   transform.Money `json:"amount"`
}

// Item is a line of an invoice.
type Item struct {
	StockCode   string          `json:"stock_code"`
	Description string          `json:"description"`
	Quantity    int64           `json:"quantity"`
	UnitPrice   transform.Money `json:"unit_price"`
	Amount      transform.Money `json:"amount"`
}

// Key names the invoice among those of all partners.
func (i Invoice) Key() string { return i.Partner + "/" + i.Number }

func newInvoice(o Order) Invoice {
	inv := Invoice{
		Partner: o.Partner, Number: o.Invoice, Kind: "invoice", Date: o.Date().Format(time.DateOnly),
		Customer: o.Buyer, Country: o.Country(), Amount: o.Amount,
	}
	if o.Cancelled() {
		inv.Kind = "credit note"
	}
	for _, l := range o.Lines {
		inv.Items = append(inv.Items, Item{
			StockCode: l.StockCode, Description: l.Description,
			Quantity: l.Quantity, UnitPrice: l.UnitPrice, Amount: l.Amount,
		})
	}

	return inv
}

// The names under which the store remembers the invoices that are written.
const (
	invoicesFlow = "invoices"
	writtenStage = "written"
)

// writeInvoices is the flow behind the queue. The queue hands an invoice out again until
// it is settled, and may hold it twice, where an intake was killed between the queue and
// its own note of it. The Once stage lets each pass once.
func writeInvoices(
	queue connector.Source[Invoice], store connector.Store, file connector.Sink[Invoice], logger *zap.Logger,
) *flow.Pipeline {
	return flow.New(invoicesFlow,
		flow.From(queue).As("queue").
			Once(store, Invoice.Key, 0).As(writtenStage).
			Batch(ordersPerBatch, wait).To(file).As("ndjson"),
	).With(flow.Config{Logger: logger})
}

// noteWritten closes the one gap that Once leaves: killed between the file and the store,
// the run before wrote invoices that the store does not know of. So the file is asked.
// This flow has the names of the real one, so it confirms the very keys of its Once.
func noteWritten(ctx context.Context, path string, store connector.Store) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for invoices: %w", err)
	}
	rows, err := fileconn.NDJSONRows[Invoice](fileconn.SourceConfig{Paths: []string{path}}, transform.NDJSONConfig{})
	if err != nil {
		return err
	}
	// A line without its end was torn by the crash; the sink will cut it off.
	whole := func(r transform.Row[Invoice]) bool {
		return r.Err == nil && r.Byte+int64(len(r.Raw)) < info.Size()
	}
	written := flow.New(invoicesFlow,
		flow.From(rows).
			Filter(whole).
			Map(flow.Pure(func(r transform.Row[Invoice]) Invoice { return r.Value })).
			Once(store, Invoice.Key, 0).As(writtenStage).
			ForEach(func(context.Context, Invoice) error { return nil }))

	return written.Run(ctx)
}
