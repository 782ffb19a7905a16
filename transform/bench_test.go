package transform_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/millrace-go/millrace/transform"
)

type order struct {
	Invoice  string          `csv:"InvoiceNo"`
	Stock    string          `csv:"StockCode"`
	Text     string          `csv:"Description"`
	Quantity int             `csv:"Quantity"`
	Date     time.Time       `csv:"InvoiceDate" layout:"2/1/2006 15:04|2/1/2006"`
	Price    transform.Money `csv:"UnitPrice"`
	Customer string          `csv:"CustomerID"`
	Country  string          `csv:"Country"`
}

type floatOrder struct {
	Invoice  string    `csv:"InvoiceNo"`
	Stock    string    `csv:"StockCode"`
	Text     string    `csv:"Description"`
	Quantity int       `csv:"Quantity"`
	Date     time.Time `csv:"InvoiceDate" layout:"2/1/2006 15:04"`
	Price    float64   `csv:"UnitPrice"`
	Customer string    `csv:"CustomerID"`
	Country  string    `csv:"Country"`
}

func generated(rows int) []byte {
	var text bytes.Buffer
	text.WriteString("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n")
	for i := range rows {
		description := "WHITE HANGING HEART T-LIGHT HOLDER"
		if i%20 == 0 {
			description = `"AIRLINE LOUNGE,METAL SIGN"`
		}
		fmt.Fprintf(&text, "%d,85123A,%s,%d,1/12/2010 08:26,%d.%02d,17850,United Kingdom\n",
			536365+i, description, 1+i%12, 1+i%20, i%100)
	}

	return text.Bytes()
}

// Both benchmarks decode the same rows into the same struct.
func BenchmarkCSV(b *testing.B) {
	const rows = 10_000
	text := generated(rows)
	b.Run("transform", func(b *testing.B) { benchmarkCSV(b, text, decodeTransform) })
	b.Run("encoding-csv", func(b *testing.B) { benchmarkCSV(b, text, decodeByHand) })
}

func benchmarkCSV(b *testing.B, text []byte, decode func(io.Reader) (int, error)) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	total := 0
	for b.Loop() {
		n, err := decode(bytes.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		total += n
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "rows/s")
}

func decodeTransform(text io.Reader) (int, error) {
	format, err := transform.NewCSV[floatOrder](transform.CSVConfig{})
	if err != nil {
		return 0, err
	}
	reader := format.NewReader(text)
	for n := 0; ; n++ {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if row.Err != nil {
			return n, row.Err
		}
	}
}

func decodeByHand(text io.Reader) (int, error) {
	reader := csv.NewReader(text)
	reader.ReuseRecord = true
	if _, err := reader.Read(); err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if _, err := byHand(record); err != nil {
			return n, err
		}
	}
}

func byHand(record []string) (o floatOrder, err error) {
	o = floatOrder{Invoice: record[0], Stock: record[1], Text: record[2], Customer: record[6], Country: record[7]}
	if o.Quantity, err = strconv.Atoi(record[3]); err != nil {
		return o, err
	}
	if o.Date, err = time.Parse("2/1/2006 15:04", record[4]); err != nil {
		return o, err
	}
	o.Price, err = strconv.ParseFloat(record[5], 64)

	return o, err
}
