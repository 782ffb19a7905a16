package sqlconn_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/sqlconn"
)

type invoice struct {
	ID     int64
	Amount string
}

func newTable(t *testing.T, f *fake) *sqlconn.Table[invoice] {
	t.Helper()
	f.width = 2
	table, err := sqlconn.NewTable[invoice](sqlconn.TableConfig{
		DB: f.open(t), Table: "invoices", Dialect: sqlconn.PostgreSQL,
	})
	if err != nil {
		t.Fatal(err)
	}

	return table
}

func invoices(n int) []connector.Message[invoice] {
	messages := make([]connector.Message[invoice], n)
	for i := range messages {
		messages[i] = connector.NewMessage(invoice{ID: int64(i), Amount: "1.00"}, connector.Fields{ID: fmt.Sprintf("m%d", i)})
	}

	return messages
}

// fates spells out what a Write says of each of n messages.
func fates(err error, n int) []connector.Member {
	if partial, ok := errors.AsType[*connector.PartialError](err); ok {
		return partial.Members
	}
	fate := connector.Failed
	switch {
	case err == nil:
		fate = connector.Accepted
	case connector.ClassOf(err) == connector.ClassAmbiguous:
		fate = connector.Unclear
	}

	return slices.Repeat([]connector.Member{{Fate: fate, Err: err}}, n)
}

// checkHonest fails the test if the fates and what was committed contradict each other.
func checkHonest(t *testing.T, f *fake, members []connector.Member) {
	t.Helper()
	stored := f.stored()
	for i, member := range members {
		copies := 0
		for _, id := range stored {
			if id == int64(i) {
				copies++
			}
		}
		switch member.Fate {
		case connector.Accepted:
			if copies != 1 || member.Err != nil {
				t.Errorf("row %d accepted with error %v, but stored %d times", i, member.Err, copies)
			}
		case connector.Unclear:
			if copies > 1 {
				t.Errorf("row %d stored %d times", i, copies)
			}
		case connector.Failed, connector.NotAttempted:
			if copies != 0 || member.Err == nil {
				t.Errorf("row %d %s with error %v, but stored %d times", i, member.Fate, member.Err, copies)
			}
		}
	}
}

func TestWriteOneTransaction(t *testing.T) {
	t.Parallel()
	f := &fake{}
	table := newTable(t, f)
	if err := table.Write(t.Context(), nil); err != nil || len(f.calls) != 0 {
		t.Errorf("empty write: error %v, calls %v", err, f.calls)
	}
	for range 3 {
		f.committed = nil
		if err := table.Write(t.Context(), invoices(600)); err != nil {
			t.Fatal(err)
		}
		checkHonest(t, f, fates(nil, 600))
	}
	// 600 rows are two statements of 256, and one each of 64, 16 and 8.
	for call, want := range map[string]int{"begin": 3, "commit": 3, "prepare": 4, "exec": 15, "exec SAVEPOINT": 0} {
		if got := f.count(call); got != want {
			t.Errorf("%s: %d calls, want %d", call, got, want)
		}
	}
	if err := table.Close(); err != nil || f.count("close statement") != 4 {
		t.Errorf("close: error %v, %d statements closed", err, f.count("close statement"))
	}
	f.committed = nil
	if err := table.Write(t.Context(), invoices(1)); err != nil {
		t.Errorf("write after close: %v", err)
	}
}

// Whatever call fails, and however, nothing is reported accepted that is not committed,
// and nothing that is committed is reported failed.
func TestWriteFailingAtEachCall(t *testing.T) {
	t.Parallel()
	causes := map[string]error{
		"lost": io.EOF, "bad connection": driver.ErrBadConn, "unnamed": errors.New("broken"),
		"constraint": stateError("23505"), "deadlock": stateError("40P01"), "missing table": stateError("42P01"),
		"cancelled": context.Canceled,
	}
	for name, cause := range causes {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lasting=%t", name, lasting), func(t *testing.T) {
				t.Parallel()
				for failing := range 40 {
					f := &fake{}
					f.refuse = func(row []driver.Value) error {
						if row[0] == int64(2) {
							return stateError("23514")
						}

						return nil
					}
					calls := 0
					f.fail = func(call string) error {
						calls++
						if calls-1 == failing || lasting && calls-1 > failing {
							return cause
						}

						return nil
					}
					err := newTable(t, f).Write(t.Context(), invoices(5))
					if err == nil {
						t.Fatalf("call %d: a bad row was accepted", failing)
					}
					checkHonest(t, f, fates(err, 5))
				}
			})
		}
	}
}

