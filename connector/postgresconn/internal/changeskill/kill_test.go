package changeskill

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/postgresconn"
	"github.com/millrace-go/millrace/connector/postgresconn/internal/cluster"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/internal/killtest"
)

const (
	addressVariable = "CHANGESKILL_ADDRESS"
	// initial rows are there when the capture begins; then come so many changes.
	initial, later = 50, 350
	// last is the row that the writer ends with.
	last = -1
)

// item is the row whose changes are captured.
type item struct{ ID, Version int64 }

// entry is a change as the program writes it down, and as the writer did.
type entry struct {
	Op          string
	ID, Version int64
}

var target = killtest.Target{Name: "changes", Run: run, Check: check}

func TestMain(m *testing.M) { killtest.Main(m, target) }

func TestKill(t *testing.T) {
	c := cluster.Start(t)
	t.Setenv(addressVariable, c.Address())
	pool, err := pgxpool.New(t.Context(), c.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "CREATE TABLE work (name TEXT PRIMARY KEY, ended BOOLEAN NOT NULL DEFAULT false)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		write(ctx, t, pool)
	}()
	killtest.Test(t, target)
	cancel()
	<-ended
}

// nameOf is what the tables of a directory end in.
func nameOf(dir string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(dir))

	return fmt.Sprintf("%016x", hash.Sum64())
}

// write changes the tables of all programs, a transaction at a time, until each has had its
// changes, and notes what it does in the same transaction.
func write(ctx context.Context, t *testing.T, pool *pgxpool.Pool) {
	random := rand.New(rand.NewPCG(1, 2))
	ticker := time.NewTicker(4 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		rows, err := pool.Query(ctx, "SELECT name FROM work WHERE NOT ended")
		if err != nil {
			continue // the test is over
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, name := range names {
			if err := change(ctx, pool, name, random); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}
}

// change makes one to six changes in one transaction, which is rolled back now and then.
func change(ctx context.Context, pool *pgxpool.Pool, name string, random *rand.Rand) error {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var made int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM truth_"+name).Scan(&made); err != nil {
		return err
	}
	if made >= initial+later {
		if err := apply(ctx, tx, name, entry{"insert", last, 0}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE work SET ended = true WHERE name = $1", name); err != nil {
			return err
		}

		return tx.Commit(ctx)
	}
	for range 1 + random.IntN(6) {
		made++
		e := entry{"insert", made, made}
		if kind := random.IntN(3); kind > 0 {
			err := tx.QueryRow(ctx, "SELECT id FROM source_"+name+" ORDER BY random() LIMIT 1").Scan(&e.ID)
			if err != nil {
				return err
			}
			e.Op = []string{"", "update", "delete"}[kind]
		}
		if err := apply(ctx, tx, name, e); err != nil {
			return err
		}
	}
	if random.IntN(10) == 0 {
		return nil
	}

	return tx.Commit(ctx)
}

func apply(ctx context.Context, tx pgx.Tx, name string, e entry) error {
	statement := "INSERT INTO source_" + name + " (id, version) VALUES ($1, $2)"
	switch e.Op {
	case "update":
		statement = "UPDATE source_" + name + " SET version = $2 WHERE id = $1"
	case "delete":
		statement, e.Version = "DELETE FROM source_"+name+" WHERE id = $1 AND $2::bigint = 0", 0
	}
	if _, err := tx.Exec(ctx, statement, e.ID, e.Version); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO truth_"+name+" (op, id, version) VALUES ($1, $2, $3)", e.Op, e.ID, e.Version)

	return err
}

// prepare makes the tables of a directory, whole or not at all.
func prepare(ctx context.Context, pool *pgxpool.Pool, name string) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, "SELECT count(*) > 0 FROM work WHERE name = $1", name).Scan(&there); err != nil || there {
			return err
		}
		const log = " (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, op TEXT NOT NULL, id BIGINT NOT NULL, version BIGINT NOT NULL)"
		for _, statement := range []string{
			"CREATE TABLE source_" + name + " (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)",
			"CREATE TABLE truth_" + name + log, "CREATE TABLE log_" + name + log, "INSERT INTO work (name) VALUES ('" + name + "')",
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		for i := range int64(initial) {
			if err := apply(ctx, tx, name, entry{"insert", i + 1, i + 1}); err != nil {
				return err
			}
		}

		return nil
	})
}

