package badinput_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// TestFileThatChanges has a file change under a running flow: the run ends with an error,
// and nothing of what was read after the change is delivered.
func TestFileThatChanges(t *testing.T) {
	const rows = 50_000
	text := "number,quantity\n" + strings.Repeat("A,1\n", rows)
	for _, test := range []struct {
		name     string
		change   func(path string) error
		mentions []string
	}{
		{"it is cut", func(path string) error { return os.Truncate(path, int64(len(text))-6) }, []string{"shrank", "200010 now"}},
		{"it is emptied", func(path string) error { return os.Truncate(path, 0) }, []string{"shrank", "0 now", "is lost"}},
		{"it is written on", func(path string) error {
			return os.WriteFile(path, []byte(text+"A,1"), 0o600)
		}, []string{"grew", "200019 now", "wait until its writer is done"}},
		{"it is written anew", func(path string) error {
			return os.WriteFile(path, []byte(strings.ReplaceAll(text, "A,1", "B,2")), 0o600)
		}, []string{"was written to"}},
		{"another one takes its place", func(path string) error {
			return replaced(path, text)
		}, []string{"another file took its place"}},
		{"it is moved away", func(path string) error { return os.Rename(path, path+".1") }, []string{"moved or removed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "orders.csv")
			past := time.Now().Add(-time.Hour)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
			source, err := fileconn.CSV[order](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
			if err != nil {
				t.Fatal(err)
			}
			var once sync.Once
			p := flow.New("orders", flow.From(source).ForEach(func(_ context.Context, o order) error {
				once.Do(func() {
					if err := test.change(path); err != nil {
						t.Error(err)
					}
				})
				if o != (order{Number: "A", Quantity: 1}) {
					t.Errorf("%+v was read after the change", o)
				}

				return nil
			}))
			mentions(t, "the error of Run", p.Run(t.Context()), append(test.mentions, path, "at byte "))
			if ledger := balanced(t, p); ledger.In != ledger.Delivered || ledger.In == 0 {
				t.Errorf("ledger %v", ledger)
			}
		})
	}
}

// replaced renames a new file with the text over the path.
func replaced(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}

	return os.Rename(path+".new", path)
}
