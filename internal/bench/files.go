package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

const (
	fileRows  = 1_000_000
	tableRows = 100_000
	// fileBatch is how many records the flow writes at a time, each time with an fsync.
	fileBatch = 4096
	// tableBatch is how many rows one transaction has, on both sides.
	tableBatch = 1000
)

func files() family {
	ours := contestant{"millrace", toNDJSON}
	byHand := contestant{"by hand", toNDJSONByHand}
	table := contestant{"millrace", toTable}
	tableByHand := contestant{"by hand", toTableByHand}

	return family{
		name: "files", title: "From CSV to NDJSON and to SQLite",
		intro: "Order lines of eight columns: texts, numbers and a time. By hand: encoding/csv with ReuseRecord, strconv, " +
			"encoding/json/v2 or a prepared insert. Both sides leave a complete file, synced and renamed, or a committed table; " +
			"the flow syncs after each batch, because it acknowledges then, and the program by hand once at its end.",
		rows: []row{
			{
				name: "CSV to NDJSON, 1,000,000 rows", unit: "row", ours: ours, baseline: byHand, fixed: fileRows,
				floors: []floor{atMostTimes(1.25, ours.name, byHand.name)},
			},
			{
				name: "CSV to SQLite", note: "100,000 rows, in transactions of 1,000.", unit: "row", ours: table, baseline: tableByHand,
				fixed: tableRows, floors: []floor{ofTheRate(0.9, table.name, tableByHand.name)},
			},
		},
	}
}

func toNDJSON(d *desk, n int) (job, error) {
	path, dir, err := salesFile(d, n)
	if err != nil {
		return nil, err
	}
	source, err := fileconn.CSV[sale](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
	if err != nil {
		return nil, err
	}
	to := filepath.Join(dir, "sales.ndjson")
	sink, err := fileconn.NewNDJSONSink[sale](fileconn.SinkConfig{Path: to}, transform.NDJSONConfig{})
	if err != nil {
		return nil, err
	}
	p := flow.New("ndjson", flow.From(source).Batch(fileBatch, 0).To(sink)).With(flow.Config{MaxInFlight: 4 * fileBatch})

	d.count = func() (int, error) { return lines(to) }

	return func() (int, error) { return 0, errors.Join(p.Run(context.Background()), sink.Close()) }, nil
}

func toNDJSONByHand(d *desk, n int) (job, error) {
	path, dir, err := salesFile(d, n)
	to := filepath.Join(dir, "sales.ndjson")
	d.count = func() (int, error) { return lines(to) }

	return func() (int, error) { return 0, convert(path, to) }, err
}

// convert is the program by hand.
func convert(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.Create(to + ".tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err == nil {
			err = os.Rename(to+".tmp", to)
		}
	}()
	w := bufio.NewWriterSize(out, 64<<10)
	encoder := jsontext.NewEncoder(w)
	if err := eachSale(in, func(s sale) error { return json.MarshalEncode(encoder, &s) }); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}

	return out.Sync()
}

// eachSale reads CSV as one would by hand.
func eachSale(in io.Reader, do func(sale) error) error {
	reader := csv.NewReader(bufio.NewReaderSize(in, 64<<10))
	reader.ReuseRecord = true
	if _, err := reader.Read(); err != nil {
		return err
	}
	for {
		record, err := reader.Read()
		if err != nil {
			return ended(err)
		}
		s, err := parseSale(record)
		if err != nil {
			return err
		}
		if err := do(s); err != nil {
			return err
		}
	}
}

const (
	salesTable = `CREATE TABLE sales (number TEXT NOT NULL, line INTEGER NOT NULL, sku TEXT NOT NULL, title TEXT NOT NULL,
	quantity INTEGER NOT NULL, price REAL NOT NULL, at TIMESTAMP NOT NULL, country TEXT NOT NULL)`
	salesInsert = `INSERT INTO sales (number, line, sku, title, quantity, price, at, country) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
)

func toTable(d *desk, n int) (job, error) {
	path, _, err := salesFile(d, n)
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(d, salesTable)
	if err != nil {
		return nil, err
	}
	source, err := fileconn.CSV[sale](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
	if err != nil {
		return nil, err
	}
	sink, err := sqlconn.NewTable[sale](sqlconn.TableConfig{DB: db, Table: "sales", Dialect: sqlconn.SQLite})
	if err != nil {
		return nil, err
	}
	d.after(sink.Close)
	p := flow.New("table", flow.From(source).Batch(tableBatch, 0).To(sink)).With(flow.Config{MaxInFlight: 4 * tableBatch})
	d.count = func() (int, error) { return inTable(db, "sales") }

	return func() (int, error) { return 0, p.Run(context.Background()) }, nil
}

func toTableByHand(d *desk, n int) (job, error) {
	path, _, err := salesFile(d, n)
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(d, salesTable)
	d.count = func() (int, error) { return inTable(db, "sales") }

	return func() (int, error) { return 0, insertSales(db, path) }, err
}

func insertSales(db *sql.DB, path string) (err error) {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	ctx := context.Background()
	insert, err := db.PrepareContext(ctx, salesInsert)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	rows := make([]sale, 0, tableBatch)
	commit := func() error {
		defer func() { rows = rows[:0] }()

		return inTransaction(ctx, db, func(tx *sql.Tx) error {
			bound := tx.StmtContext(ctx, insert) //nolint:sqlclosecheck // the end of the transaction closes it
			for i := range rows {
				s := &rows[i]
				if _, err := bound.ExecContext(ctx, s.Number, s.Line, s.SKU, s.Title, s.Quantity, s.Price, s.At, s.Country); err != nil {
					return err
				}
			}

			return nil
		})
	}
	if err := eachSale(in, func(s sale) error {
		if rows = append(rows, s); len(rows) < tableBatch {
			return nil
		}

		return commit()
	}); err != nil || len(rows) == 0 {
		return err
	}

	return commit()
}
