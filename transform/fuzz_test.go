package transform_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/millrace-go/millrace/transform"
)

// scanned is a text of columns a and b as encoding/csv reads it; false where that fails.
func scanned(text string) ([]pair, bool) {
	reader := csv.NewReader(strings.NewReader(text))
	records, err := reader.ReadAll()
	if err != nil || len(records) == 0 || len(records[0]) != 2 || records[0][0] != "a" || records[0][1] != "b" {
		return nil, false
	}
	var pairs []pair
	for _, record := range records[1:] {
		pairs = append(pairs, pair{record[0], record[1]})
	}

	return pairs, true
}

// FuzzCSV compares with encoding/csv, and looks at every place that a row names.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a,b\r\n\"1\",\"2\"\"\"\r\n", "a,b\n\"\n\",\n\n\"\",x", "a,b\n1\n\"2\"x,3\n\"", "\uFEFFa,b\n1,2\r",
	} {
		f.Add(seed, 0)
		f.Add(seed, 4)
	}
	f.Fuzz(func(t *testing.T, text string, bound int) {
		var config transform.CSVConfig
		if bound > 0 && bound < 1000 {
			config = transform.CSVConfig{MaxField: bound, MaxRecord: bound}
		}
		format := newCSV[pair](t, config)
		reader := format.NewReader(iotest.HalfReader(strings.NewReader(text)))
		var got []pair
		clean := true
		for last := int64(-1); ; {
			row, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				clean = false

				break
			}
			if row.Byte <= last || !strings.HasPrefix(text[row.Byte:], row.Raw) ||
				strings.Count(text[:row.Byte], "\n") != row.Line-1 {
				t.Fatalf("row %+v after byte %d of %q", row, last, text)
			}
			last = row.Byte
			clean = clean && row.Err == nil
			got = append(got, row.Value)
		}
		want, accepted := scanned(text)
		if !accepted || !clean {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d rows, encoding/csv %d", text, len(got), len(want))
		}
		for i := range got {
			got[i].A = strings.ReplaceAll(got[i].A, "\r\n", "\n")
			got[i].B = strings.ReplaceAll(got[i].B, "\r\n", "\n")
			if got[i] != want[i] {
				t.Fatalf("%q: row %d is %q, encoding/csv %q", text, i, got[i], want[i])
			}
		}
	})
}

// FuzzCSVRoundTrip reads back what was written, with encoding/csv as well.
func FuzzCSVRoundTrip(f *testing.F) {
	f.Add("1", "2")
	f.Add("\"", "\r\n,")
	f.Add("", "\uFEFF")
	f.Fuzz(func(t *testing.T, a, b string) {
		format := newCSV[pair](t, transform.CSVConfig{})
		want := pair{a, b}
		text, err := format.Append(format.AppendHeader(nil), want)
		if err != nil {
			if utf8.ValidString(a) && utf8.ValidString(b) {
				t.Fatal(err)
			}

			return
		}
		row, err := format.NewReader(bytes.NewReader(text)).Read()
		if err != nil || row.Err != nil || row.Value != want {
			t.Fatalf("%q: %q reads as %q, %v %v", want, text, row.Value, err, row.Err)
		}
		if peer, ok := scanned(string(text)); !ok || len(peer) != 1 || peer[0].A != strings.ReplaceAll(a, "\r\n", "\n") {
			t.Fatalf("%q: encoding/csv reads %q", text, peer)
		}
	})
}

func FuzzNDJSON(f *testing.F) {
	for _, seed := range []string{"{}\n[1]\n", "\uFEFF1\r\n\n\"x\"", "{\"a\":1,\"a\":2}\n\xff\n", strings.Repeat("[", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const bound = 64
		format := newNDJSON[any](t, transform.NDJSONConfig{MaxLine: bound})
		reader := format.NewReader(iotest.HalfReader(strings.NewReader(text)))
		for {
			row, err := reader.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(text[row.Byte:], row.Raw) || strings.Count(text[:row.Byte], "\n") != row.Line-1 || len(row.Raw) > bound {
				t.Fatalf("row %+v of %q", row, text)
			}
			if row.Err == nil && !jsontext.Value(row.Raw).IsValid() {
				t.Fatalf("accepted %q", row.Raw)
			}
		}
	})
}

// FuzzLines reads lines back into the text that they came from.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\n\nc")
	f.Add("\uFEFF\r\r\n\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		const bound = 64
		format := newLines(t, transform.LinesConfig{MaxLine: bound})
		reader := format.NewReader(iotest.HalfReader(strings.NewReader(text)))
		for last := int64(-1); ; {
			row, err := reader.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.Byte <= last || !strings.HasPrefix(text[row.Byte:], row.Raw) || strings.Count(text[:row.Byte], "\n") != row.Line-1 {
				t.Fatalf("row %+v of %q", row, text)
			}
			last = row.Byte
			if row.Err != nil {
				continue
			}
			again, err := format.Append(nil, row.Value)
			if carriage := strings.HasSuffix(row.Value, "\r"); err != nil && !carriage || err == nil && string(again) != row.Value+"\n" {
				t.Fatalf("line %q is written as %q: %v", row.Value, again, err)
			}
		}
	})
}

// FuzzParseTime checks that the first layout that fits decides, and the zone holds.
func FuzzParseTime(f *testing.F) {
	f.Add("2026-07-01 12:30", "2006-01-02 15:04")
	f.Add("01.07.26", "02.01.06")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, layout string) {
		got, err := transform.ParseTime(text, nil, time.RFC3339Nano, layout)
		want, wrong := time.Parse(time.RFC3339Nano, text)
		if wrong != nil {
			want, wrong = time.Parse(layout, text)
		}
		if (err == nil) != (wrong == nil) || err == nil && !got.Equal(want) || err != nil && !got.IsZero() {
			t.Errorf("%q by %q is %s, %v; want %s, %v", text, layout, got, err, want, wrong)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"x\"]"]}`, `[[[[]]]]`, `"\ud800"`, `1 2`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const depth = 5
		codec, err := transform.NewJSON[any](transform.JSONConfig{MaxDepth: depth})
		if err != nil {
			t.Fatal(err)
		}
		value, err := codec.Decode([]byte(text))
		if err != nil {
			return
		}
		if got := nesting(value); got > depth {
			t.Fatalf("%s nests %d deep", text, got)
		}
		again, err := codec.Append(nil, value)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := codec.Decode(again); err != nil || fmt.Sprint(same) != fmt.Sprint(value) {
			t.Fatalf("%s became %s: %v", text, again, err)
		}
	})
}

func nesting(value any) int {
	deepest := -1
	switch v := value.(type) {
	case []any:
		for _, inner := range v {
			deepest = max(deepest, nesting(inner))
		}
		deepest = max(deepest, 0)
	case map[string]any:
		for _, inner := range v {
			deepest = max(deepest, nesting(inner))
		}
		deepest = max(deepest, 0)
	}

	return deepest + 1
}
