package transform_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

type part struct {
	Name  string `json:"name"           xml:"name"`
	Count int    `json:"count"          xml:"count,attr"`
	Note  string `json:"note,omitempty" xml:"note,omitempty"`
}

// readAll returns the rows of a text in a line each, and what ended the reading.
func readDocument[T any](t testing.TB, format transform.Decoder[T], text string) ([]string, error) {
	t.Helper()
	return readRows(format, iotest.HalfReader(strings.NewReader(text)))
}

func readRows[T any](format transform.Decoder[T], text io.Reader) ([]string, error) {
	reader := format.NewReader(text)
	var rows []string
	for {
		row, err := reader.Read()
		if err != nil {
			if _, again := reader.Read(); !errors.Is(again, err) {
				return rows, fmt.Errorf("the error is not repeated: %w, then %w", err, again)
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}

			return rows, err
		}
		if row.Err != nil {
			rows = append(rows, fmt.Sprintf("%d:%d %s !", row.Line, row.Byte, row.Raw))
		} else {
			rows = append(rows, fmt.Sprintf("%d:%d %s %v", row.Line, row.Byte, row.Raw, row.Value))
		}
	}
}

type documentCase struct {
	name, text string
	rows       []string
	says       []string // in the error that ends the reading
}

func checkDocuments[T any](t *testing.T, format transform.Decoder[T], tests []documentCase) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows, err := readDocument(t, format, test.text)
			if !reflect.DeepEqual(rows, test.rows) {
				t.Errorf("rows %q, want %q", rows, test.rows)
			}
			if (err != nil) != (len(test.says) > 0) {
				t.Fatalf("%v; want %q", err, test.says)
			}
			for _, want := range test.says {
				if !strings.Contains(err.Error(), want) || connector.ClassOf(err) != connector.ClassPermanent {
					t.Errorf("%v; want a permanent error with %q", err, want)
				}
			}
		})
	}
}

