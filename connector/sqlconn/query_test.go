package sqlconn_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

type customer struct {
	Base

	FullName string           `sql:"name"`
	Note     sql.Null[string] `sql:"note"`
	Ignored  chan int         `sql:"-"`
}

func newQuery[T any](t *testing.T, f *fake, key string) *sqlconn.Query[T] {
	t.Helper()
	query, err := sqlconn.NewQuery[T](sqlconn.QueryConfig{
		DB: f.open(t), Name: "q", SQL: "SELECT", Args: []any{1}, Key: key,
	})
	if err != nil {
		t.Fatal(err)
	}

	return query
}

func openQuery[T any](t *testing.T, f *fake, key string) connector.Reader[T] {
	t.Helper()
	reader, err := newQuery[T](t, f, key).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reader.Close(); err != nil {
			t.Errorf("close reader: %v", err)
		}
	})

	return reader
}

// ids gives the fake rows of one column.
func ids(values ...int64) *fake {
	f := &fake{columns: []string{"id"}}
	for _, v := range values {
		f.data = append(f.data, []driver.Value{v})
	}

	return f
}

// The tests that count the messages of a Read run in virtual time: on a busy machine the
// time to fill a chunk could end first.

type idRow struct{ ID int64 }

func TestQueryScansFields(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		day := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
		f := &fake{
			columns: []string{"note", "name", "id", "created"},
			data:    [][]driver.Value{{nil, "Ada", int64(7), day}, {"vip", "Bob", int64(8), day}},
		}
		reader := openQuery[customer](t, f, "")
		messages, err := reader.Read(t.Context(), 10)
		if err != nil || len(messages) != 2 {
			t.Fatalf("read %d messages, error %v", len(messages), err)
		}
		want := customer{Base: Base{ID: 8, Created: day}, FullName: "Bob", Note: sql.Null[string]{V: "vip", Valid: true}}
		if messages[1].Value != want || messages[0].Value.Note.Valid {
			t.Errorf("got %+v, want %+v", messages[1].Value, want)
		}
		if got := messages[1].Position(); got != (connector.Position{Partition: "q", Offset: 2}) {
			t.Errorf("position %v, want q:2", got)
		}
		for range 2 {
			if messages, err := reader.Read(t.Context(), 10); !errors.Is(err, io.EOF) || len(messages) != 0 {
				t.Errorf("at the end: %d messages, error %v", len(messages), err)
			}
		}
	})
}

func TestQueryChunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		values := make([]int64, 600)
		for i := range values {
			values[i] = int64(i)
		}
		reader := openQuery[idRow](t, ids(values...), "")
		for _, c := range []struct{ most, want int }{{0, 1}, {1, 1}, {100, 100}, {1000, 256}, {1000, 242}} {
			messages, err := reader.Read(t.Context(), c.most)
			if err != nil || len(messages) != c.want {
				t.Errorf("read(%d): %d messages, want %d; error %v", c.most, len(messages), c.want, err)
			}
		}
	})
}

func TestQueryColumnsAndFieldsDiffer(t *testing.T) {
	t.Parallel()
	f := &fake{columns: []string{"id", "surname", "id"}}
	_, err := newQuery[invoice](t, f, "").Open(t.Context())
	checkMentions(t, err, "query q", "no field for column surname, id", "no column amount for field Amount")
	if connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("class %s, want permanent", connector.ClassOf(err))
	}
}

func TestQueryKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		messages, err := openQuery[idRow](t, ids(-3, 0, 40), "id").Read(t.Context(), 10)
		if err != nil || len(messages) != 3 {
			t.Fatalf("read %d messages, error %v", len(messages), err)
		}
		for i, want := range []int64{-3, 0, 40} {
			if got := messages[i].Position().Offset; got != want {
				t.Errorf("offset %d, want the key %d", got, want)
			}
		}
		for name, f := range map[string]*fake{"repeated": ids(5, 5), "descending": ids(5, 4)} {
			reader := openQuery[idRow](t, f, "id")
			if messages, err := reader.Read(t.Context(), 10); err != nil || len(messages) != 1 {
				t.Errorf("%s: %d messages, error %v", name, len(messages), err)
			}
			_, err := reader.Read(t.Context(), 10)
			checkMentions(t, err, "comes after 5", "order the query by it")
		}
	})
}

