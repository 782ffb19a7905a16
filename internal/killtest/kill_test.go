package killtest_test

import (
	"errors"
	"fmt"
	"io/fs"
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
	killtest.Source("fileconn folder", openFolder),
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

// openFolder opens a folder of files with 25 numbers each, and makes it at the first time.
func openFolder(dir string) (connector.Source[int], func() error, error) {
	in := filepath.Join(dir, "in")
	if _, err := os.Stat(in); errors.Is(err, fs.ErrNotExist) {
		if err := makeFolder(in); err != nil {
			return nil, nil, err
		}
	}
	files, err := fileconn.OpenDir(in)
	if err != nil {
		return nil, nil, err
	}
	store, err := boltstore.Open(filepath.Join(dir, "store"), boltstore.Config{})
	if err != nil {
		return nil, nil, errors.Join(err, files.Close())
	}
	format, err := transform.NewNDJSON[int](transform.NDJSONConfig{})
	if err != nil {
		return nil, nil, err
	}
	source, err := fileconn.Folder(files, format, fileconn.FolderConfig{
		Store: store, Atomic: true, UntilEmpty: true, Archive: "done",
	})

	return source, func() error { return errors.Join(store.Close(), files.Close()) }, err
}

// makeFolder makes all files, or none where a kill comes between.
func makeFolder(path string) error {
	const perFile = 25
	making, err := os.MkdirTemp(filepath.Dir(path), "making")
	if err != nil {
		return err
	}
	for from := 0; from < killtest.Work; from += perFile {
		var text []byte
		for i := from; i < min(from+perFile, killtest.Work); i++ {
			text = append(strconv.AppendInt(text, int64(i), 10), '\n')
		}
		if err := os.WriteFile(filepath.Join(making, fmt.Sprintf("%06d.ndjson", from)), text, 0o600); err != nil {
			return err
		}
	}

	return os.Rename(making, path)
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
