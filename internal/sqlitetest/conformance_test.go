package sqlitetest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

func value(i int) invoice { return invoice{ID: int64(i + 1), Customer: fmt.Sprint("c", i)} }

func TestTableConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		onConflict sqlconn.OnConflict
		key        []string
	}{
		"refuse": {sqlconn.Refuse, nil}, "update": {sqlconn.Update, []string{"id"}}, "keep": {sqlconn.Keep, []string{"id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conntest.TestSink(t, conntest.SinkHarness[invoice]{
				New: func(t testing.TB) (connector.Sink[invoice], func(testing.TB) []invoice) {
					t.Helper()
					db := openMemory(t, schema)

					return newTable(t, db, c.onConflict, c.key...), func(t testing.TB) []invoice {
						t.Helper()
						var found []invoice
						rows, err := db.QueryContext(t.Context(), "SELECT id, customer FROM invoices ORDER BY id")
						if err != nil {
							t.Fatal(err)
						}
						defer rows.Close()
						for rows.Next() {
							var i invoice
							if err := rows.Scan(&i.ID, &i.Customer); err != nil {
								t.Fatal(err)
							}
							found = append(found, i)
						}
						if err := rows.Err(); err != nil {
							t.Fatal(err)
						}

						return found
					}
				},
				Value:     value,
				Bad:       func(i int) invoice { return invoice{ID: int64(i + 1)} },
				Edges:     []invoice{{ID: math.MinInt64, Customer: " "}, {ID: 0, Customer: "\x00\xff"}, {ID: math.MaxInt64, Customer: strings.Repeat("x", 100_000)}},
				Unordered: true,
			})
		})
	}
}

func TestQueryConformance(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "id"} {
		t.Run("key="+key, func(t *testing.T) {
			t.Parallel()
			conntest.TestSource(t, conntest.SourceHarness[invoice]{
				New: func(t testing.TB, values []invoice) connector.Source[invoice] {
					t.Helper()
					db, _ := openFile(t, schema)
					batch := make([]connector.Message[invoice], len(values))
					for i, v := range values {
						batch[i].Value = v
					}
					if err := newTable(t, db, sqlconn.Refuse).Write(t.Context(), batch); err != nil {
						t.Fatal(err)
					}
					query, err := sqlconn.NewQuery[invoice](sqlconn.QueryConfig{
						DB: db, Name: "invoices", SQL: "SELECT * FROM invoices ORDER BY id", Key: key,
					})
					if err != nil {
						t.Fatal(err)
					}

					return query
				},
				Value: value,
				Edges: []invoice{{ID: math.MinInt64, Customer: " "}, {ID: 0, Customer: "\x00\xff"}, {ID: math.MaxInt64, Customer: strings.Repeat("x", 100_000)}},
				// A query keeps nothing between two Opens, so a crash leaves it as it is.
				Reopen: func(_ testing.TB, query connector.Source[invoice]) connector.Source[invoice] { return query },
			})
		})
	}
}
