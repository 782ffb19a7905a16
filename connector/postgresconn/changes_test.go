package postgresconn_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/postgresconn"
	"github.com/millrace-go/millrace/connector/postgresconn/internal/cluster"
	"github.com/millrace-go/millrace/transform"
)

type part struct {
	ID    int64
	Name  string
	Price *transform.Money
	Made  *time.Time
}

const partColumns = "id BIGINT PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(12, 2), made TIMESTAMPTZ, other INT DEFAULT 1"

// capture makes a table and a source of its changes.
func capture(t testing.TB, c *cluster.Cluster, config postgresconn.ChangesConfig) (*postgresconn.Changes[part], *pgxpool.Pool, string) {
	t.Helper()
	pool := openAt(t, c.Address())
	config.Address, config.Table, config.Slot = c.Address(), create(t, pool, partColumns), "s"+strings.ToLower(rand.Text())
	changes, err := postgresconn.NewChanges[part](config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := changes.Drop(context.Background()); err != nil {
			t.Errorf("drop: %v", err)
		}
	})

	return changes, pool, config.Table
}

type capturing struct {
	t      testing.TB
	reader connector.Reader[postgresconn.Change[part]]
}

func openChanges(t testing.TB, changes *postgresconn.Changes[part]) capturing {
	t.Helper()
	reader, err := changes.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return capturing{t, reader}
}

// take reads n changes.
func (c capturing) take(n int) []connector.Message[postgresconn.Change[part]] {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	var list []connector.Message[postgresconn.Change[part]]
	for len(list) < n {
		more, err := c.reader.Read(ctx, n-len(list))
		if err != nil {
			c.t.Fatalf("after %d of %d: %v", len(list), n, err)
		}
		list = append(list, more...)
	}

	return list
}

func (c capturing) settle(list ...connector.Message[postgresconn.Change[part]]) {
	c.t.Helper()
	var s []connector.Settlement
	for _, m := range list {
		s = append(s, connector.Settlement{Position: m.Position(), Outcome: connector.Delivered})
	}
	if err := c.reader.Settle(c.t.Context(), s); err != nil {
		c.t.Fatal(err)
	}
}

func (c capturing) close() {
	c.t.Helper()
	if err := c.reader.Close(); err != nil {
		c.t.Error(err)
	}
}

func show(m connector.Message[postgresconn.Change[part]]) string {
	row := func(p *part) string {
		if p == nil {
			return "-"
		}
		text := fmt.Sprintf("%d %s", p.ID, p.Name)
		if p.Price != nil {
			text += " " + p.Price.String()
		}

		return text
	}

	return fmt.Sprintf("%d %s %s > %s", m.Position().Offset, m.Value.Op, row(m.Value.Before), row(m.Value.After))
}

func TestChanges(t *testing.T) {
	c := cluster.Start(t)
	t.Run("typed", func(t *testing.T) { changesTyped(t, c) })
	t.Run("resume", func(t *testing.T) { changesResume(t, c) })
	t.Run("origins", func(t *testing.T) { changesOrigins(t, c) })
	t.Run("whole rows before", func(t *testing.T) { changesFull(t, c) })
	t.Run("restart", func(t *testing.T) { changesRestart(t, c) })
	t.Run("wrong", func(t *testing.T) { changesWrong(t, c) })
	t.Run("conformance", func(t *testing.T) { changesConform(t, c) })
}

