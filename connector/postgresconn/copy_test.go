package postgresconn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/postgresconn"
)

type invoice struct {
	ID       int64
	Customer string
	Parent   *int64
}

const invoiceColumns = "id BIGINT PRIMARY KEY, customer VARCHAR(20) NOT NULL CHECK (customer <> ''), parent BIGINT"

func invoices(n int) []invoice {
	list := make([]invoice, n)
	for i := range list {
		list[i] = invoice{ID: int64(i + 1), Customer: fmt.Sprint("c", i)}
	}

	return list
}

// Bad rows of each kind are found in a batch, by the line that the error names or by
// halving, and the others are stored. It makes no difference how the rows go in.
func TestBadRows(t *testing.T) {
	pool := open(t)
	kinds := map[string]struct {
		spoil   func(i *invoice)
		columns string
		refuse  bool // only with Refuse
	}{
		"check":         {spoil: func(i *invoice) { i.Customer = "" }},
		"too long":      {spoil: func(i *invoice) { i.Customer = strings.Repeat("x", 21) }},
		"nul byte":      {spoil: func(i *invoice) { i.Customer = "a\x00b" }},
		"invalid UTF-8": {spoil: func(i *invoice) { i.Customer = "a\xff" }},
		"primary key":   {spoil: func(i *invoice) { i.ID = 1 }, refuse: true},
		"unique":        {spoil: func(i *invoice) { i.Customer = "c3" }, columns: ", UNIQUE (customer)"},
		"foreign key":   {spoil: func(i *invoice) { i.Parent = new(int64(-1)) }, columns: ", FOREIGN KEY (parent) REFERENCES %s (id)"},
		"deferred": {
			spoil:   func(i *invoice) { i.Customer = "c3" },
			columns: ", UNIQUE (customer) DEFERRABLE INITIALLY DEFERRED",
		},
	}
	for name, kind := range kinds {
		for _, onConflict := range []postgresconn.OnConflict{postgresconn.Refuse, postgresconn.Update, postgresconn.Keep} {
			if kind.refuse && onConflict != postgresconn.Refuse {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, onConflict), func(t *testing.T) {
				table := create(t, pool, invoiceColumns)
				if kind.columns != "" {
					constraint := strings.TrimPrefix(kind.columns, ", ")
					if strings.Contains(constraint, "%s") {
						constraint = fmt.Sprintf(constraint, table)
					}
					execute(t, pool, "ALTER TABLE "+table+" ADD "+constraint)
				}
				config := postgresconn.CopyConfig{Pool: pool, Table: table, OnConflict: onConflict}
				if onConflict != postgresconn.Refuse {
					config.Key = []string{"id"}
				}
				checkBadRows(t, newCopy[invoice](t, config), kind.spoil)
				if got := one[int](t, pool, "SELECT count(*) FROM "+table); got != 297 {
					t.Errorf("%d rows stored, want 297", got)
				}
			})
		}
	}
}

// membersOf are those of a partial error.
func membersOf(t *testing.T, err error) []connector.Member {
	t.Helper()
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok {
		t.Fatalf("error %v, want a partial one", err)
	}

	return partial.Members
}

func checkBadRows(t *testing.T, sink *postgresconn.Copy[invoice], spoil func(i *invoice)) {
	t.Helper()
	values := invoices(300)
	bad := map[int]bool{100: true, 101: true, 299: true}
	for i := range bad {
		spoil(&values[i])
	}
	err := sink.Write(t.Context(), messages(values...))
	for i, member := range membersOf(t, err) {
		if (member.Fate == connector.Failed) != bad[i] || !bad[i] && member.Fate != connector.Accepted {
			t.Errorf("row %d is %s: %v", i, member.Fate, member.Err)
		}
		id := fmt.Sprint("m:", i+1)
		if bad[i] && (connector.ClassOf(member.Err) != connector.ClassPermanent || !strings.Contains(member.Err.Error(), id+":")) {
			t.Errorf("row %d: class %s: %v", i, connector.ClassOf(member.Err), member.Err)
		}
	}
}

// Update and Keep, with rows that exist, and with a key twice in one batch.
func TestConflicts(t *testing.T) {
	pool := open(t)
	for onConflict, want := range map[postgresconn.OnConflict][2]string{
		postgresconn.Update: {"new", "last"}, postgresconn.Keep: {"old", "first"},
	} {
		table := create(t, pool, invoiceColumns+", note TEXT NOT NULL DEFAULT 'none', serial INT GENERATED ALWAYS AS IDENTITY")
		execute(t, pool, "INSERT INTO "+table+" (id, customer) VALUES (1, 'old')")
		sink := newCopy[invoice](t, postgresconn.CopyConfig{Pool: pool, Table: table, OnConflict: onConflict, Key: []string{"id"}})
		for range 2 { // the second time the staging table is there
			err := sink.Write(t.Context(), messages(
				invoice{ID: 1, Customer: "new"}, invoice{ID: 2, Customer: "first"}, invoice{ID: 2, Customer: "last"}))
			if err != nil {
				t.Fatal(err)
			}
		}
		got := one[string](t, pool, "SELECT string_agg(customer || ' ' || note, ', ' ORDER BY id) FROM "+table)
		if got != want[0]+" none, "+want[1]+" none" {
			t.Errorf("on conflict %d: %s, want %q", onConflict, got, want)
		}
	}
}

