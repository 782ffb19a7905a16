package servicestest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

func messages(values ...row) []connector.Message[row] {
	list := make([]connector.Message[row], len(values))
	for i, v := range values {
		list[i] = connector.NewMessage(v, connector.Fields{ID: fmt.Sprint("m", i)})
	}

	return list
}

func write(t testing.TB, table *sqlconn.Table[row], values ...row) {
	t.Helper()
	if err := table.Write(t.Context(), messages(values...)); err != nil {
		t.Fatal(err)
	}
}

func readAll(t testing.TB, source connector.Source[row]) []row {
	t.Helper()
	reader, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var all []row
	for {
		chunk, err := reader.Read(t.Context(), 1000)
		for _, m := range chunk {
			all = append(all, m.Value)
		}
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What is written is what is read, NULL and the borders of each type included.
func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s service) {
		db := s.open(t)
		name := s.create(t, db)
		at := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
		want := []row{
			{ID: -1 << 63, Customer: "Ærø 'n\" `x`; --"},
			{ID: 0, Customer: "日本語 \\ %_", Amount: new("9999999999.99"), At: &at, Data: []byte{0, 0xff, '\''}},
			{ID: 1<<63 - 1, Customer: strings.Repeat("ü", 20), Amount: new("-0.01"), At: &at, Data: []byte{}},
		}
		write(t, newTable(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: s.dialect}), want...)
		got := readAll(t, newQuery(t, db, name, "id"))
		if len(got) != len(want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		for i := range want {
			g, w := got[i], want[i]
			if g.ID != w.ID || g.Customer != w.Customer || !bytes.Equal(g.Data, w.Data) || (g.Data == nil) != (w.Data == nil) ||
				(g.Amount == nil) != (w.Amount == nil) || g.Amount != nil && *g.Amount != *w.Amount ||
				(g.At == nil) != (w.At == nil) || g.At != nil && !g.At.Equal(*w.At) {
				t.Errorf("row %d is %+v, want %+v", i, g, w)
			}
		}
	})
}

// Bad rows of each kind are found in a batch, and the others are stored.
func TestBadRows(t *testing.T) {
	each(t, func(t *testing.T, s service) {
		db := s.open(t)
		for what, spoil := range map[string]func(r *row){
			"check":       func(r *row) { r.Customer = "" },
			"too long":    func(r *row) { r.Customer = strings.Repeat("x", 21) },
			"primary key": func(r *row) { r.ID = 1 },
			"number":      func(r *row) { r.Amount = new("a lot") },
			"range":       func(r *row) { r.Amount = new("99999999999.00") },
		} {
			name := s.create(t, db)
			values := make([]row, 300)
			for i := range values {
				values[i] = value(i)
			}
			bad := map[int]bool{100: true, 101: true, 299: true}
			for i := range bad {
				spoil(&values[i])
			}
			err := newTable(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: s.dialect}).Write(t.Context(), messages(values...))
			partial, ok := errors.AsType[*connector.PartialError](err)
			if !ok {
				t.Errorf("%s: error %v, want a partial one", what, err)

				continue
			}
			for i, member := range partial.Members {
				if (member.Fate == connector.Failed) != bad[i] || !bad[i] && member.Fate != connector.Accepted {
					t.Errorf("%s: row %d is %s: %v", what, i, member.Fate, member.Err)
				}
				if bad[i] && (connector.ClassOf(member.Err) != connector.ClassPermanent || !strings.Contains(member.Err.Error(), fmt.Sprint("m", i))) {
					t.Errorf("%s: row %d: class %s: %v", what, i, connector.ClassOf(member.Err), member.Err)
				}
			}
			if got := len(readAll(t, newQuery(t, db, name, ""))); got != 297 {
				t.Errorf("%s: %d rows stored, want 297", what, got)
			}
		}
	})
}

