package sqlitetest_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

const numbers = `WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ?)
	SELECT id, 'a customer with a name of some length' AS customer, NULL AS amount FROM n`

func readAll(t *testing.T, reader connector.Reader[invoice], each func(connector.Message[invoice])) {
	t.Helper()
	for {
		chunk, err := reader.Read(t.Context(), 1000)
		for _, m := range chunk {
			each(m)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

func openQuery(t *testing.T, config sqlconn.QueryConfig) (connector.Reader[invoice], error) {
	t.Helper()
	query, err := sqlconn.NewQuery[invoice](config)
	if err != nil {
		t.Fatal(err)
	}

	return query.Open(t.Context())
}

func TestQueryRoundTrip(t *testing.T) {
	t.Parallel()
	db := openMemory(t, schema)
	if err := newTable(t, db, sqlconn.Refuse).Write(t.Context(), messages(1, 700)); err != nil {
		t.Fatal(err)
	}
	reader, err := openQuery(t, sqlconn.QueryConfig{
		DB: db, Name: "large", SQL: "SELECT * FROM invoices WHERE amount > ? ORDER BY id", Args: []any{100}, Key: "id",
	})
	if err != nil {
		t.Fatal(err)
	}
	next := int64(201)
	readAll(t, reader, func(m connector.Message[invoice]) {
		if m.Value.ID != next || *m.Value.Amount != float64(next)/2 || m.Position().Offset != next {
			t.Errorf("got %+v at %v, want id %d", m.Value, m.Position(), next)
		}
		next++
	})
	if next != 700 {
		t.Errorf("stopped before %d", next)
	}
}

// A hundred thousand rows, some 20 MB of messages, are read in the memory of a chunk.
func TestQueryConstantMemory(t *testing.T) {
	reader, err := openQuery(t, sqlconn.QueryConfig{
		DB: openMemory(t), Name: "n", SQL: numbers, Args: []any{100_000}, Key: "id",
	})
	if err != nil {
		t.Fatal(err)
	}
	const most = 4 << 20
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	start, rows := memory.HeapAlloc, 0
	readAll(t, reader, func(connector.Message[invoice]) {
		rows++
		if rows%25_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&memory)
			if memory.HeapAlloc > start+most {
				t.Errorf("after %d rows the heap grew by %d bytes", rows, memory.HeapAlloc-start)
			}
		}
	})
	if rows != 100_000 {
		t.Errorf("%d rows", rows)
	}
}

func TestQueryColumnsDiffer(t *testing.T) {
	t.Parallel()
	_, err := openQuery(t, sqlconn.QueryConfig{
		DB: openMemory(t, schema), Name: "q", SQL: "SELECT id, customer AS client, amount FROM invoices",
	})
	if connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "client") ||
		!strings.Contains(err.Error(), "field Customer") {
		t.Errorf("class %s: %v", connector.ClassOf(err), err)
	}
}

func TestQueryRefused(t *testing.T) {
	t.Parallel()
	db := openMemory(t)
	for name, statement := range map[string]string{"syntax": "SELEKT", "missing table": "SELECT * FROM nowhere"} {
		_, err := openQuery(t, sqlconn.QueryConfig{DB: db, Name: "q", SQL: statement})
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: class %s: %v", name, connector.ClassOf(err), err)
		}
	}
}

// The connection is free again after Close, also in the middle of the rows.
func TestQueryClosedEarly(t *testing.T) {
	t.Parallel()
	db := openMemory(t)
	for range 3 {
		reader, err := openQuery(t, sqlconn.QueryConfig{DB: db, Name: "n", SQL: numbers, Args: []any{1_000_000}})
		if err != nil {
			t.Fatal(err)
		}
		if chunk, err := reader.Read(t.Context(), 10); err != nil || len(chunk) == 0 {
			t.Errorf("%d messages, error %v", len(chunk), err)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := db.Stats().InUse; got != 0 {
		t.Errorf("%d connections in use", got)
	}
}