// Rows whose key is NULL are different rows, as they are to the constraint.
func TestNullKeys(t *testing.T) {
	pool := open(t)
	type row struct {
		Code *string
		N    int
	}
	table := create(t, pool, "code TEXT UNIQUE, n BIGINT")
	sink := newCopy[row](t, postgresconn.CopyConfig{Pool: pool, Table: table, OnConflict: postgresconn.Update, Key: []string{"code"}})
	if err := sink.Write(t.Context(), messages(row{nil, 1}, row{nil, 2}, row{new("a"), 3}, row{new("a"), 4})); err != nil {
		t.Fatal(err)
	}
	if got := one[string](t, pool, "SELECT string_agg(n::text, ' ' ORDER BY n) FROM "+table); got != "1 2 4" {
		t.Errorf("rows %s, want 1 2 4", got)
	}
}

// A column whose type changes while the sink is in use is written as what it is now.
func TestTableChanges(t *testing.T) {
	pool := open(t)
	type row struct{ ID, N int64 }
	for _, to := range []string{"NUMERIC", "INTEGER", "BIGINT"} {
		table := create(t, pool, "id BIGINT PRIMARY KEY, n BIGINT")
		for onConflict, key := range map[postgresconn.OnConflict][]string{postgresconn.Refuse: nil, postgresconn.Update: {"id"}} {
			sink := newCopy[row](t, postgresconn.CopyConfig{Pool: pool, Table: table, OnConflict: onConflict, Key: key})
			base := int64(onConflict) * 10
			if err := sink.Write(t.Context(), messages(row{base + 1, 1})); err != nil {
				t.Fatal(err)
			}
			execute(t, pool, "ALTER TABLE "+table+" ALTER n TYPE "+to)
			if err := sink.Write(t.Context(), messages(row{base + 2, 2}, row{base + 3, 3})); err != nil {
				t.Errorf("%s: %v", to, err)
			}
			execute(t, pool, "ALTER TABLE "+table+" ALTER n TYPE BIGINT")
		}
		if got := one[string](t, pool, "SELECT string_agg(n::text, ' ' ORDER BY id) FROM "+table); got != "1 2 3 1 2 3" {
			t.Errorf("%s: rows %s", to, got)
		}
	}
	// Eight bytes both: the old encoding would be taken for a time.
	table := create(t, pool, "id BIGINT, n BIGINT")
	sink := newCopy[row](t, postgresconn.CopyConfig{Pool: pool, Table: table})
	if err := sink.Write(t.Context(), messages(row{1, 1})); err != nil {
		t.Fatal(err)
	}
	execute(t, pool, "ALTER TABLE "+table+" ALTER n TYPE TIMESTAMPTZ USING now()")
	err := sink.Write(t.Context(), messages(row{2, 2}))
	if connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "field N: a int64 does not fit column n of type timestamptz") {
		t.Errorf("class %s: %v", connector.ClassOf(err), err)
	}
}

func TestErrorClasses(t *testing.T) {
	pool := open(t)
	missing := newCopy[invoice](t, postgresconn.CopyConfig{Pool: pool, Table: "millrace_missing"})
	err := missing.Write(t.Context(), messages(invoices(2)...))
	if connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), "millrace_missing") {
		t.Errorf("a missing table: class %s: %v", connector.ClassOf(err), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := missing.Write(ctx, messages(invoices(1)...)); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("an ended context: class %s: %v", connector.ClassOf(err), err)
	}
	gone := openAt(t, "postgres://postgres@127.0.0.1:1/test?sslmode=disable")
	sink := newCopy[invoice](t, postgresconn.CopyConfig{Pool: gone, Table: "t"})
	if err := sink.Write(t.Context(), messages(invoices(1)...)); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("no server: class %s: %v", connector.ClassOf(err), err)
	}
	if err := sink.CheckHealth(t.Context()); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("health without a server: class %s: %v", connector.ClassOf(err), err)
	}
	table := create(t, pool, "id BIGINT, extra INET")
	type wrong struct {
		ID    bool
		Extra string
		More  int
	}
	err = newCopy[wrong](t, postgresconn.CopyConfig{Pool: pool, Table: table}).Write(t.Context(), messages(wrong{}))
	for _, want := range []string{"field ID: a bool", "field Extra: a string does not fit column extra of type inet", "no column more"} {
		if err == nil || connector.ClassOf(err) != connector.ClassPermanent || !strings.Contains(err.Error(), want) {
			t.Errorf("class %s, want %q in: %v", connector.ClassOf(err), want, err)
		}
	}
}

func TestCopyConfigErrors(t *testing.T) {
	_, err := postgresconn.NewCopy[invoice](postgresconn.CopyConfig{OnConflict: 9, Key: []string{"no"}})
	for _, want := range []string{"Pool is nil", "OnConflict 9", `Key "no"`, "identifier is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in: %v", want, err)
		}
	}
	for table, want := range map[string]string{
		`t"; drop table t`: "only letters", "a.b.c.d": "more than 3 parts", strings.Repeat("a", 64): "64 bytes",
	} {
		if _, err := postgresconn.NewCopy[invoice](postgresconn.CopyConfig{Table: table}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("table %q: want %q in: %v", table, want, err)
		}
	}
	if _, err := postgresconn.NewCopy[int](postgresconn.CopyConfig{}); err == nil || !strings.Contains(err.Error(), "not a struct") {
		t.Errorf("error %v", err)
	}
	for _, config := range []postgresconn.CopyConfig{{Key: []string{"id"}}, {OnConflict: postgresconn.Keep}} {
		if _, err := postgresconn.NewCopy[invoice](config); err == nil || !strings.Contains(err.Error(), "CopyConfig.Key") {
			t.Errorf("error %v", err)
		}
	}
}