func TestWriteIsolatesBadRows(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7, 300} {
		for _, bad := range [][]int64{{0}, {int64(n) - 1}, {0, int64(n) / 2}} {
			f := &fake{refuse: func(row []driver.Value) error {
				if slices.Contains(bad, row[0].(int64)) {
					return stateError("23505")
				}

				return nil
			}}
			err := newTable(t, f).Write(t.Context(), invoices(n))
			members := fates(err, n)
			checkHonest(t, f, members)
			for i, member := range members {
				wantBad := slices.Contains(bad, int64(i))
				if gotBad := member.Fate == connector.Failed; gotBad != wantBad {
					t.Errorf("%d rows, bad %v: row %d is %s", n, bad, i, member.Fate)
				}
				if wantBad && connector.ClassOf(member.Err) != connector.ClassPermanent {
					t.Errorf("row %d: class %s, want permanent", i, connector.ClassOf(member.Err))
				}
				if wantBad && !strings.Contains(member.Err.Error(), fmt.Sprintf("message m%d", i)) {
					t.Errorf("row %d: error %q does not name the message", i, member.Err)
				}
			}
		}
	}
}

// A driver that gives no code is no reason to give the other rows up.
func TestWriteIsolatesUnnamedErrors(t *testing.T) {
	t.Parallel()
	f := &fake{refuse: func(row []driver.Value) error {
		if row[0] == int64(3) {
			return errors.New("cannot convert")
		}

		return nil
	}}
	members := fates(newTable(t, f).Write(t.Context(), invoices(5)), 5)
	checkHonest(t, f, members)
	for i, member := range members {
		if failed := member.Fate == connector.Failed; failed != (i == 3) {
			t.Errorf("row %d is %s: %v", i, member.Fate, member.Err)
		}
	}
}

// What an attempt that was rolled back found out about a row does not outlive it.
func TestWriteForgetsRolledBackAttempt(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.refuse = func(row []driver.Value) error {
		if row[0] == int64(0) && f.count("commit") == 0 {
			return stateError("23505")
		}

		return nil
	}
	messages := invoices(4)
	messages[2].Value.Amount = "deferred"
	members := fates(newTable(t, f).Write(t.Context(), messages), 4)
	checkHonest(t, f, members)
	if members[0].Fate != connector.Accepted || members[2].Fate != connector.Failed {
		t.Errorf("row 0 is %s, row 2 is %s", members[0].Fate, members[2].Fate)
	}
}

func TestWriteDeferredConstraint(t *testing.T) {
	t.Parallel()
	f := &fake{}
	messages := invoices(6)
	messages[3].Value.Amount = "deferred"
	members := fates(newTable(t, f).Write(t.Context(), messages), 6)
	checkHonest(t, f, members)
	for i, member := range members {
		if failed := member.Fate == connector.Failed; failed != (i == 3) {
			t.Errorf("row %d is %s: %v", i, member.Fate, member.Err)
		}
	}
}

// A database that stops in the middle of the halves leaves the rest not attempted.
func TestWriteStopsBetweenHalves(t *testing.T) {
	t.Parallel()
	f := &fake{}
	f.fail = func(call string) error {
		if call == "commit" && f.count("commit") == 3 {
			return io.EOF
		}

		return nil
	}
	messages := invoices(4)
	messages[0].Value.Amount = "deferred"
	members := fates(newTable(t, f).Write(t.Context(), messages), 4)
	checkHonest(t, f, members)
	want := []connector.Fate{connector.Unclear, connector.NotAttempted, connector.NotAttempted, connector.NotAttempted}
	for i, member := range members {
		if member.Fate != want[i] {
			t.Errorf("row %d is %s, want %s", i, member.Fate, want[i])
		}
	}
}

func TestWriteCommitUnknown(t *testing.T) {
	t.Parallel()
	f := &fake{lateFail: io.EOF}
	err := newTable(t, f).Write(t.Context(), invoices(3))
	if connector.ClassOf(err) != connector.ClassAmbiguous || !errors.Is(err, io.EOF) {
		t.Errorf("error %v of class %s, want ambiguous", err, connector.ClassOf(err))
	}
	if got := len(f.stored()); got != 3 {
		t.Errorf("%d rows stored; the case needs a commit that was done", got)
	}
}

