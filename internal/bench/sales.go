package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// sale is a row of the files: about what an order line of a shop has.
type sale struct {
	Number   string    `csv:"number"   json:"number"   sql:"number"`
	Line     int64     `csv:"line"     json:"line"     sql:"line"`
	SKU      string    `csv:"sku"      json:"sku"      sql:"sku"`
	Title    string    `csv:"title"    json:"title"    sql:"title"`
	Quantity int       `csv:"quantity" json:"quantity" sql:"quantity"`
	Price    float64   `csv:"price"    json:"price"    sql:"price"`
	At       time.Time `csv:"at"       json:"at"       sql:"at"`
	Country  string    `csv:"country"  json:"country"  sql:"country"`
}

const salesHeader = "number,line,sku,title,quantity,price,at,country\n"

// appendSale writes the i-th row. Every tenth title has quotes.
func appendSale(dst []byte, i int) []byte {
	dst = fmt.Appendf(dst, "A-%08d,%d,SKU-%05d,", i/4, i%4+1, i%20_000)
	if i%10 == 0 {
		dst = append(dst, `"Lantern, ""large"", green"`...)
	} else {
		dst = append(dst, "White hanging heart t-light holder"...)
	}
	dst = fmt.Appendf(dst, ",%d,%d.%02d,", i%12+1, i%90+1, i%100)
	dst = time.Date(2026, 1, 1, 0, 0, i%31_536_000, 0, time.UTC).AppendFormat(dst, time.RFC3339)

	return append(dst, ",United Kingdom\n"...)
}

// writeSales writes a file of so many rows, or of at least so many bytes where size is
// more than zero, and returns how many rows it has.
func writeSales(path string, rows int, size int64) (n int, err error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriterSize(file, 1<<20)
	written, line := int64(len(salesHeader)), []byte(nil)
	_, _ = w.WriteString(salesHeader) // Flush returns the error
	for n < rows || written < size {
		line = appendSale(line[:0], n%(1<<20))
		written += int64(len(line))
		if _, err := w.Write(line); err != nil {
			return 0, err
		}
		n++
	}

	return n, w.Flush()
}

// salesFile makes a file of n rows for a round.
func salesFile(d *desk, n int) (path, dir string, err error) {
	if dir, err = d.dir(); err != nil {
		return "", "", err
	}
	path = filepath.Join(dir, "sales.csv")
	_, err = writeSales(path, n, 0)

	return path, dir, err
}

// parseSale reads a record of encoding/csv as one would by hand.
func parseSale(record []string) (s sale, err error) {
	s.Number, s.SKU, s.Title, s.Country = record[0], record[2], record[3], record[7]
	if s.Line, err = strconv.ParseInt(record[1], 10, 64); err != nil {
		return s, err
	}
	if s.Quantity, err = strconv.Atoi(record[4]); err != nil {
		return s, err
	}
	if s.Price, err = strconv.ParseFloat(record[5], 64); err != nil {
		return s, err
	}
	s.At, err = time.Parse(time.RFC3339, record[6])

	return s, err
}

// lines counts the lines of a file.
func lines(path string) (n int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffer := make([]byte, 1<<20)
	for {
		some, err := file.Read(buffer)
		for _, c := range buffer[:some] {
			if c == '\n' {
				n++
			}
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