// Update and Keep, with rows that exist, and with a key twice in one batch.
func TestConflicts(t *testing.T) {
	each(t, func(t *testing.T, s service) {
		db := s.open(t)
		for onConflict, want := range map[sqlconn.OnConflict][2]string{
			sqlconn.Update: {"new", "last"}, sqlconn.Keep: {"old", "first"},
		} {
			name := s.create(t, db)
			write(t, newTable(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: s.dialect}), row{ID: 1, Customer: "old"})
			table := newTable(t, sqlconn.TableConfig{
				DB: db, Table: name, Dialect: s.dialect, OnConflict: onConflict, Key: []string{"id"},
			})
			write(t, table, row{ID: 1, Customer: "new"}, row{ID: 2, Customer: "first"}, row{ID: 2, Customer: "last"})
			got := readAll(t, newQuery(t, db, name, ""))
			if len(got) != 2 || got[0].Customer != want[0] || got[1].Customer != want[1] {
				t.Errorf("on conflict %d: %+v, want %q", onConflict, got, want)
			}
		}
	})
}

// A constraint that is checked at the commit fails its row alone.
func TestDeferredConstraint(t *testing.T) {
	s := services[0]
	db := s.open(t)
	name := s.create(t, db, "UNIQUE (customer) DEFERRABLE INITIALLY DEFERRED")
	values := make([]row, 16)
	for i := range values {
		values[i] = value(i)
	}
	values[11].Customer = "c3"
	err := newTable(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: s.dialect}).Write(t.Context(), messages(values...))
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok || partial.Members[11].Fate != connector.Failed || connector.ClassOf(partial.Members[11].Err) != connector.ClassPermanent {
		t.Errorf("error %v, want row 11 failed for good", err)
	}
	if got := len(readAll(t, newQuery(t, db, name, ""))); got != 15 {
		t.Errorf("%d rows stored, want 15", got)
	}
}

// Errors that no row is to blame for.
func TestErrorClasses(t *testing.T) {
	each(t, func(t *testing.T, s service) {
		db := s.open(t)
		missing := newTable(t, sqlconn.TableConfig{DB: db, Table: "millrace_missing", Dialect: s.dialect})
		err := missing.Write(t.Context(), messages(value(1), value(2)))
		if connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "millrace_missing") {
			t.Errorf("a missing table: class %s: %v", connector.ClassOf(err), err)
		}
		query, err := sqlconn.NewQuery[row](sqlconn.QueryConfig{DB: db, Name: "wrong", SQL: "SELEC 1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := query.Open(t.Context()); connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("a syntax error: class %s: %v", connector.ClassOf(err), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := missing.Write(ctx, messages(value(1))); connector.ClassOf(err) != connector.ClassTransient {
			t.Errorf("an ended context: class %s: %v", connector.ClassOf(err), err)
		}
	})
}

// A session that the server ends while its rows are read is transient, and says where.
func TestSessionEnds(t *testing.T) {
	each(t, func(t *testing.T, s service) {
		db := s.open(t)
		name := s.create(t, db)
		values := make([]row, 20_000)
		for i := range values {
			values[i] = value(i)
			values[i].Data = bytes.Repeat([]byte{'x'}, 1000)
		}
		write(t, newTable(t, sqlconn.TableConfig{DB: db, Table: name, Dialect: s.dialect}), values...)
		victim := s.open(t)
		victim.SetMaxOpenConns(1)
		var id int64
		if err := victim.QueryRowContext(t.Context(), s.id).Scan(&id); err != nil {
			t.Fatal(err)
		}
		reader, err := newQuery(t, victim, name, "id").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Read(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf(s.kill, id)); err != nil {
			t.Fatal(err)
		}
		for err = nil; err == nil; {
			_, err = reader.Read(t.Context(), 1000)
		}
		if connector.ClassOf(err) != connector.ClassTransient || !strings.Contains(err.Error(), "query rows: after id ") {
			t.Errorf("class %s: %v", connector.ClassOf(err), err)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
		// The pool makes a new session.
		table := newTable(t, sqlconn.TableConfig{DB: victim, Table: name, Dialect: s.dialect})
		write(t, table, row{ID: 1 << 40, Customer: "after"})
	})
}