func TestWriteCancelled(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{1, 3} { // before the commit, and between two statements
		ctx, cancel := context.WithCancel(t.Context())
		f := &fake{fail: func(call string) error {
			if strings.HasPrefix(call, "exec") {
				cancel()
			}

			return nil
		}}
		err := newTable(t, f).Write(ctx, invoices(rows))
		if !errors.Is(err, context.Canceled) || connector.ClassOf(err) != connector.ClassTransient {
			t.Errorf("error %v of class %s, want a transient cancellation", err, connector.ClassOf(err))
		}
		if len(f.stored()) != 0 {
			t.Errorf("stored %v after the cancellation", f.stored())
		}
	}
}

func TestWriteClasses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		err  error
		want connector.Class
	}{
		{stateError("08006"), connector.ClassTransient},
		{stateError("22001"), connector.ClassPermanent},
		{stateError("23505"), connector.ClassPermanent},
		{stateError("25006"), connector.ClassTransient},
		{stateError("0A000"), connector.ClassPermanent},
		{stateError("40001"), connector.ClassTransient},
		{stateError("42P01"), connector.ClassPermanent},
		{stateError("53300"), connector.ClassTransient},
		{stateError("57P01"), connector.ClassTransient},
		{stateError("XX000"), connector.ClassUnknown},
		{stateError("?"), connector.ClassUnknown},
		{sqliteError(1), connector.ClassPermanent},
		{sqliteError(5), connector.ClassTransient},
		{sqliteError(261), connector.ClassTransient},
		{sqliteError(1032), connector.ClassTransient},
		{sqliteError(1555), connector.ClassPermanent},
		{sqliteError(8), connector.ClassPermanent},
		{sqliteError(10), connector.ClassTransient},
		{sqliteError(99), connector.ClassUnknown},
		{&mysqlError{1062}, connector.ClassPermanent},
		{&mysqlError{1146}, connector.ClassPermanent},
		{&mysqlError{1213}, connector.ClassTransient},
		{&mysqlError{2006}, connector.ClassTransient},
		{&mysqlError{65535}, connector.ClassUnknown},
		{&mattnError{ExtendedCode: 2067}, connector.ClassPermanent},
		{&mattnError{ExtendedCode: 5}, connector.ClassTransient},
		{io.ErrUnexpectedEOF, connector.ClassTransient},
		{sql.ErrTxDone, connector.ClassTransient},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, connector.ClassTransient},
		{context.DeadlineExceeded, connector.ClassTransient},
		{connector.Permanent(errors.New("valuer")), connector.ClassPermanent},
		{errors.New("unnamed"), connector.ClassUnknown},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%T %v", c.err, c.err), func(t *testing.T) {
			t.Parallel()
			f := &fake{refuse: func([]driver.Value) error { return fmt.Errorf("wrapped: %w", c.err) }}
			err := newTable(t, f).Write(t.Context(), invoices(1))
			if got := connector.ClassOf(err); got != c.want {
				t.Errorf("class %s, want %s: %v", got, c.want, err)
			}
		})
	}
}

func TestWriteConcurrently(t *testing.T) {
	t.Parallel()
	f := &fake{}
	table := newTable(t, f)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := table.Write(t.Context(), invoices(37)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := len(f.stored()); got != 8*37 {
		t.Errorf("%d rows stored, want %d", got, 8*37)
	}
}

func TestTableDeclares(t *testing.T) {
	t.Parallel()
	f := &fake{}
	table := newTable(t, f)
	if got, want := connector.Describe(table), (connector.Capabilities{Name: "table invoices", Durable: true}); got != want {
		t.Errorf("describes %+v, want %+v", got, want)
	}
	if err := table.CheckHealth(t.Context()); err != nil {
		t.Errorf("healthy database: %v", err)
	}
	f.fail = func(string) error { return io.EOF }
	if err := table.CheckHealth(t.Context()); connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("lost database: %v", err)
	}
	upsert, err := sqlconn.NewTable[invoice](sqlconn.TableConfig{
		DB: f.open(t), Table: "t", Dialect: sqlconn.SQLite, OnConflict: sqlconn.Update, Key: []string{"id"},
	})
	if err != nil || !upsert.Describe().Idempotent {
		t.Errorf("an upsert is idempotent: %v", err)
	}
}
