package sqlitetest_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/connector/sqlconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/retry"
)

// invoices is a source that takes nothing back, so that what fails ends the run.
func invoices(n int64) *memory.Source[invoice] {
	source := memory.NewSource[invoice]()
	source.Declare(connector.Capabilities{Name: "invoices"})
	for _, m := range messages(1, n+1) {
		source.Send(m.Value)
	}

	return source
}

func mentions(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that mentions %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not mention %q: %v", word, err)
		}
	}
}

func balanced(t *testing.T, p *flow.Pipeline) flow.Line {
	t.Helper()
	ledger := p.Ledger()
	if !ledger.Balanced() || ledger.Source.InFlight != 0 {
		t.Errorf("the ledger does not balance: %v", ledger)
	}

	return ledger.Source
}

// The file of the database goes away while a flow writes to it. What the ledger calls
// delivered is in the file.
func TestDatabaseGoesAwayUnderSink(t *testing.T) {
	t.Parallel()
	db, path := openFile(t, schema)
	away := func(_ context.Context, i invoice) (invoice, error) {
		if i.ID != 500 {
			return i, nil
		}

		return i, os.Rename(path, path+".away")
	}
	p := flow.New("billing", flow.From(invoices(1000)).Map(away).As("away").
		Batch(100, time.Second).To(newTable(t, db, sqlconn.Refuse)))
	err := p.Run(t.Context())
	mentions(t, err, "flow billing", "message memory:401", "table invoices", "readonly database")
	line := balanced(t, p)
	if got := count(t, open(t, path+".away"), "true"); int64(got) != line.Delivered || got == 0 || line.Returned == 0 {
		t.Errorf("%d rows, ledger %v", got, line)
	}
}

// It comes back before the attempts are over, and nothing is missing.
func TestDatabaseComesBack(t *testing.T) {
	t.Parallel()
	db, path := openFile(t, schema)
	table := newTable(t, db, sqlconn.Update, "id")
	writes := 0
	shaky := connector.SinkFunc[invoice](func(ctx context.Context, batch []connector.Message[invoice]) error {
		if writes++; writes == 3 {
			if err := os.Rename(path, path+".away"); err != nil {
				t.Error(err)
			}
		}
		if writes == 5 {
			if err := os.Rename(path+".away", path); err != nil {
				t.Error(err)
			}
		}

		return table.Write(ctx, batch)
	})
	p := flow.New("billing", flow.From(invoices(1000)).Batch(100, time.Second).
		To(flow.Into(shaky).Retry(retry.Policy{Attempts: 5, Initial: time.Millisecond})))
	if err := p.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if line := balanced(t, p); line.Delivered != 1000 || count(t, db, "true") != 1000 {
		t.Errorf("ledger %v, %d rows", line, count(t, db, "true"))
	}
}

// The file is cut short while its rows are read.
func TestDatabaseGoesAwayUnderSource(t *testing.T) {
	t.Parallel()
	db, path := openFile(t, schema)
	if err := newTable(t, db, sqlconn.Refuse).Write(t.Context(), messages(1, 2001)); err != nil {
		t.Fatal(err)
	}
	query, err := sqlconn.NewQuery[invoice](sqlconn.QueryConfig{
		DB: open(t, path), Name: "invoices", SQL: "SELECT * FROM invoices ORDER BY id", Key: "id",
	})
	if err != nil {
		t.Fatal(err)
	}
	sink := memory.NewSink[invoice]()
	p := flow.New("export", flow.From(query).Map(func(_ context.Context, i invoice) (invoice, error) {
		if i.ID == 300 {
			return i, os.Truncate(path, 4096)
		}

		return i, nil
	}).As("cut").To(sink))
	err = p.Run(t.Context())
	mentions(t, err, "flow export", "stage from", "query invoices", "after id ", "malformed")
	if line := balanced(t, p); line.Delivered != int64(len(sink.Values())) || line.Delivered < 300 || line.Delivered == 2000 {
		t.Errorf("ledger %v, %d values", line, len(sink.Values()))
	}
}
