package fileconn_test

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

type measured struct {
	Name    string  `csv:"name"`
	Count   int     `csv:"count"`
	Ratio   float64 `csv:"ratio"`
	Comment string  `csv:"comment"`
}

// BenchmarkCSV reads a file of 50,000 rows: the source in chunks, encoding/csv with a
// mapping written by hand.
func BenchmarkCSV(b *testing.B) {
	const rows = 50_000
	path := put(b, "bench.csv", "name,count,ratio,comment\n"+strings.Repeat("widget,42,0.25,a comment of common length\n", rows))
	read := map[string]func(testing.TB, string) int{"source": readSource, "encoding-csv": readByHand}
	for _, name := range []string{"source", "encoding-csv"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			total := 0
			for b.Loop() {
				total += read[name](b, path)
			}
			if total != b.N*rows {
				b.Fatalf("%d rows", total)
			}
			b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func readSource(t testing.TB, path string) int {
	source, err := fileconn.CSV[measured](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for {
		messages, err := reader.Read(t.Context(), 128)
		rows += len(messages)
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readByHand(t testing.TB, path string) int {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(bufio.NewReader(file))
	reader.ReuseRecord = true
	for rows := -1; ; rows++ {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		if rows < 0 {
			continue
		}
		row := measured{Name: record[0], Comment: record[3]}
		if row.Count, err = strconv.Atoi(record[1]); err != nil {
			t.Fatal(err)
		}
		if row.Ratio, err = strconv.ParseFloat(record[2], 64); err != nil {
			t.Fatal(err)
		}
	}
}
