package killtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/boltstore"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/queueconn"
	"github.com/millrace-go/millrace/internal/killtest"
	"github.com/millrace-go/millrace/transform"
)

// targets are the embedded drivers.
var targets = slices.Concat(
	killtest.Queue("queueconn", openQueue),
	killtest.Store("boltstore", openStore),
	killtest.Sink("fileconn append", strconv.Itoa, openFile(fileconn.Append), lines),
	killtest.Sink("fileconn parts", strconv.Itoa, openFile(fileconn.Parts), lines),
)

func TestMain(m *testing.M) { killtest.Main(m, slices.Concat(targets, broken)...) }

func TestKill(t *testing.T) { killtest.Test(t, targets...) }

func openQueue(dir string) (connector.Queue[int], error) {
	codec, err := transform.NewJSON[int](transform.JSONConfig{})
	if err != nil {
		return nil, err
	}

	return queueconn.Open(filepath.Join(dir, "queue"), codec, queueconn.Config{MaxAttempts: 1000})
}

func openStore(dir string) (connector.Store, error) {
	return boltstore.Open(filepath.Join(dir, "store"), boltstore.Config{})
}

func openFile(mode fileconn.Mode) func(dir string) (connector.Sink[string], error) {
	return func(dir string) (connector.Sink[string], error) {
		config := fileconn.SinkConfig{Path: filepath.Join(dir, "lines.txt"), Mode: mode}
		if mode == fileconn.Parts {
			config.PartRecords = 30
		}

		return fileconn.NewLinesSink(config, transform.LinesConfig{})
	}
}

func openFileAt(path string) (*fileconn.Sink[string], error) {
	return fileconn.NewLinesSink(fileconn.SinkConfig{Path: path, Mode: fileconn.Append}, transform.LinesConfig{})
}

// lines reads every file that a sink of lines has made.
func lines(t testing.TB, dir string) []int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "lines*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			i, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			found = append(found, i)
		}
	}

	return found
}
