package transform_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

func newNDJSON[T any](t testing.TB, config transform.NDJSONConfig) *transform.NDJSON[T] {
	t.Helper()
	format, err := transform.NewNDJSON[T](config)
	if err != nil {
		t.Fatal(err)
	}

	return format
}

func newLines(t testing.TB, config transform.LinesConfig) *transform.Lines {
	t.Helper()
	format, err := transform.NewLines(config)
	if err != nil {
		t.Fatal(err)
	}

	return format
}

func TestNDJSON(t *testing.T) {
	const bound = 12
	tests := []struct {
		name, text string
		good       string
		line       int
		byte       int64
		cause      string
	}{
		{name: "plain", text: "[1]\n[2]\n", good: "[[1] [2]]"},
		{name: "no last line end", text: "[1]\r\n[2]", good: "[[1] [2]]"},
		{name: "mark and blank lines", text: "\uFEFF\n[1]\n \t\n\n[2]\n\n", good: "[[1] [2]]"},
		{name: "no text", text: "", good: "[]"},
		{name: "bad line", text: "[1]\n\n{\n[2]\n", good: "[[1] [2]]", line: 3, byte: 5, cause: "decode JSON"},
		{name: "cut off", text: "[1]\n[2", good: "[[1]]", line: 2, byte: 4, cause: "decode JSON"},
		{name: "wrong type", text: "\"x\"\n[1]\n", good: "[[1]]", line: 1, cause: "decode JSON"},
		{name: "invalid UTF-8", text: "[1]\n\"\xff\"\n", good: "[[1]]", line: 2, byte: 4, cause: "UTF-8"},
		{name: "at the bound", text: "[1234567890]\r\n[2]\n", good: "[[1234567890] [2]]"},
		{name: "one over", text: "[1]\n[12345678901]\n[2]\n", good: "[[1] [2]]", line: 2, byte: 4, cause: "line of 13 bytes is over the limit of 12"},
		{name: "far over", text: "[1]\n[" + strings.Repeat(" ", 300_000) + "]\r\n[2]\n", good: "[[1] [2]]", line: 2, byte: 4, cause: "line of 13 bytes"},
		{name: "far over at the end", text: "[1]\n[" + strings.Repeat(" ", 300_000), good: "[[1]]", line: 2, byte: 4, cause: "line of 13 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, text := range map[string]io.Reader{
				"at once":      strings.NewReader(test.text),
				"byte by byte": iotest.OneByteReader(strings.NewReader(test.text)),
			} {
				got := readAll(t, newNDJSON[[]int](t, transform.NDJSONConfig{MaxLine: bound}), text)
				if fmt.Sprint(got.good) != test.good || got.end != nil {
					t.Errorf("%s: good %v, %v; want %s", name, got.good, got.end, test.good)
				}
				if test.cause == "" {
					if len(got.bad) > 0 {
						t.Errorf("%s: bad %v", name, got.bad)
					}

					continue
				}
				if len(got.bad) != 1 || got.bad[0].Line != test.line || got.bad[0].Byte != test.byte ||
					!strings.Contains(got.bad[0].Error(), test.cause) || len(got.bad[0].Raw) > bound {
					t.Errorf("%s: bad %v; want line %d byte %d %s", name, got.bad, test.line, test.byte, test.cause)
				}
			}
		})
	}
}

func TestNDJSONConfig(t *testing.T) {
	strict := newNDJSON[tree](t, transform.NDJSONConfig{Strict: true})
	if got := readAll(t, strict, strings.NewReader(`{"name":"x","age":1}`)); len(got.bad) != 1 {
		t.Errorf("strict: %v %v", got.good, got.bad)
	}
	shallow := newNDJSON[any](t, transform.NDJSONConfig{MaxDepth: 1})
	if got := readAll(t, shallow, strings.NewReader("[]\n[[]]\n")); len(got.good) != 1 || len(got.bad) != 1 {
		t.Errorf("depth: %v %v", got.good, got.bad)
	}
	_, err := transform.NewNDJSON[any](transform.NDJSONConfig{MaxLine: -1, MaxDepth: -2})
	if err == nil || !strings.Contains(err.Error(), "MaxLine") || !strings.Contains(err.Error(), "MaxDepth") {
		t.Errorf("negative bounds: %v", err)
	}
}

func TestLines(t *testing.T) {
	got := readAll(t, newLines(t, transform.LinesConfig{MaxLine: 3}), strings.NewReader("\uFEFFone\r\n\ntwo\nfour\n\xff\nend"))
	if fmt.Sprintf("%q", got.good) != `["one" "" "two" "end"]` || len(got.bad) != 2 || got.end != nil {
		t.Fatalf("%q %v %v", got.good, got.bad, got.end)
	}
	if e := got.bad[0]; e.Line != 4 || e.Byte != 13 || e.Raw != "fou" {
		t.Errorf("%v %q", e, e.Raw)
	}
	for value, want := range map[string]string{"": "\n", "abc": "abc\n", "abcd": "", "a\nb": "", "a\r": "", "a\rb": "a\rb\n", "\xff": ""} {
		text, err := newLines(t, transform.LinesConfig{MaxLine: 3}).Append(nil, value)
		if (err != nil) != (want == "") || string(text) != want {
			t.Errorf("%q: %q %v; want %q", value, text, err, want)
		}
		if err != nil && connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%q: class %v", value, connector.ClassOf(err))
		}
	}
	if _, err := transform.NewLines(transform.LinesConfig{MaxLine: -1}); err == nil {
		t.Error("a negative bound")
	}
}

func TestLinesReadFails(t *testing.T) {
	broken := errors.New("cable cut")
	for _, text := range []string{"", "a\nb", "a\n" + strings.Repeat("x", 100)} {
		got := readAll(t, newLines(t, transform.LinesConfig{MaxLine: 3}), io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		if !errors.Is(got.end, broken) {
			t.Errorf("%q: %v; want the error of the text", text, got.end)
		}
	}
}

// A row survives a dead-letter file, whatever bytes it is made of.
func TestRowJSON(t *testing.T) {
	codec := transform.JSON[transform.Row[int]]()
	for _, row := range []transform.Row[int]{
		{Value: 7, Raw: "7", Line: 1, Byte: 2},
		{Raw: "\xff\x00", Line: 3, Byte: 4, Err: errors.New("bad")},
		{},
	} {
		text, err := codec.Append(nil, row)
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec.Decode(text)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(row) {
			t.Errorf("%v: %s reads as %v, %v", row, text, got, err)
		}
	}
}

type failingText struct{ left int }

func (f *failingText) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("pipe closed")
	}

	return len(p), nil
}

func TestWriter(t *testing.T) {
	writer := transform.NewWriter(&failingText{left: 1}, newLines(t, transform.LinesConfig{}))
	if err := writer.Write("a\nb"); err == nil {
		t.Error("a line end in a line")
	}
	long := strings.Repeat("x", 60_000)
	var err error
	written := 0
	for ; err == nil && written < 10; written++ {
		err = writer.Write(long)
	}
	if written != 4 || err == nil || !strings.Contains(err.Error(), "pipe closed") {
		t.Errorf("%v at line %d; want the error of the second buffer", err, written)
	}
	if again := writer.Flush(); !errors.Is(again, err) {
		t.Errorf("then %v; want the same error", again)
	}
	if again := writer.Write("x"); !errors.Is(again, err) {
		t.Errorf("then %v; want the same error", again)
	}
}
