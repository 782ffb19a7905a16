// Package sqlcases holds the tests of the sources and sinks of sqlconn that are the same on
// every database. The modules that have the drivers run them.
package sqlcases

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

// Harness is a database.
type Harness struct {
	Dialect sqlconn.Dialect
	// Open gives a database that is closed when the test ends. Two of one test are the same
	// database.
	Open func(t testing.TB) *sql.DB
}

// Test runs every case.
func Test(t *testing.T, h Harness) {
	t.Helper()
	t.Run("checkpoint", h.checkpoint)
	t.Run("inbox", h.inbox)
	t.Run("pages", h.pages)
	t.Run("claims", func(t *testing.T) {
		t.Parallel()
		h.claims(t)
	})
	t.Run("outbox", func(t *testing.T) {
		t.Parallel()
		h.outbox(t)
	})
}

// Row is what the cases read and write.
type Row struct {
	ID       int64
	Customer string
}

func value(i int) Row { return Row{ID: int64(i + 1), Customer: fmt.Sprint("c", i)} }

func rows(n int) []Row {
	list := make([]Row, n)
	for i := range list {
		list[i] = value(i)
	}

	return list
}

// numbers is a source of n rows, always the same, that takes nothing back.
func numbers(n int) *memory.Source[Row] {
	source := memory.NewSource[Row]()
	source.Declare(connector.Capabilities{Name: "numbers"})
	source.Send(rows(n)...)

	return source
}

func messages(values ...Row) []connector.Message[Row] {
	list := make([]connector.Message[Row], len(values))
	for i, v := range values {
		list[i] = connector.NewMessage(v, connector.Fields{Position: connector.Position{Partition: "m", Offset: int64(i) + 1}})
	}

	return list
}

// unique is a name that no other test has.
func unique(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// create makes a table of Row, with further columns, and returns its name. Rows may repeat.
func create(t testing.TB, db *sql.DB, columns string) string {
	t.Helper()
	name := unique("millrace_")
	execute(t, db, "CREATE TABLE "+name+" (id BIGINT NOT NULL, customer VARCHAR(20) NOT NULL CHECK (customer <> '')"+columns+")")
	t.Cleanup(func() { execute(t, db, "DROP TABLE "+name) })

	return name
}

func execute(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t testing.TB, db *sql.DB, what, from string) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(context.Background(), "SELECT count("+what+") FROM "+from).Scan(&n); err != nil {
		t.Fatal(err)
	}

	return n
}

func table(t testing.TB, config sqlconn.TableConfig) *sqlconn.Table[Row] {
	t.Helper()
	sink, err := sqlconn.NewTable[Row](config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Errorf("close table: %v", err)
		}
	})

	return sink
}

// fill writes the first n rows.
func (h Harness) fill(t testing.TB, db *sql.DB, name string, values ...Row) {
	t.Helper()
	if len(values) == 0 {
		return
	}
	sink := table(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: h.Dialect})
	if err := sink.Write(t.Context(), messages(values...)); err != nil {
		t.Fatal(err)
	}
}