func TestJSONArray(t *testing.T) {
	format, err := transform.NewJSONArray[part](transform.JSONArrayConfig{MaxElement: 40, MaxDepth: 3, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	a, b := `{"name":"a","count":1}`, `{"name":"b","count":2}`
	checkDocuments(t, format, []documentCase{
		{name: "two", text: "[" + a + ",\n " + b + "]", rows: []string{"1:1 " + a + " {a 1 }", "2:26 " + b + " {b 2 }"}},
		{name: "none", text: " [ ] \n"},
		{name: "byte order mark", text: "\uFEFF[" + a + "]", rows: []string{"1:4 " + a + " {a 1 }"}},
		{
			name: "bad elements", text: `[7,` + a + `,{"name":"x","name":"y"},{"other":1},{"count":"x"},{"name":[[[]]]},{"name":"` + "\xff" + `"}]`,
			rows: []string{
				"1:1 7 !", "2:3 " + a + " {a 1 }", `3:26 {"name":"x","name":"y"} !`, `4:50 {"other":1} !`,
				`5:62 {"count":"x"} !`, `6:76 {"name":[[[]]]} !`, "7:92 {\"name\":\"\xff\"} !",
			},
		},
		{name: "a bound met", text: `["` + strings.Repeat("x", 38) + `"]`, rows: []string{`1:1 "` + strings.Repeat("x", 38) + `" !`}},
		{name: "a byte over the bound", text: `[` + a + `,"` + strings.Repeat("x", 39) + `"]`, rows: []string{"1:1 " + a + " {a 1 }"}, says: []string{"over the limit of 40"}},
		{name: "never ends", text: `["` + strings.Repeat("x", 1<<20), says: []string{"over the limit of 40"}},
		{name: "cut off between elements", text: "[" + a + ",", rows: []string{"1:1 " + a + " {a 1 }"}, says: []string{"line 2, byte 24", "cut off"}},
		{name: "cut off behind an element", text: "[" + a, rows: []string{"1:1 " + a + " {a 1 }"}, says: []string{"cut off"}},
		{name: "cut off in an element", text: "[" + a[:10], says: []string{"cut off"}},
		{name: "cut off in a number, perhaps", text: "[7,1", rows: []string{"1:1 7 !"}, says: []string{"cut off"}},
		{name: "empty", text: "", says: []string{"empty", "[]"}},
		{name: "an object", text: a, says: []string{"begins with a {"}},
		{name: "no JSON", text: "[" + a + ",nonsense]", rows: []string{"1:1 " + a + " {a 1 }"}, says: []string{"line 2, byte 25"}},
		{name: "two arrays", text: "[" + a + "][]", rows: []string{"1:1 " + a + " {a 1 }"}, says: []string{"behind the array"}},
		{name: "text behind it", text: "[] x", says: []string{"byte 3"}},
	})
}

func TestXML(t *testing.T) {
	format, err := transform.NewXML[part](transform.XMLConfig{Record: "part", MaxElement: 120, MaxDepth: 4})
	if err != nil {
		t.Fatal(err)
	}
	a := `<part count="1"><name>a</name></part>`
	checkDocuments(t, format, []documentCase{
		{name: "two", text: "<x>\n" + a + `<part count="2"/></x>`, rows: []string{"1:4 " + a + " {a 1 }", `2:41 <part count="2"/> { 2 }`}},
		{name: "deeper", text: "<x><y>" + a + "</y></x>", rows: []string{"1:6 " + a + " {a 1 }"}},
		{name: "none", text: "<x/>\n"},
		{name: "declaration, comment and byte order mark", text: "\uFEFF<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c --><x>" + a + "</x>", rows: []string{"1:54 " + a + " {a 1 }"}},
		{
			name: "namespaces", text: `<x xmlns="urn:a" xmlns:p="urn:b"><p:part p:other="9" count="3"><p:name>n</p:name></p:part></x>`,
			rows: []string{`1:33 <p:part p:other="9" count="3"><p:name>n</p:name></p:part> {n 3 }`},
		},
		{name: "entities of XML", text: `<x><part count="1"><name>&lt;&#65;&amp;</name></part></x>`, rows: []string{`1:3 <part count="1"><name>&lt;&#65;&amp;</name></part> {<A& 1 }`}},
		{name: "a bad record", text: `<x><part count="many"/>` + a + `</x>`, rows: []string{`1:3 <part count="many"/> !`, "2:23 " + a + " {a 1 }"}},
		{name: "DOCTYPE", text: `<!DOCTYPE x [<!ENTITY a "b">]><x>` + a + `</x>`, says: []string{"DOCTYPE", "refused"}},
		{name: "an entity of its own", text: `<x><part><name>&a;</name></part></x>`, says: []string{"line 1", "entity"}},
		{name: "a processing instruction", text: `<x><?php evil?></x>`, says: []string{`"php"`}},
		{name: "another encoding", text: `<?xml version="1.0" encoding="latin1"?><x/>`, says: []string{"encoding"}},
		{name: "invalid UTF-8", text: "<x><part><name>\xff</name></part></x>", says: []string{"UTF-8"}},
		{name: "as deep as allowed", text: "<x><part><name><b>z</b></name></part></x>", rows: []string{"1:3 <part><name><b>z</b></name></part> { 0 }"}},
		{name: "one too deep", text: "<x><part><name><b><c/></b></name></part></x>", says: []string{"deeper than 4"}},
		{name: "too deep outside of records", text: "<x>" + strings.Repeat("<a>", 4), says: []string{"deeper than 4"}},
		{name: "over the bound", text: "<x>" + a + "<part><name>" + strings.Repeat("x", 120) + "</name></part></x>", rows: []string{"1:3 " + a + " {a 1 }"}, says: []string{"over the limit of 120"}},
		{name: "never ends", text: "<x><part><name>" + strings.Repeat("x", 1<<20), says: []string{"over the limit of 120"}},
		{name: "an attribute without end", text: `<x a="` + strings.Repeat("x", 1<<20), says: []string{"over the limit of 120"}},
		{name: "cut off behind a record", text: "<x>" + a, rows: []string{"1:3 " + a + " {a 1 }"}, says: []string{"cut off"}},
		{name: "cut off in a record", text: "<x>" + a[:20], says: []string{"cut off"}},
		{name: "elements that cross", text: "<x><part></x></part>", says: []string{"line 1"}},
		{name: "two roots", text: "<x/><x/>", says: []string{"one root"}},
		{name: "empty", text: "", says: []string{"no element"}},
		{name: "no XML", text: "name,count\n", says: []string{"no element"}},
	})
}

type fixedRow struct {
	Number string          `fixed:"5"`
	Date   time.Time       `fixed:"8" layout:"20060102"`
	_      string          `fixed:"1"`
	Total  transform.Money `fixed:"7"`
	Pieces *int            `fixed:"3"`
}

func TestFixed(t *testing.T) {
	format, err := transform.NewFixed[fixedRow](transform.FixedConfig{DecimalComma: true})
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	reader := format.NewReader(strings.NewReader("äöü  20261130x   1,50 12\r\n\nB    20261201  -20,00   \nshort\nC    2026xx01    1,00   "))
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%d:%d %q %s %v", row.Line, row.Byte, row.Value.Number, row.Value.Date.Format(time.DateOnly), row.Value.Total)
		if row.Value.Pieces != nil {
			text += fmt.Sprint(" ", *row.Value.Pieces)
		}
		if row.Err != nil {
			text = row.Err.Error()
		}
		rows = append(rows, text)
	}
	want := []string{
		`1:0 "äöü" 2026-11-30 1.50 12`, `3:30 "B" 2026-12-01 -20.00`, "line 4, byte 55: the line has 5 characters; want 24",
	}
	if len(rows) != 4 || !reflect.DeepEqual(rows[:3], want) || !strings.Contains(rows[3], "line 5, byte 61: field Date") {
		t.Errorf("%q", rows)
	}
}

func TestFixedWrites(t *testing.T) {
	format, err := transform.NewFixed[fixedRow](transform.FixedConfig{})
	if err != nil {
		t.Fatal(err)
	}
	n := 7
	total, _ := transform.ParseMoney("12.34")
	good := fixedRow{Number: "Zoë", Date: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), Total: total, Pieces: &n}
	text, err := format.Append(nil, good)
	if err != nil || string(text) != "Zoë  20261130   12.34  7\n" {
		t.Errorf("%q %v", text, err)
	}
	for name, change := range map[string]func(*fixedRow){
		"too wide":         func(r *fixedRow) { r.Number = "123456" },
		"a blank at start": func(r *fixedRow) { r.Number = " a" },
		"a blank at end":   func(r *fixedRow) { r.Number = "a " },
		"a line end":       func(r *fixedRow) { r.Number = "a\nb" },
		"invalid UTF-8":    func(r *fixedRow) { r.Number = "\xff" },
		"a wide number":    func(r *fixedRow) { n := 1234; r.Pieces = &n },
	} {
		bad := good
		change(&bad)
		if text, err := format.Append([]byte("x"), bad); err == nil || string(text) != "x" || connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
	type wrong struct {
		A string
		B chan int `fixed:"3"`
		C string   `fixed:"0"`
	}
	if _, err := transform.NewFixed[wrong](transform.FixedConfig{}); err == nil || !strings.Contains(err.Error(), "field A") ||
		!strings.Contains(err.Error(), "field B") || !strings.Contains(err.Error(), "field C") {
		t.Errorf("%v", err)
	}
}

// What an Encoder has written, its Decoder reads; a record that cannot be encoded is left
// out and harms nothing.
func TestDocumentsRoundTrip(t *testing.T) {
	array, err1 := transform.NewJSONArray[part](transform.JSONArrayConfig{})
	xml, err2 := transform.NewXML[part](transform.XMLConfig{Record: "part"})
	ndjson, err3 := transform.NewNDJSON[part](transform.NDJSONConfig{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for name, format := range map[string]interface {
		transform.Decoder[part]
		transform.Encoder[part]
	}{"array": array, "xml": xml, "ndjson": ndjson} {
		for n := range 4 {
			values := []part{{Name: "\xff"}} // no text that any of them can hold
			for i := range n {
				values = append(values, part{Name: fmt.Sprint("n&<>\"'\n", i), Count: i, Note: strings.Repeat("x", 40_000)}, part{Name: "\xff"})
			}
			text, bad, err := transform.Encode[part](format, values)
			if err != nil || len(bad) != n+1 || bad[0] == nil {
				t.Fatalf("%s: %d bad, %v", name, len(bad), err)
			}
			reader := format.NewReader(bytes.NewReader(text))
			for i := range n {
				row, err := reader.Read()
				if err != nil || row.Err != nil || row.Value != values[1+2*i] {
					t.Fatalf("%s: record %d of %d: %+v %v", name, i, n, row, err)
				}
			}
			if _, err := reader.Read(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: %v behind %d records", name, err, n)
			}
		}
	}
}

// An error of the text itself keeps its class and is never taken for bad content.
func TestDocumentsPassErrorsOn(t *testing.T) {
	broken := connector.Transient(errors.New("the disk is gone"))
	array, err1 := transform.NewJSONArray[part](transform.JSONArrayConfig{})
	xml, err2 := transform.NewXML[part](transform.XMLConfig{Record: "part"})
	packed, err3 := transform.Gzip[part](array, transform.DecompressConfig{})
	archive, err4 := transform.Zip[part](array, transform.ZipConfig{})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		format transform.Decoder[part]
		begin  string
	}{
		"array": {array, `[{"name":"a"},{"na`}, "xml": {xml, "<x><part></part><part><na"},
		"gzip": {packed, gzipped("[1,2,3]")[:20]}, "zip": {archive, "PK\x03\x04"},
	} {
		_, err := readRows(test.format, io.MultiReader(strings.NewReader(test.begin), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) || connector.ClassOf(err) != connector.ClassTransient {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()

	return b.String()
}

func TestGzip(t *testing.T) {
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	format, err := transform.Gzip[string](lines, transform.DecompressConfig{MaxBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	whole := gzipped("a\nb\n")
	damaged := []byte(whole)
	damaged[len(damaged)-6] ^= 1
	checkDocuments(t, format, []documentCase{
		{name: "whole", text: whole, rows: []string{"1:0 a a", "2:2 b b"}},
		{name: "two in a row", text: whole + gzipped("c"), rows: []string{"1:0 a a", "2:2 b b", "3:4 c c"}},
		{name: "cut off", text: whole[:len(whole)-5], says: []string{"cut off"}},
		{name: "cut off early", text: whole[:8], says: []string{"cut off"}},
		{name: "empty", says: []string{"after 0 bytes", "cut off"}},
		{name: "no gzip", text: "name,count\nand more\n", says: []string{"no gzip"}},
		{name: "text behind it", text: whole + "more of something", says: []string{"stands behind"}},
		{name: "damaged", text: string(damaged), says: []string{"damaged"}},
	})
}

// bomb is a gzip text of a GiB of lines in a MiB.
func TestBombs(t *testing.T) {
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var bomb bytes.Buffer
	w, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	block := bytes.Repeat([]byte(strings.Repeat("0", 99)+"\n"), 10_000)
	for range 300 {
		_, _ = w.Write(block)
	}
	_ = w.Close()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for i := range 3 {
		e, _ := z.Create(fmt.Sprint(i))
		for range 100 {
			_, _ = e.Write(block)
		}
	}
	_ = z.Close()
	for _, test := range []struct {
		name   string
		config transform.DecompressConfig
		says   string
	}{
		{"by its ratio", transform.DecompressConfig{}, "times as many"},
		{"by its size", transform.DecompressConfig{MaxBytes: 5_000_000, MaxRatio: 1 << 30}, "over the limit of 5000000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			packed, err1 := transform.Gzip[string](lines, test.config)
			zipped, err2 := transform.Zip[string](lines, transform.ZipConfig{Inflate: test.config})
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			for name, c := range map[string]struct {
				format transform.Decoder[string]
				text   []byte
			}{"gzip": {packed, bomb.Bytes()}, "zip": {zipped, archive.Bytes()}} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				n, err := 0, error(nil)
				for reader := c.format.NewReader(bytes.NewReader(c.text)); err == nil; n++ {
					_, err = reader.Read()
				}
				runtime.ReadMemStats(&after)
				if !strings.Contains(err.Error(), test.says) || connector.ClassOf(err) != connector.ClassPermanent {
					t.Errorf("%s: %v after %d lines", name, err, n)
				}
				if used := after.TotalAlloc - before.TotalAlloc; n > 2_500_000 || used > 400<<20 {
					t.Errorf("%s: %d lines and %d MiB allocated before it was refused", name, n, used>>20)
				}
			}
		})
	}
}

// entry is one entry of a made archive.
type entry struct {
	name, text string
	mode       fs.FileMode
	flags      uint16
}

func zipOf(t testing.TB, entries ...entry) string {
	t.Helper()
	text, err := makeZip(entries...)
	if err != nil {
		t.Fatal(err)
	}

	return text
}

func makeZip(entries ...entry) (string, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Flags: e.flags}
		if e.mode != 0 {
			header.SetMode(e.mode)
		}
		f, err := w.CreateHeader(header)
		if err == nil {
			_, err = f.Write([]byte(e.text))
		}
		if err != nil {
			return "", err
		}
	}
	err := w.Close()

	return b.String(), err
}

func TestZip(t *testing.T) {
	inner, err := transform.NewCSV[pair](transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	format, err := transform.Zip[pair](inner, transform.ZipConfig{Include: []string{"*.csv"}, MaxEntries: 4})
	if err != nil {
		t.Fatal(err)
	}
	good := entry{name: "x/1.csv", text: "a,b\n1,2\n"}
	whole := zipOf(t, good, entry{name: "readme.txt", text: "?"}, entry{name: "2.csv", text: "a,b\n3\n4,5\n"})
	damaged := []byte(whole)
	damaged[bytes.Index(damaged, []byte("1.csv"))+10] ^= 4
	bad := func(e entry) string { return zipOf(t, good, e) }
	checkDocuments(t, format, []documentCase{
		{name: "whole", text: whole, rows: []string{"2:4 1,2 {1 2}", "4:4 3 !", "5:6 4,5 {4 5}"}},
		{name: "nothing wanted", text: zipOf(t, entry{name: "a.txt"})},
		{name: "no entry", text: zipOf(t)},
		{name: "cut off", text: whole[:len(whole)-10], says: []string{"cut off"}},
		{name: "no zip", text: "a,b\n1,2\n", says: []string{"no zip archive"}},
		{name: "empty", says: []string{"no zip archive"}},
		{name: "damaged", text: string(damaged), says: []string{`entry "x/1.csv"`}},
		{name: "a bad entry", text: zipOf(t, good, entry{name: "2.csv", text: "c,d\n"}), rows: []string{"2:4 1,2 {1 2}"}, says: []string{`entry "2.csv"`, "line 1"}},
		{name: "a path upwards", text: bad(entry{name: "../../etc/passwd"}), says: []string{"leads out", "whole archive"}},
		{name: "a hidden path upwards", text: bad(entry{name: "a/../../b"}), says: []string{"leads out"}},
		{name: "an absolute path", text: bad(entry{name: "/etc/passwd"}), says: []string{"leads out"}},
		{name: "a path of Windows", text: bad(entry{name: `..\x`}), says: []string{"leads out"}},
		{name: "a drive", text: bad(entry{name: "C:x"}), says: []string{"leads out"}},
		{name: "a directory upwards", text: bad(entry{name: "../"}), says: []string{"leads out"}},
		{name: "a link", text: bad(entry{name: "l.csv", text: "/etc/passwd", mode: fs.ModeSymlink | 0o777}), says: []string{"link"}},
		{name: "a device", text: bad(entry{name: "d.csv", mode: fs.ModeDevice | 0o600}), says: []string{"special"}},
		{name: "encrypted", text: bad(entry{name: "e.csv", flags: 1}), says: []string{"encrypted"}},
		{name: "a name twice", text: bad(good), says: []string{"another one has its name"}},
		{name: "as many as allowed", text: zipOf(t, good, entry{name: "1"}, entry{name: "2"}, entry{name: "3"}), rows: []string{"2:4 1,2 {1 2}"}},
		{name: "one too many", text: zipOf(t, good, entry{name: "1"}, entry{name: "2"}, entry{name: "3"}, entry{name: "4"}), says: []string{"more than 4 entries"}},
	})
}

func TestZipArchiveBound(t *testing.T) {
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	text := zipOf(t, entry{name: "a", text: "1\n"})
	for _, over := range []int{0, 1} {
		format, err := transform.Zip[string](lines, transform.ZipConfig{MaxArchive: len(text) - over})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readDocument(t, format, text); (err != nil) != (over > 0) {
			t.Errorf("%d bytes over the bound: %v", over, err)
		}
		if rows, err := readRows(format, strings.NewReader(text)); err != nil || len(rows) != 1 {
			t.Errorf("with random access: %v %v", rows, err)
		}
	}
}

func TestDefuseFormulas(t *testing.T) {
	type row struct {
		Text   string
		Number int
		Money  transform.Money
	}
	format, err := transform.NewCSV[row](transform.CSVConfig{DefuseFormulas: true})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := transform.NewCSV[row](transform.CSVConfig{})
	if err != nil {
		t.Fatal(err)
	}
	minus, _ := transform.ParseMoney("-1.50")
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		"  =1": "'  =1", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x",
		`=HYPERLINK("http://x","y")`: `'=HYPERLINK("http://x","y")`, "=cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0",
		"a=1": "a=1", "": "", "'=1": "'=1", " a": " a", "1-1": "1-1",
	} {
		value := row{Text: text, Number: -5, Money: minus}
		line, err := format.Append(nil, value)
		if err != nil {
			t.Fatal(err)
		}
		fields, err := csv.NewReader(bytes.NewReader(bytes.ReplaceAll(line, []byte("\r"), []byte("\\r")))).Read()
		if err != nil || strings.ReplaceAll(fields[0], "\\r", "\r") != want || fields[1] != "-5" || fields[2] != "-1.50" {
			t.Errorf("%q: %q %v, want %q", text, fields, err, want)
		}
		if line, err := plain.Append(nil, value); err != nil || strings.HasPrefix(string(line), "'=") && !strings.HasPrefix(text, "'") {
			t.Errorf("without the option: %q %v", line, err)
		}
	}
}

func TestDocumentDefinitionsFail(t *testing.T) {
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := transform.NewJSONArray[part](transform.JSONArrayConfig{MaxElement: -1, MaxDepth: -1})
	_, err2 := transform.NewXML[part](transform.XMLConfig{Root: "a b", MaxElement: -1, MaxDepth: -1})
	_, err3 := transform.Gzip[string](lines, transform.DecompressConfig{MaxRatio: -1})
	_, err4 := transform.Zip[string](lines, transform.ZipConfig{Include: []string{"["}, MaxEntries: -1, MaxArchive: -1, Inflate: transform.DecompressConfig{MaxBytes: -1}})
	for i, test := range []struct {
		err  error
		says []string
	}{
		{err1, []string{"MaxElement", "MaxDepth"}},
		{err2, []string{"Record", `"a b"`, "MaxElement", "MaxDepth"}},
		{err3, []string{"MaxRatio"}},
		{err4, []string{`"["`, "MaxEntries", "MaxArchive", "MaxBytes"}},
	} {
		for _, want := range test.says {
			if test.err == nil || !strings.Contains(test.err.Error(), want) {
				t.Errorf("%d: %v does not say %q", i, test.err, want)
			}
		}
	}
}
