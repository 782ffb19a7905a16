package postgresconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/postgresconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// numbers is a source of the numbers from 1 to n, always the same, that takes nothing back.
func numbers(n int) *memory.Source[invoice] {
	source := memory.NewSource[invoice]()
	source.Declare(connector.Capabilities{Name: "numbers"})
	source.Send(invoices(n)...)

	return source
}

func newCheckpoint(t testing.TB, pool *pgxpool.Pool) *postgresconn.Checkpoint {
	t.Helper()
	name := t.Name() + time.Now().Format(time.RFC3339Nano)
	done, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{Pool: pool, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, table := range []string{"millrace_checkpoints", "millrace_marks"} {
			if _, err := pool.Exec(context.Background(), "DELETE FROM "+table+" WHERE name = $1", name); err != nil {
				t.Error(err)
			}
		}
	})

	return done
}

// A run that fails half way leaves rows that were written and not settled. The next run
// writes what is missing, once, and the one after has nothing to do.
func TestCheckpointResumes(t *testing.T) {
	pool := open(t)
	const loose = "id BIGINT, customer TEXT, parent BIGINT" // a repeated row would go in
	table, done := create(t, pool, loose), newCheckpoint(t, pool)
	sink := newCopy[invoice](t, postgresconn.CopyConfig{Pool: pool, Table: table, Checkpoint: done})
	broken := errors.New("broken")
	for run := range 4 {
		handled := 0
		step := func(_ context.Context, i invoice) (invoice, error) {
			handled++
			if run < 2 && i.ID == int64(300+300*run) {
				return i, broken
			}

			return i, nil
		}
		p := flow.New("numbers", flow.From(done.Resume(numbers(1000))).Map(step).As("step").Batch(7, time.Second).To(sink))
		if err := p.Run(t.Context()); (run < 2) != errors.Is(err, broken) || run >= 2 && err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if run == 3 && handled != 0 || run == 1 && handled > 700 {
			t.Errorf("run %d handled %d messages again", run, handled)
		}
		rows, ids := one[int](t, pool, "SELECT count(*) FROM "+table), one[int](t, pool, "SELECT count(DISTINCT id) FROM "+table)
		if rows != ids || run >= 2 && rows != 1000 {
			t.Errorf("run %d: %d rows of %d ids", run, rows, ids)
		}
	}
	if marks := one[int](t, pool, "SELECT count(*) FROM millrace_marks WHERE name LIKE $1", t.Name()+"%"); marks != 0 {
		t.Errorf("%d marks are left", marks)
	}
}

// The commit happened, or it did not, and its answer is lost: either way the row is there
// once after the retry.
func TestCheckpointLostCommit(t *testing.T) {
	for _, before := range []bool{false, true} {
		cut := &cutter{}
		pool := cut.open(t)
		table, done := create(t, pool, "id BIGINT, customer TEXT, parent BIGINT"), newCheckpoint(t, pool)
		sink := newCopy[invoice](t, postgresconn.CopyConfig{Pool: pool, Table: table, Checkpoint: done})
		armed := connector.SinkFunc[invoice](func(ctx context.Context, batch []connector.Message[invoice]) error {
			if batch[0].Value.ID > 50 && cut.cuts.Load() == 0 {
				cut.arm("commit", before)
			}

			return sink.Write(ctx, batch)
		})
		into := flow.Into[invoice](declared{armed, sink.Describe()}).Retry(retry.Policy{Attempts: 5, Initial: time.Millisecond})
		if err := flow.New("numbers", flow.From(done.Resume(numbers(100))).Batch(10, time.Second).To(into)).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, ids := one[int](t, pool, "SELECT count(*) FROM "+table), one[int](t, pool, "SELECT count(DISTINCT id) FROM "+table)
		if rows != 100 || ids != 100 || cut.cuts.Load() != 1 {
			t.Errorf("before %t: %d rows of %d ids, %d cuts", before, rows, ids, cut.cuts.Load())
		}
	}
}

type declared struct {
	connector.Sink[invoice]

	caps connector.Capabilities
}

func (d declared) Describe() connector.Capabilities { return d.caps }

