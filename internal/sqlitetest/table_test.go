package sqlitetest_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

func TestInsert(t *testing.T) {
	t.Parallel()
	db := openMemory(t, schema)
	table := newTable(t, db, sqlconn.Refuse)
	if err := table.Write(t.Context(), messages(0, 1000)); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db, "amount = id / 2.0 AND customer = 'c' || id"); got != 1000 {
		t.Errorf("%d rows, want 1000", got)
	}
	nothing := []connector.Message[invoice]{{Value: invoice{ID: 5000, Customer: "x"}}}
	if err := table.Write(t.Context(), nothing); err != nil || count(t, db, "amount IS NULL") != 1 {
		t.Errorf("a nil pointer is NULL: %v", err)
	}
}

func TestBadRows(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*invoice){
		"not null or check": func(i *invoice) { i.Customer = "" },
		"primary key":       func(i *invoice) { i.ID = 1 },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openMemory(t, schema)
			batch := messages(0, 500)
			for _, bad := range []int{100, 101, 499} {
				spoil(&batch[bad].Value)
			}
			err := newTable(t, db, sqlconn.Refuse).Write(t.Context(), batch)
			partial, ok := errors.AsType[*connector.PartialError](err)
			if !ok {
				t.Fatalf("error %v, want a partial one", err)
			}
			for i, member := range partial.Members {
				bad := i == 100 || i == 101 || i == 499
				if failed := member.Fate == connector.Failed; failed != bad {
					t.Errorf("row %d is %s: %v", i, member.Fate, member.Err)
				}
				if bad && connector.ClassOf(member.Err) != connector.ClassPermanent {
					t.Errorf("row %d: class %s", i, connector.ClassOf(member.Err))
				}
			}
			if got := count(t, db, "true"); got != 497 {
				t.Errorf("%d rows stored, want 497", got)
			}
		})
	}
}

// A conflict clause of the table itself that drops the whole transaction does not take
// the good rows with it.
func TestBadRowDropsTransaction(t *testing.T) {
	t.Parallel()
	db := openMemory(t, strings.Replace(schema, "PRIMARY KEY", "PRIMARY KEY ON CONFLICT ROLLBACK", 1))
	batch := messages(0, 20)
	batch[7].Value.ID = 3
	err := newTable(t, db, sqlconn.Refuse).Write(t.Context(), batch)
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok || partial.Members[7].Fate != connector.Failed {
		t.Fatalf("error %v, want row 7 failed", err)
	}
	if got := count(t, db, "true"); got != 19 {
		t.Errorf("%d rows stored, want 19", got)
	}
}

func TestDeferredConstraint(t *testing.T) {
	t.Parallel()
	db := openMemory(t, "PRAGMA foreign_keys = ON", "CREATE TABLE customers (name TEXT PRIMARY KEY)",
		"INSERT INTO customers VALUES ('known')",
		`CREATE TABLE invoices (id INTEGER PRIMARY KEY, amount REAL,
			customer TEXT REFERENCES customers (name) DEFERRABLE INITIALLY DEFERRED)`)
	batch := messages(0, 20)
	for i := range batch {
		batch[i].Value.Customer = "known"
	}
	batch[13].Value.Customer = "unknown"
	err := newTable(t, db, sqlconn.Refuse).Write(t.Context(), batch)
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok || partial.Members[13].Fate != connector.Failed {
		t.Fatalf("error %v, want row 13 failed", err)
	}
	if got := count(t, db, "customer = 'known'"); got != 19 {
		t.Errorf("%d rows stored, want 19", got)
	}
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		onConflict sqlconn.OnConflict
		want       string
	}{
		"update": {sqlconn.Update, "new"},
		"keep":   {sqlconn.Keep, "c3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openMemory(t, schema)
			table := newTable(t, db, c.onConflict, "id")
			batch := messages(0, 10)
			for range 2 { // writing again changes nothing
				if err := table.Write(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
			}
			again := []connector.Message[invoice]{{Value: invoice{ID: 3, Customer: "new"}}}
			if err := table.Write(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			if count(t, db, "true") != 10 || count(t, db, "id = 3 AND customer = '"+c.want+"'") != 1 {
				t.Errorf("row 3 does not belong to %s", c.want)
			}
		})
	}
}

// Two messages with one key in one Write: the later one updates, the first one is kept.
func TestUpsertTwiceInOneBatch(t *testing.T) {
	t.Parallel()
	for onConflict, want := range map[sqlconn.OnConflict]string{sqlconn.Update: "c2", sqlconn.Keep: "c1"} {
		db := openMemory(t, schema)
		batch := messages(1, 3)
		batch[1].Value.ID = 1
		if err := newTable(t, db, onConflict, "id").Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if count(t, db, "customer = '"+want+"'") != 1 || count(t, db, "true") != 1 {
			t.Errorf("the row is not that of %s", want)
		}
	}
}

