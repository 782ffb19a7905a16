package sqlitetest_test

import (
	"flag"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/internal/killtest"
	"github.com/millrace-go/millrace/transform"
)

var update = flag.Bool("update", false, "write the tables in README.md anew")

// pairs are the sources and sinks whose grades stand in README.md; TestPairs proves each.
var pairs = killtest.Pairs(pairSources, pairSinks)

// TestPairs kills a flow of each pair at seeded moments.
func TestPairs(t *testing.T) {
	t.Parallel()
	killtest.Test(t, killtest.Targets(pairs)...)
}

// TestTable compares the tables in README.md with what the drivers declare.
func TestTable(t *testing.T) {
	const readme = "../../README.md"
	killtest.Block(t, readme, "capabilities", capabilities(t), *update)
	killtest.Block(t, readme, "grades", killtest.GradeTable(t, pairs), *update)
}

// capabilities is the table of what each driver declares.
func capabilities(t *testing.T) string {
	t.Helper()
	rows := [][]string{{"driver", "keeps over a crash", "takes messages back", "leases", "delays", "keeps its place", "a repeat changes nothing", "the sender sends again"}}
	for _, e := range endpoints(t) {
		c := connector.Describe(e.endpoint)
		rows = append(rows, []string{
			e.name, yes(c.Durable), yes(c.Returns), yes(c.Lease > 0), yes(c.Delays), yes(c.KeepsPlace), yes(c.Idempotent), yes(c.Answers),
		})
	}

	return killtest.Markdown(rows)
}

func yes(declared bool) string {
	if declared {
		return "yes"
	}

	return ""
}

type endpoint struct {
	name     string
	endpoint any
}

// endpoints are the drivers, each in every form that declares something else.
func endpoints(t *testing.T) []endpoint {
	t.Helper()
	dir := t.TempDir()
	made := func(e any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := e.(interface{ Close() error }); ok {
			t.Cleanup(func() { _ = c.Close() })
		}

		return e
	}
	db, err := killedDB(dir, "UNIQUE")
	made(db, err)
	table := func(onConflict sqlconn.OnConflict, key ...string) any {
		return made(sqlconn.NewTable[invoice](sqlconn.TableConfig{
			DB: db, Table: "invoices", Dialect: sqlconn.SQLite, OnConflict: onConflict, Key: key,
		}))
	}
	query := func(key string) any {
		return made(sqlconn.NewQuery[invoice](sqlconn.QueryConfig{DB: db, Name: "q", SQL: "SELECT * FROM invoices ORDER BY id", Key: key}))
	}

	return []endpoint{
		{"`fileconn` source", made(fileconn.Lines(fileconn.SourceConfig{Paths: []string{dir + "/in"}}, transform.LinesConfig{}))},
		{"`fileconn` sink", made(fileconn.NewLinesSink(fileconn.SinkConfig{Path: dir + "/out"}, transform.LinesConfig{}))},
		{"`sqlconn` query with Key", query("id")},
		{"`sqlconn` query without Key", query("")},
		{"`sqlconn` table, Refuse", table(sqlconn.Refuse)},
		{"`sqlconn` table, Update or Keep", table(sqlconn.Update, "id")},
		{"`httpconn` intake", made(httpconn.NewIntake[invoice](httpconn.IntakeConfig{}))},
		{"`httpconn` caller", made(httpconn.NewCaller[invoice, invoice](httpconn.CallerConfig[invoice]{URL: "http://127.0.0.1/"}))},
		{"`queueconn` in memory", made(queueconn.NewMemory[string](queueconn.Config{}))},
		{"`queueconn` on bbolt", made(openPairQueue(dir, "queue"))},
		{"`boltstore`", made(boltstore.Open(dir+"/store", boltstore.Config{}))},
		{"`memory` source", memory.NewSource[string]()},
		{"`memory` sink", memory.NewSink[string]()},
		{"`memory` store", memory.NewStore()},
	}
}
