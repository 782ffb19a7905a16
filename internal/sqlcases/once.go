package sqlcases

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
)

func (h Harness) newCheckpoint(t testing.TB, db *sql.DB, name string) *sqlconn.Checkpoint {
	t.Helper()
	done, err := sqlconn.NewCheckpoint(sqlconn.CheckpointConfig{DB: db, Dialect: h.Dialect, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := done.Begin(context.Background()); err != nil { // makes the tables, if no test has
			t.Error(err)
		}
		execute(t, db, "DELETE FROM millrace_checkpoints WHERE name = '"+name+"'")
		execute(t, db, "DELETE FROM millrace_marks WHERE name = '"+name+"'")
	})

	return done
}

func (h Harness) checkpoint(t *testing.T) {
	t.Run("resumes", h.checkpointResumes)
	t.Run("fences", h.checkpointFences)
}

// checkpointResumes stops twice half way, with rows that were written and not settled. The
// next run writes what is missing, once, and the one after has nothing to do.
func (h Harness) checkpointResumes(t *testing.T) {
	db := h.Open(t)
	name, done := create(t, db, ""), h.newCheckpoint(t, db, unique("resumes"))
	sink := table(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: h.Dialect, Checkpoint: done})
	broken := errors.New("broken")
	for run := range 4 {
		handled := 0
		step := func(_ context.Context, r Row) (Row, error) {
			handled++
			if run < 2 && r.ID == int64(100+100*run) {
				return r, broken
			}

			return r, nil
		}
		p := flow.New("numbers", flow.From(done.Resume(numbers(400))).Map(step).As("step").Batch(7, time.Second).To(sink))
		if err := p.Run(t.Context()); (run < 2) != errors.Is(err, broken) || run >= 2 && err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if run == 3 && handled != 0 {
			t.Errorf("run %d handled %d messages again", run, handled)
		}
		written, ids := count(t, db, "*", name), count(t, db, "DISTINCT id", name)
		if written != ids || run >= 2 && written != 400 {
			t.Errorf("run %d: %d rows of %d ids", run, written, ids)
		}
	}
}

// checkpointFences has a second run take over from the first.
func (h Harness) checkpointFences(t *testing.T) {
	db := h.Open(t)
	name := unique("fences")
	old, young := h.newCheckpoint(t, db, name), h.newCheckpoint(t, db, name)
	rowsTable := create(t, db, "")
	sink := table(t, sqlconn.TableConfig{DB: db, Table: rowsTable, Dialect: h.Dialect, Checkpoint: old})
	if _, err := old.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sink.Write(t.Context(), messages(rows(3)...)); err != nil {
		t.Fatal(err)
	}
	if _, err := young.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := sink.Write(t.Context(), messages(rows(4)...)[3:])
	if !errors.Is(err, connector.ErrFenced) || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("write: class %s: %v", connector.ClassOf(err), err)
	}
	if err := old.Advance(t.Context(), map[string]int64{"m": 1}); !errors.Is(err, connector.ErrFenced) {
		t.Errorf("advance: %v", err)
	}
	again := table(t, sqlconn.TableConfig{DB: db, Table: rowsTable, Dialect: h.Dialect, Checkpoint: young})
	if err := again.Write(t.Context(), messages(rows(5)...)); err != nil || count(t, db, "*", rowsTable) != 5 {
		t.Errorf("%d rows, error %v", count(t, db, "*", rowsTable), err)
	}
	err = again.Write(t.Context(), []connector.Message[Row]{{Value: value(0)}})
	if connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("a message without a position: %v", err)
	}
}

// inbox delivers the same messages from two sinks and again.
func (h Harness) inbox(t *testing.T) {
	db := h.Open(t)
	box, err := sqlconn.NewInbox(sqlconn.InboxConfig{DB: db, Dialect: h.Dialect, Name: unique("inbox")})
	if err != nil {
		t.Fatal(err)
	}
	name := create(t, db, "")
	config := sqlconn.TableConfig{DB: db, Table: name, Dialect: h.Dialect, Inbox: box}
	first, second := table(t, config), table(t, config)
	list := messages(rows(500)...)
	list[7].Value.Customer = ""
	err = first.Write(t.Context(), list[:300])
	if partial, ok := errors.AsType[*connector.PartialError](err); !ok || partial.Members[7].Fate != connector.Failed {
		t.Fatalf("error %v, want row 7 failed", err)
	}
	list[7].Value.Customer = "mended"
	for range 2 {
		if err := second.Write(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	if n, ids := count(t, db, "*", name), count(t, db, "DISTINCT id", name); n != 500 || ids != 500 {
		t.Errorf("%d rows of %d ids, want 500", n, ids)
	}
	if removed, err := box.Prune(t.Context(), time.Hour); removed != 0 || err != nil {
		t.Errorf("%d young IDs removed, error %v", removed, err)
	}
	if removed, err := box.Prune(t.Context(), -time.Hour); removed != 500 || err != nil {
		t.Errorf("%d IDs removed, error %v, want 500", removed, err)
	}
	for _, id := range []string{"", string(make([]byte, 513))} {
		bad := connector.NewMessage(value(0), connector.Fields{ID: id})
		if err := second.Write(t.Context(), []connector.Message[Row]{bad}); connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("an ID of %d bytes: %v", len(id), err)
		}
	}
}
