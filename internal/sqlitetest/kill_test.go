package sqlitetest_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/killtest"
)

var killed = slices.Concat(
	killtest.Sink("sqlconn refuse", killedValue, killedTable(sqlconn.Refuse), killedRows),
	killtest.Sink("sqlconn update", killedValue, killedTable(sqlconn.Update, "id"), killedRows),
	killtest.Sink("sqlconn keep", killedValue, killedTable(sqlconn.Keep, "id"), killedRows),
	[]killtest.Target{{Name: "sqlconn query", Run: runQuery, Check: checkQuery}},
)

func TestMain(m *testing.M) { killtest.Main(m, slices.Concat(killed, killtest.Targets(pairs))...) }

func TestKill(t *testing.T) { killtest.Test(t, killed...) }

func killedValue(i int) invoice { return invoice{ID: int64(i), Customer: "c" + strconv.Itoa(i)} }

// killedDB opens the database in dir, with a table whose rows are unique by id or not.
func killedDB(dir, unique string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "test.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	_, err = db.ExecContext(context.Background(),
		"CREATE TABLE IF NOT EXISTS invoices (id INTEGER NOT NULL "+unique+", customer TEXT NOT NULL, amount REAL)")

	return db, err
}

// table is a sink that closes its database too.
type table struct {
	*sqlconn.Table[invoice]

	db *sql.DB
}

func (t table) Close() error { return errors.Join(t.Table.Close(), t.db.Close()) }

func killedTable(onConflict sqlconn.OnConflict, key ...string) func(dir string) (connector.Sink[invoice], error) {
	return func(dir string) (connector.Sink[invoice], error) {
		unique := ""
		if len(key) > 0 {
			unique = "UNIQUE"
		}
		db, err := killedDB(dir, unique)
		if err != nil {
			return nil, err
		}
		t, err := sqlconn.NewTable[invoice](sqlconn.TableConfig{
			DB: db, Table: "invoices", Dialect: sqlconn.SQLite, OnConflict: onConflict, Key: key,
		})

		return table{t, db}, err
	}
}

// killedRows reads the ids of all rows, and checks their content and the database itself.
func killedRows(t testing.TB, dir string) []int {
	t.Helper()
	db, err := killedDB(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var intact string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&intact); err != nil || intact != "ok" {
		t.Errorf("the database: %s, %v", intact, err)
	}
	rows, err := db.QueryContext(t.Context(), "SELECT id, customer FROM invoices")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []int
	for rows.Next() {
		var got invoice
		if err := rows.Scan(&got.ID, &got.Customer); err != nil {
			t.Fatal(err)
		}
		if got != killedValue(int(got.ID)) {
			t.Errorf("row %+v", got)
		}
		found = append(found, int(got.ID))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}

	return found
}

// runQuery moves the rows of one table to another: what is not there yet is selected.
func runQuery(ctx context.Context, dir string, report *killtest.Report) error {
	sink, err := killedTable(sqlconn.Keep, "id")(dir)
	if err != nil {
		return err
	}
	db := sink.(table).db
	if err := fillOrders(ctx, db); err != nil {
		return err
	}
	query, err := sqlconn.NewQuery[order](sqlconn.QueryConfig{
		DB: db, Name: "orders", Key: "id",
		SQL: "SELECT id FROM orders WHERE id NOT IN (SELECT id FROM invoices) ORDER BY id",
	})
	if err != nil {
		return err
	}
	in := killtest.Tracked(query, report, func(o order) int { return int(o.ID) })
	end := flow.From(in).Map(flow.Pure(func(o order) invoice { return killedValue(int(o.ID)) })).To(sink)

	return errors.Join(killtest.Complete(ctx, "move", end), sink.(table).Close())
}

type order struct{ ID int64 }

// fillOrders makes the work, whole or not at all.
func fillOrders(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)")
	for i := 0; i < killtest.Work && err == nil; i++ {
		_, err = tx.ExecContext(ctx, "INSERT OR IGNORE INTO orders VALUES (?)", i)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}

	return tx.Commit()
}

func checkQuery(t testing.TB, dir string, h killtest.History) {
	t.Helper()
	h.CheckCounts(t, killedRows(t, dir), false)
}