// A commit whose answer is lost is ambiguous; a connection that breaks before is not.
func TestLostConnection(t *testing.T) {
	cut := &cutter{}
	pool := cut.open(t)
	for _, onConflict := range []postgresconn.OnConflict{postgresconn.Refuse, postgresconn.Update} {
		for statement, want := range map[string]connector.Class{
			"commit": connector.ClassAmbiguous, "COPY ": connector.ClassTransient, "begin": connector.ClassTransient,
		} {
			config := postgresconn.CopyConfig{Pool: pool, Table: create(t, pool, invoiceColumns), OnConflict: onConflict}
			if onConflict != postgresconn.Refuse {
				config.Key = []string{"id"}
			}
			sink := newCopy[invoice](t, config)
			if err := sink.Write(t.Context(), messages(invoices(1)...)); err != nil {
				t.Fatal(err)
			}
			cuts := cut.cuts.Load()
			cut.arm(statement, false)
			bad := invoices(3)[1:]
			err := sink.Write(t.Context(), messages(bad...))
			if connector.ClassOf(err) != want || cut.cuts.Load() != cuts+1 {
				t.Errorf("%s on conflict %d: class %s, want %s, %d cuts: %v",
					statement, onConflict, connector.ClassOf(err), want, cut.cuts.Load()-cuts, err)
			}
			if err := sink.Write(t.Context(), messages(invoice{ID: 9, Customer: "after"})); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		}
	}
}

// A run that was taken over can neither write nor settle.
func TestCheckpointFenced(t *testing.T) {
	pool := open(t)
	done := newCheckpoint(t, pool)
	table := create(t, pool, invoiceColumns)
	sink := newCopy[invoice](t, postgresconn.CopyConfig{Pool: pool, Table: table, Checkpoint: done})
	if err := sink.Write(t.Context(), messages(invoices(1)...)); err == nil || !strings.Contains(err.Error(), "Resume") {
		t.Errorf("a sink whose source is not open: %v", err)
	}
	again, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{Pool: pool, Name: nameOf(t, pool, done)})
	if err != nil {
		t.Fatal(err)
	}
	old, err := done.Resume(numbers(10)).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	list, err := old.Read(t.Context(), 5)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	young, err := again.Resume(numbers(10)).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer young.Close()
	err = sink.Write(t.Context(), list)
	if !errors.Is(err, connector.ErrFenced) || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("write: class %s: %v", connector.ClassOf(err), err)
	}
	err = old.Settle(t.Context(), []connector.Settlement{{Position: list[0].Position(), Outcome: connector.Delivered}})
	if !errors.Is(err, connector.ErrFenced) {
		t.Errorf("settle: %v", err)
	}
	if n := one[int](t, pool, "SELECT count(*) FROM "+table); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// nameOf has the checkpoint begin once and finds its name.
func nameOf(t *testing.T, pool *pgxpool.Pool, c *postgresconn.Checkpoint) string {
	t.Helper()
	if _, err := c.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}

	return one[string](t, pool, "SELECT name FROM millrace_checkpoints WHERE name LIKE $1 ORDER BY name DESC LIMIT 1", t.Name()+"%")
}

func TestCheckpointRefuses(t *testing.T) {
	_, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{})
	for _, want := range []string{"Pool is nil", "Name is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
	pool := open(t)
	done := newCheckpoint(t, pool)
	_, err = postgresconn.NewCopy[invoice](postgresconn.CopyConfig{Pool: openAt(t, "postgres://127.0.0.1:1/x"), Table: "t", Checkpoint: done})
	if err == nil || !strings.Contains(err.Error(), "another pool") {
		t.Errorf("error %v", err)
	}
	if _, err := done.Resume(memory.NewSource[int]()).Open(t.Context()); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("a source that takes messages back: %v", err)
	}
	reader, err := done.Resume(numbers(1)).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	sink := newCopy[invoice](t, postgresconn.CopyConfig{Pool: pool, Table: create(t, pool, invoiceColumns), Checkpoint: done})
	err = sink.Write(t.Context(), []connector.Message[invoice]{{Value: invoices(1)[0]}})
	if err == nil || connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "no position") {
		t.Errorf("a message without a position: %v", err)
	}
}

// Parts of a message have marks of their own, and what was refused has none.
func TestCheckpointMarks(t *testing.T) {
	pool := open(t)
	done := newCheckpoint(t, pool)
	sink := newCopy[invoice](t, postgresconn.CopyConfig{Pool: pool, Table: create(t, pool, invoiceColumns), Checkpoint: done})
	whole := messages(invoices(1)...)[0]
	batch := make([]connector.Message[invoice], 4)
	for i := range batch {
		batch[i] = connector.Message[invoice]{Meta: whole.Part(i), Value: invoice{ID: int64(i), Customer: fmt.Sprint("c", i)}}
	}
	batch[2].Value.Customer = ""
	for run := range 3 {
		if run == 2 {
			batch[2].Value.Customer = "mended"
		}
		if _, err := done.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := sink.Write(t.Context(), batch)
		if run == 2 && err != nil {
			t.Error(err)
		}
		for i := range 4 {
			if run < 2 && (membersOf(t, err)[i].Fate == connector.Accepted) != (i != 2) {
				t.Errorf("run %d: part %d is %s", run, i, membersOf(t, err)[i].Fate)
			}
		}
	}
}