func TestQueryKeyTooLarge(t *testing.T) {
	t.Parallel()
	f := &fake{columns: []string{"id"}, data: [][]driver.Value{{"9223372036854775808"}}}
	_, err := openQuery[struct{ ID uint64 }](t, f, "id").Read(t.Context(), 1)
	checkMentions(t, err, "9223372036854775808 is larger")
}

// A row that does not fit its fields ends the reading, after the rows before it.
func TestQueryBadRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := ids(1)
		f.data = append(f.data, []driver.Value{nil})
		reader := openQuery[idRow](t, f, "")
		if messages, err := reader.Read(t.Context(), 10); err != nil || len(messages) != 1 {
			t.Errorf("%d messages, error %v", len(messages), err)
		}
		_, err := reader.Read(t.Context(), 10)
		checkMentions(t, err, "row after row 1", `name "id"`)
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("class %s, want permanent", connector.ClassOf(err))
		}
	})
}

func TestQueryLostConnection(t *testing.T) {
	t.Parallel()
	for _, lost := range []error{io.ErrUnexpectedEOF, errors.New("invalid connection")} {
		synctest.Test(t, func(t *testing.T) {
			f := ids(1, 2)
			f.fail = func(call string) error {
				if call == "next" && f.count("next") == 2 {
					return lost
				}

				return nil
			}
			reader := openQuery[idRow](t, f, "")
			if messages, err := reader.Read(t.Context(), 10); err != nil || len(messages) != 1 {
				t.Errorf("%d messages, error %v", len(messages), err)
			}
			if _, err := reader.Read(t.Context(), 10); connector.ClassOf(err) != connector.ClassTransient || errors.Is(err, io.EOF) {
				t.Errorf("%v: error %v, want a transient one", lost, err)
			}
		})
	}
}

func TestQueryOpenFails(t *testing.T) {
	t.Parallel()
	for _, refused := range []error{stateError("42601"), &mysqlError{1064}, sqliteError(1), &mattnError{1}} {
		f := &fake{fail: func(call string) error {
			if call == "query SELECT" {
				return refused
			}

			return nil
		}}
		_, err := newQuery[idRow](t, f, "").Open(t.Context())
		if connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("class %s, want permanent: %v", connector.ClassOf(err), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newQuery[idRow](t, ids(), "").Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("open with an ended context: %v", err)
	}
}

// The Reader outlives the context of Open, and Close gives the connection back.
func TestQueryReaderOutlivesOpen(t *testing.T) {
	t.Parallel()
	f := ids(1)
	query := newQuery[idRow](t, f, "")
	ctx, cancel := context.WithCancel(t.Context())
	reader, err := query.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if messages, err := reader.Read(t.Context(), 1); err != nil || len(messages) != 1 {
		t.Errorf("%d messages, error %v", len(messages), err)
	}
	if err := reader.Settle(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

func TestQueryReadCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := ids(1, 2, 3)
		f.delay = time.Minute
		reader := openQuery[idRow](t, f, "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		messages, err := reader.Read(ctx, 10)
		if len(messages) != 0 || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%d messages after %s, error %v", len(messages), time.Since(start), err)
		}
		if _, err := reader.Read(t.Context(), 10); connector.ClassOf(err) != connector.ClassTransient {
			t.Errorf("read after the query was given up: %v", err)
		}
	})
}

// A context that has ended already costs nothing: the next Read goes on.
func TestQueryReadWithEndedContext(t *testing.T) {
	t.Parallel()
	reader := openQuery[idRow](t, ids(1), "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Read(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if messages, err := reader.Read(t.Context(), 1); err != nil || len(messages) != 1 {
		t.Errorf("%d messages, error %v", len(messages), err)
	}
}

// Rows of a slow query do not wait until a chunk is full.
func TestQuerySlowRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := ids(1, 2, 3, 4, 5)
		f.delay = 20 * time.Millisecond
		messages, err := openQuery[idRow](t, f, "").Read(t.Context(), 10)
		if err != nil || len(messages) != 3 {
			t.Errorf("%d messages, want the 3 of the first 50 ms; error %v", len(messages), err)
		}
	})
}

func TestQueryDeclares(t *testing.T) {
	t.Parallel()
	query := newQuery[idRow](t, ids(), "")
	if got := connector.Describe(query); got != (connector.Capabilities{Name: "query q"}) {
		t.Errorf("describes %+v", got)
	}
	if err := query.CheckHealth(t.Context()); err != nil {
		t.Error(err)
	}
}
