package postgresconn_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/postgresconn"
)

func value(i int) invoice { return invoice{ID: int64(i + 1), Customer: fmt.Sprint("c", i)} }

func TestCopyConformance(t *testing.T) {
	pool := open(t)
	for name, onConflict := range map[string]postgresconn.OnConflict{
		"refuse": postgresconn.Refuse, "update": postgresconn.Update, "keep": postgresconn.Keep,
	} {
		t.Run(name, func(t *testing.T) {
			conntest.TestSink(t, conntest.SinkHarness[invoice]{
				New: func(t testing.TB) (connector.Sink[invoice], func(testing.TB) []invoice) {
					t.Helper()
					config := postgresconn.CopyConfig{Pool: pool, Table: create(t, pool, invoiceColumns), OnConflict: onConflict}
					if onConflict != postgresconn.Refuse {
						config.Key = []string{"id"}
					}

					return newCopy[invoice](t, config), func(t testing.TB) []invoice {
						t.Helper()
						rows, err := pool.Query(t.Context(), "SELECT id, customer, parent FROM "+config.Table+" ORDER BY id")
						if err != nil {
							t.Fatal(err)
						}
						list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[invoice])
						if err != nil {
							t.Fatal(err)
						}

						return list
					}
				},
				Value:     value,
				Bad:       func(i int) invoice { return invoice{ID: int64(i + 1)} },
				Unordered: true,
			})
		})
	}
}