func TestMissingTableAndColumn(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"table": "CREATE TABLE other (id)", "column": "CREATE TABLE invoices (id, customer)",
	} {
		err := newTable(t, openMemory(t, statement), sqlconn.Refuse).Write(t.Context(), messages(0, 3))
		if connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "table invoices") {
			t.Errorf("missing %s: class %s: %v", name, connector.ClassOf(err), err)
		}
	}
}

// The names of tables and columns are data, whatever they contain.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	type row struct {
		Odd string `sql:"select from-$ größe"`
	}
	db := openMemory(t, `CREATE TABLE "order by 1-" ("select from-$ größe" TEXT UNIQUE)`)
	table, err := sqlconn.NewTable[row](sqlconn.TableConfig{
		DB: db, Table: "main.order by 1-", Dialect: sqlconn.SQLite,
		OnConflict: sqlconn.Update, Key: []string{"select from-$ größe"},
	})
	if err != nil {
		t.Fatal(err)
	}
	value := `'); DROP TABLE "order by 1-"; --`
	if err := table.Write(t.Context(), []connector.Message[row]{{Value: row{value}}}); err != nil {
		t.Fatal(err)
	}
	var got string
	err = db.QueryRowContext(t.Context(), `SELECT "select from-$ größe" FROM "order by 1-"`).Scan(&got)
	if err != nil || got != value {
		t.Errorf("stored %q, error %v", got, err)
	}
	if err := table.Close(); err != nil {
		t.Error(err)
	}
}

func TestLockedFile(t *testing.T) {
	t.Parallel()
	db, _ := openFile(t, schema)
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	table := newTable(t, db, sqlconn.Refuse)
	err = table.Write(t.Context(), messages(0, 5))
	if connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("class %s, want transient: %v", connector.ClassOf(err), err)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db, "true"); got != 0 {
		t.Errorf("%d rows stored by the Write that failed", got)
	}
	if err := table.Write(t.Context(), messages(0, 5)); err != nil || count(t, db, "true") != 5 {
		t.Errorf("after the lock went: %v", err)
	}
}

// A reader holds its lock until after the commit is tried, so it is the commit that fails.
func TestCommitMeetsReader(t *testing.T) {
	t.Parallel()
	db, _ := openFile(t, schema, "INSERT INTO invoices VALUES (100, 'x', 1)")
	reading, err := db.QueryContext(t.Context(), "SELECT id FROM invoices UNION ALL SELECT id FROM invoices")
	if err != nil || !reading.Next() {
		t.Fatal("no reader", err)
	}
	err = newTable(t, db, sqlconn.Refuse).Write(t.Context(), messages(0, 5))
	if connector.ClassOf(err) != connector.ClassTransient || !strings.Contains(err.Error(), "commit") {
		t.Errorf("class %s, want a transient error of the commit: %v", connector.ClassOf(err), err)
	}
	if err := errors.Join(reading.Close(), reading.Err()); err != nil { //nolint:sqlclosecheck // the lock has to go here
		t.Fatal(err)
	}
	if got := count(t, db, "id < 100"); got != 0 {
		t.Errorf("%d rows stored by the Write that failed", got)
	}
}

func TestRemovedFile(t *testing.T) {
	t.Parallel()
	db, path := openFile(t, schema)
	db.SetMaxOpenConns(1)
	table := newTable(t, db, sqlconn.Refuse)
	if err := table.Write(t.Context(), messages(0, 5)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	err := table.Write(t.Context(), messages(5, 10))
	if class := connector.ClassOf(err); err == nil || class == connector.ClassPermanent {
		t.Errorf("class %s: %v", class, err)
	}
}

func TestClosedDatabase(t *testing.T) {
	t.Parallel()
	db := openMemory(t, schema)
	table := newTable(t, db, sqlconn.Refuse)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := table.Write(t.Context(), messages(0, 5)); err == nil {
		t.Error("a closed database accepted rows")
	}
	if err := table.CheckHealth(t.Context()); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("health: %v", err)
	}
}

func TestCancelledWrite(t *testing.T) {
	t.Parallel()
	db, _ := openFile(t, schema)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newTable(t, db, sqlconn.Refuse).Write(ctx, messages(0, 5))
	if !errors.Is(err, context.Canceled) || connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("class %s: %v", connector.ClassOf(err), err)
	}
	if count(t, db, "true") != 0 {
		t.Error("rows stored")
	}
}