// Rows that are there come first, and then each change, with its kind and its row.
func changesTyped(t *testing.T, c *cluster.Cluster) {
	changes, pool, table := capture(t, c, postgresconn.ChangesConfig{})
	execute(t, pool, "INSERT INTO "+table+" (id, name, price) VALUES (1, 'old', 1.5)")
	o := openChanges(t, changes)
	defer o.close()
	execute(t, pool, "INSERT INTO "+table+" (id, name, made) VALUES (2, 'new', '2024-02-29 12:00:00.123456+00')")
	execute(t, pool, "UPDATE "+table+" SET price = 2 WHERE id = 2")
	execute(t, pool, "UPDATE "+table+" SET id = 3 WHERE id = 2")
	execute(t, pool, "BEGIN; DELETE FROM "+table+" WHERE id = 1; INSERT INTO "+table+" (id, name) VALUES (4, 'gone'); ROLLBACK")
	execute(t, pool, "DELETE FROM "+table+" WHERE id = 1")
	execute(t, pool, "TRUNCATE "+table)
	list := o.take(6)
	want := []string{
		"1 snapshot - > 1 old 1.50", "2 insert - > 2 new", "3 update - > 2 new 2.00", "4 update 2  > 3 new 2.00", "5 delete 1  > -", "6 truncate - > -",
	}
	for i, m := range list {
		if got := show(m); got != want[i] {
			t.Errorf("change %d is %s, want %s", i, got, want[i])
		}
		if v := m.Value; (v.Op == postgresconn.Snapshot) != (v.LSN == 0 || v.XID == 0 || v.Time.IsZero()) || v.Origin != "" || v.Unchanged != nil {
			t.Errorf("change %d: %+v", i, v)
		}
	}
	if made := list[1].Value.After.Made; made == nil || !made.Equal(time.Date(2024, 2, 29, 12, 0, 0, 123456000, time.UTC)) {
		t.Errorf("made %v", made)
	}
	o.settle(list...)
	if n := one[int](t, pool, "SELECT count(*) FROM pg_class WHERE relname = 'millrace_snapshot_"+list[0].Position().Partition+"'"); n != 0 {
		t.Error("the copy of the table is still there")
	}
}

// What is not settled comes again under the same position, the rest of a transaction too;
// the server is told of nothing before.
func changesResume(t *testing.T, c *cluster.Cluster) {
	changes, pool, table := capture(t, c, postgresconn.ChangesConfig{})
	execute(t, pool, "INSERT INTO "+table+" (id, name) SELECT n, 'row' FROM generate_series(1, 5) n")
	o := openChanges(t, changes)
	first := o.take(3)
	slot := first[0].Position().Partition
	o.settle(first[:2]...)
	o.close()
	execute(t, pool, "INSERT INTO "+table+" (id, name) SELECT n, 'row' FROM generate_series(6, 10) n")
	begun := one[string](t, pool, "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1", slot)
	for settled := 2; settled < 10; settled += 2 {
		o := openChanges(t, changes)
		list := o.take(10 - settled)
		for i, m := range list {
			if m.Position().Offset != int64(settled+i+1) || m.Value.After.ID != m.Position().Offset {
				t.Errorf("with %d settled, change %d is %s", settled, i, show(m))
			}
		}
		o.settle(list[:2]...)
		o.settle(list[:2]...)
		flushed := one[string](t, pool, "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1", slot)
		if settled+2 < 10 && flushed != begun {
			t.Errorf("with %d settled of a transaction, the slot has moved from %s to %s", settled+2, begun, flushed)
		}
		o.close()
	}
	o = openChanges(t, changes)
	defer o.close()
	execute(t, pool, "INSERT INTO "+table+" (id, name) VALUES (11, 'row')")
	if m := o.take(1)[0]; show(m) != "11 insert - > 11 row" {
		t.Errorf("change %s", show(m))
	}
}

