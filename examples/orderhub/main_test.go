package main

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
)

// childVariable makes the test binary be the program, for the test that kills it.
const childVariable = "ORDERHUB_CHILD"

func TestMain(m *testing.M) {
	if state := os.Getenv(childVariable); state != "" {
		if err := child(state); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child runs the program on generated data and tells its status on file descriptor 3, a
// line each millisecond.
func child(state string) error {
	o, _, err := prepare("", state)
	if err != nil {
		return err
	}
	o.logger = newLogger(os.Stderr)
	pipe := os.NewFile(3, "status")
	o.every = time.Millisecond
	o.watch = func(s status) {
		if err := json.MarshalWrite(pipe, s.view()); err != nil {
			return // the test went away
		}
		_, _ = pipe.WriteString("\n")
	}
	r, err := run(context.Background(), o)

	return finish(r, err, "generated data", reportPath(state), io.Discard)
}

func reportPath(state string) string { return filepath.Join(state, "report.json") }

// finished runs the program on data in a state directory to its end.
func finished(t *testing.T, data, state string) result {
	t.Helper()
	o, _, err := prepare(data, state)
	if err != nil {
		t.Fatal(err)
	}
	o.logger = zap.NewNop()
	r, err := run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	checkLedgers(t, r.Report)

	return r
}

// checkLedgers is an account of its own: it does not ask Balanced.
func checkLedgers(t *testing.T, r Report) {
	t.Helper()
	if !r.Balanced || len(r.Ledger) != 3 {
		t.Errorf("balanced %t, %d ledgers", r.Balanced, len(r.Ledger))
	}
	for name, l := range r.Ledger {
		if sum := l.Delivered + l.Filtered + l.Duplicate + l.Dropped + l.DeadLettered + l.Returned; l.In != sum || l.InFlight != 0 {
			t.Errorf("ledger of %s does not balance: %+v", name, l)
		}
	}
}

// readReport reads a report that the program wrote.
func readReport(t *testing.T, path string) Report {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(text, &r, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}

	return r
}

// writtenInvoices counts each invoice in the NDJSON file.
func writtenInvoices(t *testing.T, state string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(state, "invoices.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		var i Invoice
		if err := json.Unmarshal([]byte(line), &i); err != nil {
			t.Fatalf("%v: %.100s", err, line)
		}
		counts[i.Key()]++
	}

	return counts
}

func TestWrongUse(t *testing.T) {
	state := t.TempDir()
	other := t.TempDir()
	if err := generate(other); err != nil {
		t.Fatal(err)
	}
	if err := command(t.Context(), []string{"-state", state}, null(t), null(t)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(other, "partner_b.csv")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, append(text, "\r\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"argument":     {[]string{"more"}, `unexpected argument "more"`},
		"flag":         {[]string{"-much"}, "-much"},
		"no data":      {[]string{"-data", t.TempDir()}, "partner_a.csv"},
		"other data":   {[]string{"-data", other, "-state", state}, "partner_b.csv is not the file that this state was begun with"},
		"state a file": {[]string{"-state", file}, "partner_b.csv"},
		"report":       {[]string{"-state", state, "-json", t.TempDir()}, "write the report"},
	} {
		t.Run(name, func(t *testing.T) {
			err := command(t.Context(), test.args, null(t), null(t))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want %q", err, test.says)
			}
		})
	}
}

func null(t *testing.T) *os.File {
	t.Helper()
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })

	return file
}

// A wrong header stops the program with the file and the line, and the ledgers balance.
func TestWrongHeader(t *testing.T) {
	data := t.TempDir()
	if err := generate(data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "partner_a.csv"), []byte("InvoiceNo;Quantity\n1;2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, _, err := prepare(data, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o.logger = zap.NewNop()
	r, err := run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "partner_a.csv") || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("%v; want the file and the line", err)
	}
	for _, l := range r.status.ledgers {
		if !l.Balanced() || l.Source.InFlight != 0 {
			t.Error(l)
		}
	}
}
