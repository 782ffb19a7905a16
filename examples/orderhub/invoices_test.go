package main

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// What a crash can leave between the file, the store and the queue is put right: an
// invoice that only the file knows, one that was torn, one that the queue holds twice.
func TestInvoicesAfterCrash(t *testing.T) {
	for name, torn := range map[string]int{"in the middle": 20, "before the line end": 0} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "invoices.ndjson")
			first, second := encode(t, "1"), encode(t, "2")
			if err := os.WriteFile(path, []byte(first+"\n"+second[:len(second)-torn]), 0o600); err != nil {
				t.Fatal(err)
			}
			store := memory.NewStore()
			if err := noteWritten(t.Context(), path, store); err != nil {
				t.Fatal(err)
			}
			file, err := fileconn.NewNDJSONSink[Invoice](
				fileconn.SinkConfig{Path: path, Mode: fileconn.Append}, transform.NDJSONConfig{})
			if err != nil {
				t.Fatal(err)
			}
			queue := memory.NewSource(invoice("1"), invoice("2"), invoice("3"), invoice("3"))
			p := writeInvoices(queue, store, file, zap.NewNop())
			if err := errors.Join(p.Run(t.Context()), file.Close()); err != nil {
				t.Fatal(err)
			}
			checkOnce(t, writtenInvoices(t, dir), 3)
			if got, want := p.Ledger().Source, (flow.Line{In: 4, Delivered: 2, Duplicate: 2}); got != want {
				t.Errorf("ledger %v, want %v", got, want)
			}
		})
	}
}

func TestNoInvoicesYet(t *testing.T) {
	if err := noteWritten(t.Context(), filepath.Join(t.TempDir(), "none"), memory.NewStore()); err != nil {
		t.Error(err)
	}
}

func encode(t *testing.T, number string) string {
	t.Helper()
	text, err := json.Marshal(invoice(number))
	if err != nil {
		t.Fatal(err)
	}

	return string(text)
}

func TestGrouped(t *testing.T) {
	for number, want := range map[string]string{
		"0": "0", "999": "999", "1000": "1,000", "-1234567.89": "-1,234,567.89", "-100": "-100", "180659.25": "180,659.25",
	} {
		if got := grouped(number); got != want {
			t.Errorf("%s: %s, want %s", number, got, want)
		}
	}
}

// The same shape, name for name and in this order, is what other programs rely on.
func TestReportShape(t *testing.T) {
	r := Report{
		Partners:    map[string]Figures{"b": {}, "a": {Lines: 1}},
		Differences: []Difference{{Invoice: "1", StockCode: "2", Quantity: 3, OnlyIn: "b"}},
		Ledger:      map[string]LedgerLine{"x": {In: 1}},
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := r.save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var compact string
	for _, c := range string(text) {
		if c != ' ' && c != '\n' {
			compact += string(c)
		}
	}
	figures := `"invoices":0,"customers":0,"cancelled_lines":0,"without_customer":0,"nonpositive_price":0,"nonpositive_quantity":0,"repeats":0,"amount":"0.00"}`
	want := fmt.Sprintf(`{"partners":{"a":{"lines":1,%s,"b":{"lines":0,%s},`+
		`"differences":[{"invoice":"1","stock_code":"2","quantity":3,"unit_price":"0.00","only_in":"b"}],`+
		`"ledger":{"x":{"in":1,"delivered":0,"filtered":0,"duplicate":0,"dropped":0,"dead_lettered":0,"returned":0,"in_flight":0}},`+
		`"balanced":false}`, figures, figures)
	if compact != want {
		t.Errorf("got  %s\nwant %s", compact, want)
	}
	if err := (Report{Differences: []Difference{}}).save(t.TempDir()); err == nil {
		t.Error("a directory was overwritten")
	}
}
