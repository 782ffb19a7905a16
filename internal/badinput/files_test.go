// Package badinput_test sends bad input through whole flows: every case must end with an
// error that names the place and says what to do, and with a ledger that balances.
package badinput_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

type order struct {
	Number   string `csv:"number"`
	Quantity int    `csv:"quantity"`
}

type row = transform.Row[order]

// TestFiles runs a flow in which bad rows are dead letters and bad files are errors.
func TestFiles(t *testing.T) {
	const header = "number,quantity\n"
	for _, test := range []struct {
		name, content string
		delivered     int64
		// letter is in the cause of the one dead letter, fatal in the error of Run.
		letter, fatal []string
	}{
		{
			name: "truncated row", content: header + "A,1\nB,2\nC", delivered: 2,
			letter: []string{"orders.csv", "line 4", "1 columns", "header has 2"},
		},
		{
			name: "truncated in a quoted field", content: header + "A,1\n\"B,2\n", delivered: 1,
			fatal: []string{"orders.csv", "line 3", "quote"},
		},
		{
			name: "wrong header", content: "nummer,menge\nA,1\n",
			fatal: []string{"orders.csv", "line 1", "number"},
		},
		{
			name: "invalid UTF-8", content: header + "A,1\n\xff\xfe,2\nC,3\n", delivered: 2,
			letter: []string{"orders.csv", "line 3", "UTF-8"},
		},
		{
			name: "a column too many", content: header + "A,1\nB,2,3\nC,3\n", delivered: 2,
			letter: []string{"orders.csv", "line 3", "3", "2"},
		},
		{
			name: "not a number", content: header + "A,one\nB,2\n", delivered: 1,
			letter: []string{"orders.csv", "line 2", "quantity", "one"},
		},
		{name: "empty file", content: "", fatal: []string{"orders.csv", "empty"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "orders.csv")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			letters, ledger, err := readOrders(t, path)
			if ledger.Delivered != test.delivered {
				t.Errorf("delivered %d, want %d", ledger.Delivered, test.delivered)
			}
			mentions(t, "the error of Run", err, test.fatal)
			switch {
			case test.letter == nil && len(letters) != 0:
				t.Errorf("unexpected dead letters: %+v", letters)
			case test.letter != nil && len(letters) != 1:
				t.Fatalf("%d dead letters, want 1: %+v", len(letters), letters)
			case test.letter != nil:
				mentions(t, "the dead letter", letters[0].Err, test.letter)
				if !strings.Contains(test.content, letters[0].Value.Raw) || letters[0].Value.Raw == "" {
					t.Errorf("the dead letter lost the text of the row: %q", letters[0].Value.Raw)
				}
			}
		})
	}
}

func TestDirectoryForFile(t *testing.T) {
	dir := t.TempDir()
	_, ledger, err := readOrders(t, dir)
	mentions(t, "the error of Run", err, []string{dir, "directory"})
	if ledger.In != 0 {
		t.Errorf("ledger %v", ledger)
	}
}

// TestHugeUnbalancedQuote opens a quote that 1 GB of zeros does not close.
func TestHugeUnbalancedQuote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.csv")
	if err := os.WriteFile(path, []byte("number,quantity\nA,1\n\"B"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<30); err != nil {
		t.Skipf("the file system has no sparse files: %v", err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, ledger, err := readOrders(t, path)
	runtime.ReadMemStats(&after)
	mentions(t, "the error of Run", err, []string{"huge.csv", "line 3", "1048576"})
	if ledger.Delivered != 1 {
		t.Errorf("ledger %v", ledger)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("reading allocated %d MiB for a field that is refused at 1 MiB", used>>20)
	}
}

// TestFullDisk writes into a file system of 256 KiB.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := mountSmall(dir); err != nil {
		t.Skipf("needs root on Linux, to mount a small file system: %v", err)
	}
	t.Cleanup(func() { unmount(dir) })
	sink, err := fileconn.NewLinesSink(fileconn.SinkConfig{
		Path: filepath.Join(dir, "out.txt"), Mode: fileconn.Append,
	}, transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("x", 16<<10)
	var lines []string
	for range 64 {
		lines = append(lines, line)
	}
	source := memory.NewSource(lines...)
	source.Declare(connector.Capabilities{Name: "lines"}) // it takes nothing back
	p := flow.New("fill", flow.From(source).To(sink))
	err = p.Run(t.Context())
	mentions(t, "the error of Run", err, []string{"fill", "out.txt", "no space left"})
	ledger := balanced(t, p)
	if err := sink.Close(); err != nil {
		t.Log("close:", err)
	}
	written, err := os.ReadFile(filepath.Join(dir, "out.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := int64(strings.Count(string(written), line+"\n")); got != ledger.Delivered || got == 0 {
		t.Errorf("%d lines on disk, %d delivered", got, ledger.Delivered)
	}
}

// readOrders runs a file through a flow and returns the dead letters, the source line of
// the ledger and the error of the run.
func readOrders(t *testing.T, path string) ([]connector.DeadLetter[row], flow.Line, error) {
	t.Helper()
	source, err := fileconn.CSVRows[order](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	rejected, accepted := memory.NewSink[connector.DeadLetter[row]](), memory.NewSink[order]()
	p := flow.New("orders", flow.From(source).
		DeadLetter(rejected).
		Validate(func(r row) error { return r.Err }).
		Map(flow.Pure(func(r row) order { return r.Value })).
		To(accepted))
	err = p.Run(context.WithoutCancel(t.Context()))

	return rejected.Values(), balanced(t, p), err
}

func balanced(t *testing.T, p *flow.Pipeline) flow.Line {
	t.Helper()
	ledger := p.Ledger()
	if !ledger.Balanced() || ledger.Source.InFlight != 0 {
		t.Errorf("the ledger does not balance: %v", ledger)
	}

	return ledger.Source
}

// mentions checks that an error is there exactly when words are wanted, and has all of
// them.
func mentions(t *testing.T, what string, err error, words []string) {
	t.Helper()
	if (err != nil) != (len(words) > 0) {
		t.Fatalf("%s is %v, want one that mentions %q", what, err, words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s does not mention %q: %v", what, w, err)
		}
	}
}