// What another database has written here is known as such, and may be left out.
func changesOrigins(t *testing.T, c *cluster.Cluster) {
	for _, local := range []bool{false, true} {
		changes, pool, table := capture(t, c, postgresconn.ChangesConfig{LocalOnly: local, SkipSnapshot: true})
		o := openChanges(t, changes)
		execute(t, pool, "SELECT pg_replication_origin_create('elsewhere') WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = 'elsewhere')")
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"SELECT pg_replication_origin_session_setup('elsewhere')", "INSERT INTO " + table + " (id, name) VALUES (1, 'far')",
			"SELECT pg_replication_origin_session_reset()", "INSERT INTO " + table + " (id, name) VALUES (2, 'near')",
		} {
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		conn.Release()
		want := []string{"elsewhere far", " near"}
		if local {
			want = want[1:]
		}
		var got []string
		for _, m := range o.take(len(want)) {
			got = append(got, m.Value.Origin+" "+m.Value.After.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("local only %t: %q, want %q", local, got, want)
		}
		o.close()
	}
}

// With REPLICA IDENTITY FULL the row before is whole, and a large value that an update left
// alone is there; without, it is named.
func changesFull(t *testing.T, c *cluster.Cluster) {
	for _, full := range []bool{false, true} {
		changes, pool, table := capture(t, c, postgresconn.ChangesConfig{SkipSnapshot: true})
		execute(t, pool, "ALTER TABLE "+table+" ALTER name SET STORAGE EXTERNAL")
		if full {
			execute(t, pool, "ALTER TABLE "+table+" REPLICA IDENTITY FULL")
		}
		o := openChanges(t, changes)
		execute(t, pool, "INSERT INTO "+table+" (id, name) VALUES (1, repeat('x', 10000))")
		execute(t, pool, "UPDATE "+table+" SET price = 1 WHERE id = 1")
		v := o.take(2)[1].Value
		whole := v.Before != nil && len(v.Before.Name) == 10_000 && len(v.After.Name) == 10_000 && v.Unchanged == nil
		named := v.Before == nil && v.After.Name == "" && slices.Equal(v.Unchanged, []string{"name"})
		if full && !whole || !full && !named {
			t.Errorf("full %t: before %v, unchanged %v, %d bytes", full, v.Before != nil, v.Unchanged, len(v.After.Name))
		}
		o.close()
	}
}

// The server restarts: the reader ends with a transient error, and the next one goes on.
func changesRestart(t *testing.T, c *cluster.Cluster) {
	changes, pool, table := capture(t, c, postgresconn.ChangesConfig{})
	o := openChanges(t, changes)
	execute(t, pool, "INSERT INTO "+table+" (id, name) VALUES (1, 'before'), (2, 'before')")
	o.settle(o.take(2)[:1]...)
	c.Stop(t, syscall.SIGQUIT)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := o.reader.Read(ctx, 1); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("class %s: %v", connector.ClassOf(err), err)
	}
	_ = o.reader.Close()
	if _, err := changes.Open(ctx); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("open without a server: class %s: %v", connector.ClassOf(err), err)
	}
	c.Restart(t)
	pool.Reset()
	execute(t, pool, "INSERT INTO "+table+" (id, name) VALUES (3, 'after')")
	o = openChanges(t, changes)
	defer o.close()
	list := o.take(2)
	if show(list[0]) != "2 insert - > 2 before" || show(list[1]) != "3 insert - > 3 after" {
		t.Errorf("changes %s, %s", show(list[0]), show(list[1]))
	}
}

func changesWrong(t *testing.T, c *cluster.Cluster) {
	_, err := postgresconn.NewChanges[part](postgresconn.ChangesConfig{Slot: `a"b`, Table: `a"b`, Publication: `c"d`})
	for _, want := range []string{"Address", "Slot", "identifier"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
	changes, pool, table := capture(t, c, postgresconn.ChangesConfig{})
	o := openChanges(t, changes)
	execute(t, pool, "ALTER TABLE "+table+" DROP price")
	execute(t, pool, "INSERT INTO "+table+" (id, name) VALUES (1, 'x')")
	if _, err := o.reader.Read(t.Context(), 1); connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "no column price") {
		t.Errorf("class %s: %v", connector.ClassOf(err), err)
	}
	o.close()
	execute(t, pool, "SELECT pg_create_logical_replication_slot('foreign_slot', 'pgoutput')")
	defer execute(t, pool, "SELECT pg_drop_replication_slot('foreign_slot')")
	foreign, err := postgresconn.NewChanges[part](postgresconn.ChangesConfig{Address: c.Address(), Table: table, Slot: "foreign_slot"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.Open(t.Context()); connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "not made by millrace") {
		t.Errorf("a slot of somebody else: class %s: %v", connector.ClassOf(err), err)
	}
}

func changesConform(t *testing.T, c *cluster.Cluster) {
	type change = postgresconn.Change[part]
	for _, op := range []postgresconn.Op{postgresconn.Snapshot, postgresconn.Insert} {
		t.Run(op.String(), func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[change]{
				New: func(t testing.TB, values []change) connector.Source[change] {
					t.Helper()
					changes, pool, table := capture(t, c, postgresconn.ChangesConfig{SkipSnapshot: op == postgresconn.Insert})
					if op == postgresconn.Insert {
						openChanges(t, changes).close()
					}
					for _, v := range values {
						execute(t, pool, "INSERT INTO "+table+" (id, name) VALUES ($1, $2)", v.After.ID, v.After.Name)
					}

					return changes
				},
				Value:   func(i int) change { return change{Op: op, After: &part{ID: int64(i), Name: fmt.Sprint("p", i)}} },
				Equal:   func(a, b change) bool { return a.Op == b.Op && reflect.DeepEqual(a.After, b.After) },
				Endless: true, Resumes: true, Wait: 20 * time.Second,
			})
		})
	}
}
