package fileconn_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

func conformItem(i int) item { return item{Name: fmt.Sprintf("item \"%d\"", i), Count: i} }

// encoded returns the text of the values.
func encoded[T any](t testing.TB, format transform.Format[T], values []T) string {
	t.Helper()
	text := format.AppendHeader(nil)
	for _, value := range values {
		var err error
		if text, err = format.Append(text, value); err != nil {
			t.Fatal(err)
		}
	}

	return string(text)
}

func TestSourceConformance(t *testing.T) {
	t.Run("csv", func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[item]{
			New: func(t testing.TB, values []item) connector.Source[item] {
				format, err := transform.NewCSV[item](transform.CSVConfig{})
				if err != nil {
					t.Fatal(err)
				}

				return csvItems(t, put(t, "x.csv", encoded(t, format, values)))
			},
			Value: conformItem, Reopen: anew[item], Edges: edgeItems(),
		})
	})
	t.Run("ndjson", func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[item]{
			New: func(t testing.TB, values []item) connector.Source[item] {
				format, err := transform.NewNDJSON[item](transform.NDJSONConfig{})
				if err != nil {
					t.Fatal(err)
				}
				path := put(t, "x.ndjson", encoded(t, format, values))
				source, err := fileconn.NDJSON[item](fileconn.SourceConfig{Paths: []string{path}}, transform.NDJSONConfig{})
				if err != nil {
					t.Fatal(err)
				}

				return source
			},
			Value: conformItem, Reopen: anew[item], Edges: edgeItems(),
		})
	})
	t.Run("lines", func(t *testing.T) {
		conntest.TestSource(t, conntest.SourceHarness[string]{
			New: func(t testing.TB, values []string) connector.Source[string] {
				format, err := transform.NewLines(transform.LinesConfig{})
				if err != nil {
					t.Fatal(err)
				}
				path := put(t, "x.txt", encoded(t, format, values))
				source, err := fileconn.Lines(fileconn.SourceConfig{Paths: []string{path}}, transform.LinesConfig{})
				if err != nil {
					t.Fatal(err)
				}

				return source
			},
			Value: func(i int) string { return fmt.Sprint("line ", i) }, Reopen: anew[string], Edges: edgeLines(),
		})
	})
}

// anew is what a crash leaves of a source of files: it keeps nothing between two Opens.
func anew[T any](_ testing.TB, source connector.Source[T]) connector.Source[T] { return source }

func edgeItems() []item {
	return []item{{}, {Name: " "}, {Name: "a,\"b\"\n\tc\\", Count: math.MinInt}, {Name: strings.Repeat("é", 10_000), Count: math.MaxInt}}
}

func edgeLines() []string {
	return []string{"", " ", "\x00\x7f", "\"", strings.Repeat("x", 100_000)}
}

func TestSinkConformance(t *testing.T) {
	for _, mode := range []fileconn.Mode{fileconn.WholeFile, fileconn.Parts, fileconn.Append} {
		t.Run("lines, "+mode.String(), func(t *testing.T) {
			conntest.TestSink(t, conntest.SinkHarness[string]{
				New: func(t testing.TB) (connector.Sink[string], func(testing.TB) []string) {
					path := target(t)
					sink := lineSink(t, fileconn.SinkConfig{Path: path, Mode: mode})

					return sink, func(t testing.TB) []string { return contents(t, path) }
				},
				Value: func(i int) string { return fmt.Sprintf("line %06d", i) },
				Bad:   func(i int) string { return fmt.Sprintf("two\nlines %d", i) },
				Edges: []string{"", " ", "\x00\x7f", strings.Repeat("x", 100)},
			})
		})
	}
	t.Run("csv", func(t *testing.T) {
		conntest.TestSink(t, conntest.SinkHarness[item]{
			New: func(t testing.TB) (connector.Sink[item], func(testing.TB) []item) {
				path := filepath.Join(t.TempDir(), "x.csv")
				sink, err := fileconn.NewCSVSink[item](fileconn.SinkConfig{Path: path, Mode: fileconn.Append}, transform.CSVConfig{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { closed(t, sink) })

				return sink, func(t testing.TB) []item {
					if info, err := os.Stat(path); err != nil || info.Size() == 0 {
						return nil
					}
					got, err := drain(t, csvItems(t, path), 1000)
					if err != nil {
						t.Fatal(err)
					}
					var items []item
					for _, m := range got {
						items = append(items, m.Value)
					}

					return items
				}
			},
			Value: conformItem,
			Bad:   func(i int) item { return item{Name: "\xff", Count: i} },
			Edges: edgeItems(),
		})
	})
}

// contents returns the lines of the files of a path, complete or not, in their order.
func contents(t testing.TB, path string) []string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"out*", ".out*.tmp"} {
		found, err := filepath.Glob(filepath.Join(filepath.Dir(path), pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		return nil
	}
	source, err := fileconn.Lines(fileconn.SourceConfig{Paths: paths}, transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(t, source, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range got {
		lines = append(lines, m.Value)
	}

	return lines
}
