package sqlcases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/transform"
)

func (h Harness) pages(t *testing.T) {
	for _, size := range []int{1, 7, 25, 1000} {
		t.Run(fmt.Sprint("page=", size), func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[Row]{
				New: func(t testing.TB, values []Row) connector.Source[Row] {
					t.Helper()
					db := h.Open(t)
					name := create(t, db, "")
					h.fill(t, db, name, values...)
					pages, err := sqlconn.NewPages[Row](sqlconn.PagesConfig{
						DB: db, Dialect: h.Dialect, Name: "rows", Table: name, Key: "id", Page: size, Where: "customer <> 'x'",
					})
					if err != nil {
						t.Fatal(err)
					}

					return pages
				},
				Value: value,
			})
		})
	}
	t.Run("resumes", h.pagesResume)
	t.Run("repeated key", h.pagesRepeat)
}

// pagesResume starts behind a key, and takes what was added since.
func (h Harness) pagesResume(t *testing.T) {
	db := h.Open(t)
	name, done := create(t, db, ""), h.newCheckpoint(t, db, unique("pages"))
	h.fill(t, db, name, Row{ID: -5, Customer: "a"}, Row{ID: 1 << 60, Customer: "b"})
	placeholder := "?"
	if h.Dialect == sqlconn.PostgreSQL {
		placeholder = "$1"
	}
	pages, err := sqlconn.NewPages[Row](sqlconn.PagesConfig{
		DB: db, Dialect: h.Dialect, Name: "rows", Table: name, Key: "id", Where: "customer <> " + placeholder, Args: []any{"x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for run, want := range []string{"[{-5 a} {1152921504606846976 b}]", "[]", "[{1152921504606846978 d}]"} {
		reader, err := done.Resume(pages).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var values []Row
		for err == nil {
			var list []connector.Message[Row]
			list, err = reader.Read(t.Context(), 10)
			for _, m := range list {
				values = append(values, m.Value)
				s := []connector.Settlement{{Position: m.Position(), Outcome: connector.Delivered}}
				if err := reader.Settle(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := fmt.Sprint(values); got != want || !errors.Is(err, io.EOF) {
			t.Errorf("run %d: %s, error %v, want %s", run, got, err, want)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
		if run == 1 {
			h.fill(t, db, name, Row{ID: 1<<60 + 1, Customer: "x"}, Row{ID: 1<<60 + 2, Customer: "d"})
		}
	}
	if _, err := pages.OpenAfter(t.Context(), []connector.Position{{Partition: "other", Offset: 1}}); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("a position of another source: %v", err)
	}
}

// pagesRepeat would miss rows if a key came twice, so that is an error.
func (h Harness) pagesRepeat(t *testing.T) {
	db := h.Open(t)
	name := create(t, db, "")
	h.fill(t, db, name, value(0), value(1), value(1))
	pages, err := sqlconn.NewPages[Row](sqlconn.PagesConfig{DB: db, Dialect: h.Dialect, Name: "rows", Table: name, Key: "id"})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pages.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if _, err := reader.Read(t.Context(), 10); connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("error %v", err)
	}
}

const work = ", millrace_token BIGINT NOT NULL DEFAULT 0, millrace_until BIGINT NOT NULL DEFAULT 0, millrace_attempt BIGINT NOT NULL DEFAULT 0"

func (h Harness) claims(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprint("keep=", keep), func(t *testing.T) {
			t.Parallel()
			conntest.TestSource(t, conntest.SourceHarness[Row]{
				New: func(t testing.TB, values []Row) connector.Source[Row] {
					t.Helper()
					db := h.Open(t)
					name := create(t, db, work+", PRIMARY KEY (id)")
					h.fill(t, db, name, values...)
					claims, err := sqlconn.NewClaims[Row](sqlconn.ClaimsConfig{
						DB: db, Dialect: h.Dialect, Name: "work", Table: name, Key: "id", Where: "customer <> 'x'",
						Lease: 1500 * time.Millisecond, Poll: 20 * time.Millisecond, Keep: keep,
					})
					if err != nil {
						t.Fatal(err)
					}

					return claims
				},
				Value: value, Endless: true,
			})
		})
	}
	t.Run("competing", h.claimsCompete)
}

// compete reads and settles until ctx is canceled.
func (Harness) compete(ctx context.Context, t *testing.T, claims connector.Source[Row], done func([]connector.Message[Row])) {
	t.Helper()
	reader, err := claims.Open(t.Context())
	if err != nil {
		t.Error(err)

		return
	}
	defer func() { _ = reader.Close() }()
	for {
		list, err := reader.Read(ctx, 5)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}

			return
		}
		settlements := make([]connector.Settlement, len(list))
		for i, m := range list {
			settlements[i] = connector.Settlement{Position: m.Position(), Outcome: connector.Delivered}
		}
		if err := reader.Settle(t.Context(), settlements); err != nil {
			t.Error(err)
		}
		done(list)
	}
}

// claimsCompete has four readers work at once: each row is with one of them.
func (h Harness) claimsCompete(t *testing.T) {
	db := h.Open(t)
	name := create(t, db, work+", PRIMARY KEY (id)")
	h.fill(t, db, name, rows(200)...)
	var mu sync.Mutex
	seen := make(map[int64]int)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := func(list []connector.Message[Row]) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range list {
			seen[m.Value.ID]++
		}
		if len(seen) == 200 {
			cancel()
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		claims, err := sqlconn.NewClaims[Row](sqlconn.ClaimsConfig{
			DB: h.Open(t), Dialect: h.Dialect, Name: "work", Table: name, Key: "id", Poll: 5 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { h.compete(ctx, t, claims, done) })
	}
	wg.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("row %d was handed out %d times", id, n)
		}
	}
	if left := count(t, db, "*", name); left != 0 || len(seen) != 200 {
		t.Errorf("%d rows are left of 200, %d are done", left, len(seen))
	}
}

func (h Harness) outbox(t *testing.T) {
	newOutbox := func(t testing.TB) *sqlconn.Outbox[Row] {
		t.Helper()
		db := h.Open(t)
		name := unique("outbox")
		outbox, err := sqlconn.NewOutbox(sqlconn.OutboxConfig[Row]{
			DB: db, Dialect: h.Dialect, Name: name, Codec: transform.JSON[Row](), Key: func(r Row) string { return r.Customer },
			Lease: 1500 * time.Millisecond, Poll: 20 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := outbox.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { execute(t, db, "DELETE FROM millrace_outbox WHERE name = '"+name+"'") })

		return outbox
	}
	add := func(t testing.TB, outbox *sqlconn.Outbox[Row], commit bool, values ...Row) {
		t.Helper()
		tx, err := h.Open(t).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := outbox.Add(t.Context(), tx, values...); err != nil {
			t.Fatal(err)
		}
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	conntest.TestSource(t, conntest.SourceHarness[Row]{
		New: func(t testing.TB, values []Row) connector.Source[Row] {
			t.Helper()
			outbox := newOutbox(t)
			add(t, outbox, false, value(1000)) // rolled back, it never comes
			add(t, outbox, true, values...)

			return outbox
		},
		Value: value, Endless: true,
	})
}
