package servicestest_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

// service is a database server, and what differs between them in these tests.
type service struct {
	name    string
	driver  string
	env     string // holds the address
	address string // where env is empty
	dialect sqlconn.Dialect
	// columns are those of the row type.
	columns string
	// kill ends the session with the number that id returns.
	id, kill string
}

var services = []service{
	{
		name: "PostgreSQL", driver: "pgx", dialect: sqlconn.PostgreSQL,
		env: "MILLRACE_TEST_POSTGRES", address: "postgres://postgres@127.0.0.1:5432/test?sslmode=disable",
		columns: "id BIGINT PRIMARY KEY, customer VARCHAR(20) NOT NULL CHECK (customer <> ''), amount NUMERIC(12, 2), " +
			"at TIMESTAMPTZ, data BYTEA",
		id: "SELECT pg_backend_pid()", kill: "SELECT pg_terminate_backend(%d)",
	},
	{
		name: "MySQL", driver: "mysql", dialect: sqlconn.MySQL,
		env: "MILLRACE_TEST_MYSQL", address: "root@tcp(127.0.0.1:3306)/test?parseTime=true",
		columns: "id BIGINT PRIMARY KEY, customer VARCHAR(20) NOT NULL CHECK (customer <> ''), amount DECIMAL(12, 2), " +
			"at DATETIME(6), data BLOB",
		id: "SELECT connection_id()", kill: "KILL %d",
	},
}

// each runs the test on every service.
func each(t *testing.T, test func(t *testing.T, s service)) {
	t.Helper()
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// open connects to the service. Where there is none, the test is skipped, or fails with
// MILLRACE_TEST_SERVICES=required.
func (s service) open(t testing.TB) *sql.DB {
	t.Helper()
	address, place := os.Getenv(s.env), "the address in "+s.env // which may hold a password
	if address == "" {
		address, place = s.address, s.address
	}
	db, err := sql.Open(s.driver, address)
	if err != nil {
		t.Fatalf("%s: %v", s.env, err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		if os.Getenv("MILLRACE_TEST_SERVICES") == "required" {
			t.Fatalf("no %s at %s: %v", s.name, place, err)
		}
		t.Skipf("no %s at %s (set %s to the address of one): %v", s.name, place, s.env, err)
	}

	return db
}

// create makes an empty table of row, with further constraints, and returns its name.
func (s service) create(t testing.TB, db *sql.DB, constraints ...string) string {
	t.Helper()
	name := "millrace_" + strings.ToLower(rand.Text())
	columns := strings.Join(append([]string{s.columns}, constraints...), ", ")
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE "+name+" ("+columns+")"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.Background(), "DROP TABLE "+name); err != nil {
			t.Errorf("drop: %v", err)
		}
	})

	return name
}

// row has a field of each kind that databases differ in.
type row struct {
	ID       int64
	Customer string
	Amount   *string
	At       *time.Time
	Data     []byte
}

func newTable(t testing.TB, config sqlconn.TableConfig) *sqlconn.Table[row] {
	t.Helper()
	table, err := sqlconn.NewTable[row](config)
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

func newQuery(t testing.TB, db *sql.DB, table, key string) *sqlconn.Query[row] {
	t.Helper()
	query, err := sqlconn.NewQuery[row](sqlconn.QueryConfig{
		DB: db, Name: "rows", SQL: "SELECT id, customer, amount, at, data FROM " + table + " ORDER BY id", Key: key,
	})
	if err != nil {
		t.Fatal(err)
	}

	return query
}
