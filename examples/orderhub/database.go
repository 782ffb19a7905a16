package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver "sqlite", without cgo

	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
)

const schema = `
CREATE TABLE IF NOT EXISTS inputs (
	partner TEXT PRIMARY KEY, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lines (
	partner TEXT NOT NULL, line INTEGER NOT NULL,
	invoice TEXT NOT NULL, stock_code TEXT NOT NULL, description TEXT NOT NULL, quantity INTEGER NOT NULL,
	day TEXT NOT NULL, unit_price INTEGER NOT NULL, amount INTEGER NOT NULL,
	customer TEXT NOT NULL, country TEXT NOT NULL,
	cancelled INTEGER NOT NULL, without_customer INTEGER NOT NULL,
	nonpositive_price INTEGER NOT NULL, nonpositive_quantity INTEGER NOT NULL, is_repeat INTEGER NOT NULL,
	PRIMARY KEY (partner, line)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
	partner TEXT NOT NULL, invoice TEXT NOT NULL, day TEXT NOT NULL,
	customer TEXT NOT NULL, buyer TEXT NOT NULL, segment TEXT NOT NULL, country TEXT NOT NULL,
	lines INTEGER NOT NULL, amount INTEGER NOT NULL, cancelled INTEGER NOT NULL,
	PRIMARY KEY (partner, invoice)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer);
CREATE TABLE IF NOT EXISTS totals (
	partner TEXT NOT NULL, country TEXT NOT NULL, orders INTEGER NOT NULL, amount INTEGER NOT NULL,
	PRIMARY KEY (partner, country)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejections (
	partner TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
	stage TEXT NOT NULL, cause TEXT NOT NULL, value TEXT NOT NULL,
	PRIMARY KEY (partner, kind, id)
) WITHOUT ROWID;`

// database is one SQLite file. It has one writer, so that writers wait for each other
// here and not for a lock of the file, and readers beside it.
type database struct {
	writer, reader *sql.DB
}

func openDatabase(ctx context.Context, path string) (*database, error) {
	d := &database{}
	var err error
	if d.writer, err = sql.Open("sqlite", dsn(path, "rwc")); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	d.writer.SetMaxOpenConns(1)
	if _, err = d.writer.ExecContext(ctx, schema); err == nil {
		d.reader, err = sql.Open("sqlite", dsn(path, "ro"))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), d.writer.Close())
	}

	return d, nil
}

// dsn turns on the log that lets readers and the writer work at the same time. A commit
// is on disk before it is reported.
func dsn(path, mode string) string {
	options := url.Values{
		"mode": {mode}, "_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"},
	}

	return (&url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}).String()
}

func (d *database) Close() error { return errors.Join(d.reader.Close(), d.writer.Close()) }

// table returns the sink for a table, which writes rows with a known key in place.
func table[T any](d *database, name string, key ...string) (*sqlconn.Table[T], error) {
	return sqlconn.NewTable[T](sqlconn.TableConfig{
		DB: d.writer, Table: name, Dialect: sqlconn.SQLite, OnConflict: sqlconn.Update, Key: key,
	})
}

// query returns the rows of a query: a flow whose values are taken by a loop.
func query[T any](ctx context.Context, d *database, name, text string, args ...any) ([]T, error) {
	source, err := sqlconn.NewQuery[T](sqlconn.QueryConfig{DB: d.reader, Name: name, SQL: text, Args: args})
	if err != nil {
		return nil, err
	}
	rows := []T{}
	for row, err := range flow.From(source).All(ctx) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}

	return rows, nil
}
