package sqlitetest_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
	_ "modernc.org/sqlite"
)

type invoice struct {
	ID       int64
	Customer string
	Amount   *float64
}

const schema = `CREATE TABLE invoices (
	id       INTEGER PRIMARY KEY,
	customer TEXT NOT NULL CHECK (customer <> ''),
	amount   REAL
)`

// openMemory opens a database that lives in its one connection.
func openMemory(t testing.TB, statements ...string) *sql.DB {
	t.Helper()
	db := open(t, ":memory:", statements...)
	db.SetMaxOpenConns(1)

	return db
}

func openFile(t testing.TB, statements ...string) (*sql.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")

	return open(t, path, statements...), path
}

func open(t testing.TB, dsn string, statements ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, statement := range statements {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}

	return db
}

func newTable(t testing.TB, db *sql.DB, onConflict sqlconn.OnConflict, key ...string) *sqlconn.Table[invoice] {
	t.Helper()
	table, err := sqlconn.NewTable[invoice](sqlconn.TableConfig{
		DB: db, Table: "invoices", Dialect: sqlconn.SQLite, OnConflict: onConflict, Key: key,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Errorf("close table: %v", err)
		}
	})

	return table
}

func messages(from, to int64) []connector.Message[invoice] {
	var list []connector.Message[invoice]
	for id := from; id < to; id++ {
		list = append(list, connector.NewMessage(
			invoice{ID: id, Customer: fmt.Sprint("c", id), Amount: new(float64(id) / 2)}, connector.Fields{}))
	}

	return list
}

func count(t testing.TB, db *sql.DB, where string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM invoices WHERE "+where).Scan(&n); err != nil {
		t.Fatal(err)
	}

	return n
}