// run writes every change into a table that takes each row as often as it comes.
func run(ctx context.Context, dir string, report *killtest.Report) error {
	name := nameOf(dir)
	pool, err := pgxpool.New(ctx, os.Getenv(addressVariable))
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := prepare(ctx, pool, name); err != nil {
		return err
	}
	var all bool // an earlier run may have settled everything, and nothing more would come
	if err := pool.QueryRow(ctx, "SELECT count(*) > 0 FROM log_"+name+" WHERE id = $1", last).Scan(&all); err != nil || all {
		return err
	}
	changes, err := postgresconn.NewChanges[item](postgresconn.ChangesConfig{
		Address: os.Getenv(addressVariable), Table: "source_" + name, Slot: "slot_" + name,
	})
	if err != nil {
		return err
	}
	done, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{Pool: pool, Name: name})
	if err != nil {
		return err
	}
	sink, err := postgresconn.NewCopy[entry](postgresconn.CopyConfig{Pool: pool, Table: "log_" + name, Checkpoint: done})
	if err != nil {
		return err
	}
	in := killtest.Tracked[message](done.Resume[message](ending{changes}), report, func(c message) int { return int(toEntry(c).ID) })

	return killtest.Complete(ctx, "capture", flow.From(in).Map(flow.Pure(toEntry)).Batch(4, 50*time.Millisecond).To(sink))
}

type message = postgresconn.Change[item]

func toEntry(c message) entry {
	row := c.After
	if row == nil {
		return entry{c.Op.String(), c.Before.ID, 0}
	}

	return entry{c.Op.String(), row.ID, row.Version}
}

// ending is a capture that ends with the last row of the writer.
type ending struct{ connector.Source[message] }

func (e ending) Describe() connector.Capabilities { return connector.Describe(e.Source) }

func (e ending) Open(ctx context.Context) (connector.Reader[message], error) {
	r, err := e.Source.Open(ctx)

	return &endingReader{Reader: r}, err
}

type endingReader struct {
	connector.Reader[message]

	ended bool
}

func (r *endingReader) Read(ctx context.Context, limit int) ([]connector.Message[message], error) {
	if r.ended {
		return nil, io.EOF
	}
	list, err := r.Reader.Read(ctx, limit)
	for _, m := range list {
		r.ended = r.ended || toEntry(m.Value).ID == last
	}

	return list, err
}

// check compares what was captured with what the writer did: the snapshot is the state
// after some of its changes, and all the others follow, each once and in their order.
func check(t testing.TB, dir string, _ killtest.History) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), os.Getenv(addressVariable))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	log, truth := entries(t, pool, "log_"+nameOf(dir)), entries(t, pool, "truth_"+nameOf(dir))
	split := slices.IndexFunc(log, func(e entry) bool { return e.Op != "snapshot" })
	if split < 0 {
		t.Fatalf("%d entries and no change among them", len(log))
	}
	changes := log[split:]
	before := len(truth) - len(changes)
	if before < initial || !slices.Equal(truth[before:], changes) {
		t.Errorf("%d changes were captured, which are not the last of %d:\n%v\n%v", len(changes), len(truth), changes, truth[max(before, 0):])

		return
	}
	state := make(map[int64]int64)
	for _, e := range truth[:before] {
		state[e.ID] = e.Version
		if e.Op == "delete" {
			delete(state, e.ID)
		}
	}
	for _, e := range log[:split] {
		if version, there := state[e.ID]; !there || version != e.Version {
			t.Errorf("the snapshot has row %d, version %d: want %d, or it came twice", e.ID, e.Version, version)
		}
		delete(state, e.ID)
	}
	if len(state) > 0 {
		t.Errorf("the snapshot lacks rows %v", state)
	}
}

func entries(t testing.TB, pool *pgxpool.Pool, table string) []entry {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT op, id, version FROM "+table+" ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	if err != nil {
		t.Fatal(err)
	}

	return list
}
