package postgresconn_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/postgresconn"
)

const addressVariable = "MILLRACE_TEST_POSTGRES"

func address() string {
	if given := os.Getenv(addressVariable); given != "" {
		return given
	}

	return "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"
}

// open connects to the server. Where there is none, the test is skipped, or fails with
// MILLRACE_TEST_SERVICES=required.
func open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	place := address()
	if os.Getenv(addressVariable) != "" {
		place = "the address in " + addressVariable // which may hold a password
	}
	pool := openAt(t, address())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		if os.Getenv("MILLRACE_TEST_SERVICES") == "required" {
			t.Fatalf("no PostgreSQL at %s: %v", place, err)
		}
		t.Skipf("no PostgreSQL at %s (set %s to the address of one): %v", place, addressVariable, err)
	}

	return pool
}

func openAt(t testing.TB, address string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)

	return pool
}

// create makes a table with the given columns and returns its name.
func create(t testing.TB, pool *pgxpool.Pool, columns string) string {
	t.Helper()
	name := "millrace_" + strings.ToLower(rand.Text())
	execute(t, pool, "CREATE TABLE "+name+" ("+columns+")")
	t.Cleanup(func() {
		if _, err := pool.Exec(context.Background(), "DROP TABLE IF EXISTS "+name+" CASCADE"); err != nil {
			t.Errorf("drop: %v", err)
		}
	})

	return name
}

func execute(t testing.TB, pool *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(context.Background(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// one is the only value of a query.
func one[T any](t testing.TB, pool *pgxpool.Pool, query string, args ...any) T {
	t.Helper()
	var value T
	if err := pool.QueryRow(context.Background(), query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}

	return value
}

func newCopy[T any](t testing.TB, config postgresconn.CopyConfig) *postgresconn.Copy[T] {
	t.Helper()
	sink, err := postgresconn.NewCopy[T](config)
	if err != nil {
		t.Fatal(err)
	}

	return sink
}

func messages[T any](values ...T) []connector.Message[T] {
	list := make([]connector.Message[T], len(values))
	for i, v := range values {
		list[i] = connector.NewMessage(v, connector.Fields{
			Position: connector.Position{Partition: "m", Offset: int64(i) + 1},
		})
	}

	return list
}
