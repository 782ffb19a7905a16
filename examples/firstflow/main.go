// Command firstflow is the smallest flow: orders from a CSV file become receipts.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

type order struct {
	ID    string          `csv:"id"`
	Total transform.Money `csv:"total"`
	Paid  bool            `csv:"paid"`
}

func receipts(orders connector.Source[order], show func(context.Context, string) error) *flow.Pipeline {
	return flow.New("receipts", flow.From(orders).
		Filter(func(o order) bool { return o.Paid }).
		Map(flow.Pure(func(o order) string { return "Order " + o.ID + ": " + o.Total.String() + " received, thank you." })).
		ForEach(show))
}

func main() { // go run ./firstflow firstflow/orders.csv
	orders, err := fileconn.CSV[order](fileconn.SourceConfig{Paths: os.Args[1:]}, transform.CSVConfig{})
	if err != nil {
		log.Fatal(err)
	}
	p := receipts(orders, func(_ context.Context, text string) error { _, err := fmt.Println(text); return err })
	if err := p.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Ledger())
}
