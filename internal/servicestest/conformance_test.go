package servicestest_test

import (
	"fmt"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

func value(i int) row { return row{ID: int64(i + 1), Customer: fmt.Sprint("c", i)} }

func TestTableConformance(t *testing.T) {
	for name, onConflict := range map[string]sqlconn.OnConflict{
		"refuse": sqlconn.Refuse, "update": sqlconn.Update, "keep": sqlconn.Keep,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s service) {
				db := s.open(t)
				conntest.TestSink(t, conntest.SinkHarness[row]{
					New: func(t testing.TB) (connector.Sink[row], func(testing.TB) []row) {
						t.Helper()
						config := sqlconn.TableConfig{DB: db, Table: s.create(t, db), Dialect: s.dialect, OnConflict: onConflict}
						if onConflict != sqlconn.Refuse {
							config.Key = []string{"id"}
						}

						return newTable(t, config), func(t testing.TB) []row { return readAll(t, newQuery(t, db, config.Table, "")) }
					},
					Value:     value,
					Bad:       func(i int) row { return row{ID: int64(i + 1)} },
					Unordered: true,
				})
			})
		})
	}
}

func TestQueryConformance(t *testing.T) {
	for _, key := range []string{"", "id"} {
		t.Run("key="+key, func(t *testing.T) {
			each(t, func(t *testing.T, s service) {
				db := s.open(t)
				conntest.TestSource(t, conntest.SourceHarness[row]{
					New: func(t testing.TB, values []row) connector.Source[row] {
						t.Helper()
						name := s.create(t, db)
						write(t, newTable(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: s.dialect}), values...)

						return newQuery(t, db, name, key)
					},
					Value: value,
					// A query keeps nothing between two Opens, so a crash leaves it as it is.
					Reopen: func(_ testing.TB, query connector.Source[row]) connector.Source[row] { return query },
				})
			})
		})
	}
}
