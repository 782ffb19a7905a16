package postgresconn_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/postgresconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/killtest"
)

// schemaVariable tells the programs that are killed where their tables are.
const schemaVariable = "POSTGRESCONN_TEST_SCHEMA"

var killed = slices.Concat(
	killtest.Sink("copy refuse", value, killedCopy(postgresconn.Refuse), killedRows),
	killtest.Sink("copy update", value, killedCopy(postgresconn.Update, "id"), killedRows),
	killtest.Sink("copy keep", value, killedCopy(postgresconn.Keep, "id"), killedRows),
	[]killtest.Target{{Name: "checkpoint", Run: runCheckpoint, Check: checkCheckpoint}},
)

func TestMain(m *testing.M) { killtest.Main(m, killed...) }

func TestKill(t *testing.T) {
	pool := open(t)
	schema := "millrace_kill_" + strings.ToLower(rand.Text())
	t.Setenv(schemaVariable, schema)
	execute(t, pool, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { execute(t, pool, "DROP SCHEMA "+schema+" CASCADE") })
	killtest.Test(t, killed...)
}

// killedPool opens the server for a program, and for the look at what it has left.
func killedPool(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(address())
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["search_path"] = os.Getenv(schemaVariable)

	return pgxpool.NewWithConfig(ctx, config)
}

// tableIn is the table that stands for a directory.
func tableIn(dir string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(dir))

	return fmt.Sprintf("t%x", hash.Sum64())
}

// pooled is a sink that closes its pool too.
type pooled struct {
	*postgresconn.Copy[invoice]

	pool *pgxpool.Pool
}

func (p pooled) Close() error {
	p.pool.Close()

	return nil
}

func killedCopy(onConflict postgresconn.OnConflict, key ...string) func(dir string) (connector.Sink[invoice], error) {
	return func(dir string) (connector.Sink[invoice], error) {
		return openKilled(dir, postgresconn.CopyConfig{OnConflict: onConflict, Key: key})
	}
}

func openKilled(dir string, config postgresconn.CopyConfig) (pooled, error) {
	ctx := context.Background()
	pool, err := killedPool(ctx)
	if err != nil {
		return pooled{}, err
	}
	unique := ""
	if len(config.Key) > 0 {
		unique = "UNIQUE"
	}
	_, err = pool.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+tableIn(dir)+" (id BIGINT "+unique+", customer TEXT, parent BIGINT)")
	if err != nil {
		return pooled{}, err
	}
	config.Pool, config.Table = pool, tableIn(dir)
	sink, err := postgresconn.NewCopy[invoice](config)

	return pooled{sink, pool}, err
}

// killedRows reads the numbers of all rows.
func killedRows(t testing.TB, dir string) []int {
	t.Helper()
	pool, err := killedPool(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	rows, err := pool.Query(context.Background(), "SELECT id, customer, parent FROM "+tableIn(dir))
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[invoice])
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, i := range list {
		if i != value(int(i.ID)-1) {
			t.Errorf("row %+v", i)
		}
		found = append(found, int(i.ID)-1)
	}

	return found
}

// runCheckpoint reads a source that begins anew each time into a table that takes every
// row, as often as it comes.
func runCheckpoint(ctx context.Context, dir string, report *killtest.Report) error {
	plain, err := openKilled(dir, postgresconn.CopyConfig{})
	if err != nil {
		return err
	}
	defer plain.pool.Close()
	done, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{Pool: plain.pool, Name: dir})
	if err != nil {
		return err
	}
	sink, err := postgresconn.NewCopy[invoice](postgresconn.CopyConfig{Pool: plain.pool, Table: tableIn(dir), Checkpoint: done})
	if err != nil {
		return err
	}
	source := memory.NewSource[invoice]()
	source.Declare(connector.Capabilities{Name: "numbers"})
	source.Send(invoices(killtest.Work)...)
	in := killtest.Tracked(done.Resume(source), report, func(i invoice) int { return int(i.ID) - 1 })

	return killtest.Complete(ctx, "once", flow.From(in).Batch(4, time.Second).To(sink))
}

func checkCheckpoint(t testing.TB, dir string, h killtest.History) {
	t.Helper()
	h.CheckCounts(t, killedRows(t, dir), false)
}
