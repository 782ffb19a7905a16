package fileconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

type item struct {
	Name  string `csv:"name"  json:"name"`
	Count int    `csv:"count" json:"count"`
}

func put(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

// drain reads a source to its end, most messages at a time.
func drain[T any](t testing.TB, source connector.Source[T], most int) ([]connector.Message[T], error) {
	t.Helper()
	reader, err := source.Open(t.Context())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}()
	var all []connector.Message[T]
	for {
		messages, err := reader.Read(t.Context(), most)
		if len(messages) > most {
			t.Errorf("%d messages where at most %d were asked for", len(messages), most)
		}
		all = append(all, messages...)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if len(messages) == 0 {
			t.Fatal("no message and no error")
		}
	}
}

func csvItems(t testing.TB, paths ...string) *fileconn.Source[item] {
	t.Helper()
	source, err := fileconn.CSV[item](fileconn.SourceConfig{Paths: paths}, transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}

	return source
}

func TestSourceReadsFilesInOrder(t *testing.T) {
	first := put(t, "one.csv", "name,count\na,1\n\"b\nb\",2\nc,3\n")
	second := put(t, "two.csv", "count,name\n4,d\n")
	for _, most := range []int{1, 2, 1000} {
		got, err := drain(t, csvItems(t, first, second), most)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{first + ":2", first + ":3", first + ":5", second + ":2"}
		if len(got) != len(want) {
			t.Fatalf("%d messages, want %d", len(got), len(want))
		}
		for i, m := range got {
			path, _, _ := strings.Cut(want[i], ":")
			if m.Position().String() != want[i] || m.ID() != want[i] || m.Header("file") != path || m.Value.Count != i+1 {
				t.Errorf("message %d: %v %q %q %+v", i, m.Position(), m.ID(), m.Header("file"), m.Value)
			}
		}
	}
}

func TestSourceName(t *testing.T) {
	path := put(t, "one.csv", "name,count\na,1\n")
	source, err := fileconn.CSV[item](fileconn.SourceConfig{Paths: []string{path}, Name: "orders"}, transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(t, source, 10)
	if err != nil || len(got) != 1 || got[0].ID() != "orders:2" || got[0].Header("file") != path {
		t.Errorf("%v %v", got, err)
	}
	if caps := source.Describe(); caps.Name != "csv "+path || caps.Returns || caps.Ordered {
		t.Errorf("%+v", caps)
	}
}

func TestSourceBadInput(t *testing.T) {
	const header = "name,count\n"
	tests := []struct {
		name, text string
		good       int
		says       []string
	}{
		{name: "empty file", text: "", says: []string{"line 1", "the text is empty; want a header line"}},
		{name: "wrong header", text: "name;count\n", says: []string{"line 1", `no column "count"`}},
		{name: "too few columns", text: header + "a,1\nb\n", good: 1, says: []string{"line 3, byte 15", `column "count"`, "1 columns"}},
		{name: "too many columns", text: header + "a,1,2\n", says: []string{"line 2, byte 11", "3 columns"}},
		{name: "cut off", text: header + "a,1\nb,", good: 1, says: []string{"line 3", `column "count"`, "empty"}},
		{name: "invalid UTF-8", text: header + "a,1\n\xff,2\n", good: 1, says: []string{"line 3", `column "name"`, "UTF-8"}},
		{name: "open quote", text: header + "a,1\n\"b,2\nc,3\n", good: 1, says: []string{"line 3, byte 15", "never closed"}},
		{name: "huge field", text: header + "a,1\n\"" + strings.Repeat("x\n", 1<<20), good: 1, says: []string{"line 3", "over the limit of 1048576"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := put(t, "bad.csv", test.text)
			got, err := drain(t, csvItems(t, path), 100)
			if len(got) != test.good || err == nil || connector.ClassOf(err) != connector.ClassPermanent {
				t.Fatalf("%d messages, %v", len(got), err)
			}
			for _, want := range append(test.says, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q: %v", want, err)
				}
			}
		})
	}
}

