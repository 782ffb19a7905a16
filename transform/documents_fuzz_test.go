package transform_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// places reads a text and checks that each row stands where it says, and that rows and
// errors are the same however the text comes in. It returns the values.
func places[T comparable](t *testing.T, format transform.Decoder[T], text string) []T {
	t.Helper()
	var values []T
	reader := format.NewReader(strings.NewReader(text))
	slow := format.NewReader(iotest.OneByteReader(strings.NewReader(text)))
	for last := 0; ; {
		row, err := reader.Read()
		again, slowErr := slow.Read()
		if (err == nil) != (slowErr == nil) || err != nil && placeOf(err) != placeOf(slowErr) {
			t.Fatalf("the error depends on how the text comes: %v, %v", err, slowErr)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("class of %v", err)
			}

			return values
		}
		if row.Raw != again.Raw || row.Line != again.Line || row.Byte != again.Byte || (row.Err == nil) != (again.Err == nil) {
			t.Fatalf("%+v, %+v", row, again)
		}
		if row.Byte < 0 || int(row.Byte)+len(row.Raw) > len(text) || text[row.Byte:int(row.Byte)+len(row.Raw)] != row.Raw {
			t.Errorf("row %d is not at byte %d: %q", row.Line, row.Byte, row.Raw)
		}
		if row.Line <= last {
			t.Errorf("line %d behind line %d", row.Line, last)
		}
		last = row.Line
		if row.Err == nil {
			values = append(values, row.Value)
		}
	}
}

// placeOf is the line and byte in an error; what follows may name half a character.
func placeOf(err error) string {
	place, _, _ := strings.Cut(err.Error(), ": ")

	return place
}

// roundTrip writes what was read and reads it again.
func roundTrip[T comparable, F interface {
	transform.Decoder[T]
	transform.Encoder[T]
}](t *testing.T, format F, values []T) {
	t.Helper()
	text, bad, err := transform.Encode[T](format, values)
	if err != nil {
		t.Fatal(err)
	}
	reader := format.NewReader(bytes.NewReader(text))
	for i, value := range values {
		if bad[i] != nil {
			continue
		}
		row, err := reader.Read()
		if err != nil || row.Err != nil || row.Value != value {
			t.Fatalf("%+v became %+v, %v %v, in %q", value, row.Value, err, row.Err, text)
		}
	}
	if _, err := reader.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("%v behind the last record", err)
	}
}

func FuzzJSONArray(f *testing.F) {
	for _, seed := range []string{`[{"name":"a","count":1}, {"name":"b"}]`, `[]`, `[1,"x",{"name":[[]]}]`, "\uFEFF[{}]", `[{"name":"a","name":"b"}`, `[7,12`, `[]x`} {
		f.Add(seed)
	}
	format, err := transform.NewJSONArray[part](transform.JSONArrayConfig{MaxElement: 64, MaxDepth: 4})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, format, places(t, format, text)) })
}

func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		`<x><part count="1"><name>a</name></part><part/></x>`, `<?xml version="1.0"?><x xmlns:p="u"><p:part p:count="2"/></x>`,
		`<!DOCTYPE x><x/>`, `<x><part><name>&lt;&#0;</name></part>`, "<x>\r\n<part><name>\r\n</name></part></x>", `<part><part/></part>`,
	} {
		f.Add(seed)
	}
	format, err := transform.NewXML[part](transform.XMLConfig{Record: "part", MaxElement: 128, MaxDepth: 5})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, format, places(t, format, text)) })
}

func FuzzFixed(f *testing.F) {
	type row struct {
		A string `fixed:"3"`
		B int    `fixed:"4"`
		C bool   `fixed:"5"`
	}
	for _, seed := range []string{"abc   7 true\n", "ä  -123false\r\n\nx", "abc    7 true ", "\uFEFFabc  17 true"} {
		f.Add(seed)
	}
	format, err := transform.NewFixed[row](transform.FixedConfig{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, format, places(t, format, text)) })
}

// FuzzZip has archives and gzip texts of all kinds end with rows and an error that has a
// class, within the bounds.
func FuzzZip(f *testing.F) {
	f.Add([]byte(zipOf(f, entry{name: "a.csv", text: "1\n2\n"}, entry{name: "b/c", text: "3"})))
	f.Add([]byte(gzipped("1\n2\n")))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		f.Fatal(err)
	}
	const most = 1 << 16
	config := transform.DecompressConfig{MaxBytes: most}
	archive, err1 := transform.Zip[string](lines, transform.ZipConfig{MaxEntries: 8, Inflate: config})
	packed, err2 := transform.Gzip[string](lines, config)
	if err := errors.Join(err1, err2); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []transform.Decoder[string]{archive, packed} {
			reader, size, last := format.NewReader(bytes.NewReader(text)), 0, 0
			for {
				row, err := reader.Read()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					if connector.ClassOf(err) != connector.ClassPermanent {
						t.Errorf("class of %v", err)
					}

					break
				}
				if size += len(row.Raw); size > most {
					t.Fatal("more text than the bound")
				}
				if row.Line <= last {
					t.Errorf("line %d behind line %d", row.Line, last)
				}
				last = row.Line
			}
		}
	})
}