// After a bad row the plain source stays where it is: nothing is skipped.
func TestSourceStaysAtABadRow(t *testing.T) {
	reader, err := csvItems(t, put(t, "bad.csv", "name,count\na,1\nb\nc,3\n")).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	messages, first := reader.Read(t.Context(), 10)
	again, second := reader.Read(t.Context(), 10)
	if len(messages) != 1 || len(again) != 0 || first == nil || !errors.Is(second, first) {
		t.Errorf("%d %v, then %d %v", len(messages), first, len(again), second)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}

func TestRowsHandOutBadRows(t *testing.T) {
	path := put(t, "rows.csv", "name,count\na,1\nb\nc,3\nd,x\n\"e,5\n")
	source, err := fileconn.CSVRows[item](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(t, source, 2)
	if e, ok := errors.AsType[*transform.RowError](err); !ok || e.Line != 6 {
		t.Errorf("end %v; want the open quote", err)
	}
	var seen []string
	for _, m := range got {
		seen = append(seen, fmt.Sprintf("%d %s %t", m.Position().Offset, m.Value.Raw, m.Value.Err == nil))
	}
	if fmt.Sprint(seen) != "[2 a,1 true 3 b false 4 c,3 true 5 d,x false]" {
		t.Errorf("%v", seen)
	}
}

func TestOtherFormats(t *testing.T) {
	path := put(t, "x.ndjson", "{\"name\":\"a\",\"count\":1}\n{\n")
	files := fileconn.SourceConfig{Paths: []string{path}}
	plain, err1 := fileconn.NDJSON[item](files, transform.NDJSONConfig{})
	rows, err2 := fileconn.NDJSONRows[item](files, transform.NDJSONConfig{})
	lines, err3 := fileconn.Lines(files, transform.LinesConfig{})
	lineRows, err4 := fileconn.LinesRows(files, transform.LinesConfig{MaxLine: 1})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if got, err := drain(t, plain, 5); len(got) != 1 || err == nil || !strings.Contains(err.Error(), "line 2, byte 23") {
		t.Errorf("ndjson: %v %v", got, err)
	}
	if got, err := drain(t, rows, 5); len(got) != 2 || err != nil || got[1].Value.Err == nil {
		t.Errorf("ndjson rows: %v %v", got, err)
	}
	if got, err := drain(t, lines, 5); len(got) != 2 || err != nil || got[1].Value != "{" {
		t.Errorf("lines: %v %v", got, err)
	}
	if got, err := drain(t, lineRows, 5); len(got) != 2 || err != nil || got[0].Value.Err == nil || got[1].Value.Err != nil {
		t.Errorf("line rows: %v %v", got, err)
	}
	empty := fileconn.SourceConfig{Paths: []string{put(t, "empty", "")}}
	none, err := fileconn.Lines(empty, transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := drain(t, none, 5); len(got) != 0 || err != nil {
		t.Errorf("empty: %v %v", got, err)
	}
}

func TestOpenFails(t *testing.T) {
	good := put(t, "good.csv", "name,count\n")
	for path, want := range map[string]string{
		t.TempDir():                              "it is a directory; name the files in it",
		filepath.Join(t.TempDir(), "absent.csv"): "no such file",
		os.DevNull:                               "not a regular file",
	} {
		source := csvItems(t, good, path)
		_, err := source.Open(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) ||
			connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
		if health := source.CheckHealth(t.Context()); health == nil {
			t.Errorf("%s: healthy", path)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := csvItems(t, good).Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

func TestReadObservesContextAndMax(t *testing.T) {
	reader, err := csvItems(t, put(t, "x.csv", "name,count\na,1\n")).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := reader.Read(ctx, 5); len(got) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := reader.Read(t.Context(), 0); err == nil {
		t.Error("a Read of no message")
	}
	if got, err := reader.Read(t.Context(), 5); len(got) != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("%v %v; want the message after all", got, err)
	}
	if err := errors.Join(reader.Settle(t.Context(), nil), reader.Close()); err != nil {
		t.Error(err)
	}
}

func TestNewSourceFails(t *testing.T) {
	_, err := fileconn.CSV[item](fileconn.SourceConfig{Paths: []string{"a", "", "a"}, Name: "x"}, transform.CSVConfig{MaxField: -1})
	for _, want := range []string{"Paths[1] is empty", `"a" twice`, "Name", "MaxField"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
	if _, err := fileconn.Lines(fileconn.SourceConfig{}, transform.LinesConfig{}); err == nil {
		t.Error("no path")
	}
}

// A chunk costs its values and two slices more, not an allocation for each message.
func TestReadAllocations(t *testing.T) {
	const rows = 10_000
	path := put(t, "x.csv", "name,count\n"+strings.Repeat("abc,1\n", rows))
	source := csvItems(t, path)
	allocs := testing.AllocsPerRun(5, func() {
		reader, err := source.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := reader.Read(t.Context(), 1000); err != nil {
				break
			}
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	})
	const chunks, fixed = rows/1000 + 1, 80
	if allocs > rows+2*chunks+fixed {
		t.Errorf("%v allocations for %d rows", allocs, rows)
	}
}
