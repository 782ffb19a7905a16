package transform_test

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

type pair struct {
	A string `csv:"a"`
	B string `csv:"b"`
}

// outcome is what reading a text gave.
type outcome struct {
	good []string // the values, as %v
	bad  []*transform.RowError
	end  error // nil for io.EOF
}

func readAll[T any](t *testing.T, format transform.Format[T], text io.Reader) outcome {
	t.Helper()
	var o outcome
	reader := format.NewReader(text)
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return o
		}
		if err != nil {
			if _, again := reader.Read(); again == nil || again.Error() != err.Error() {
				t.Errorf("the next Read gave %v; want the same error again", again)
			}
			o.end = err

			return o
		}
		if row.Err == nil {
			o.good = append(o.good, fmt.Sprint(row.Value))

			continue
		}
		if connector.ClassOf(row.Err) != connector.ClassPermanent {
			t.Errorf("class of %v: %v", row.Err, connector.ClassOf(row.Err))
		}
		e, ok := errors.AsType[*transform.RowError](row.Err)
		if !ok {
			t.Fatalf("%T: want a RowError", row.Err)
		}
		if e.Line != row.Line || e.Byte != row.Byte || e.Raw != row.Raw {
			t.Errorf("row says %d %d %q, its error %d %d %q", row.Line, row.Byte, row.Raw, e.Line, e.Byte, e.Raw)
		}
		o.bad = append(o.bad, e)
	}
}

func newCSV[T any](t testing.TB, config transform.CSVConfig) *transform.CSV[T] {
	t.Helper()
	format, err := transform.NewCSV[T](config)
	if err != nil {
		t.Fatal(err)
	}

	return format
}

func TestCSVReads(t *testing.T) {
	tests := []struct {
		name, text string
		config     transform.CSVConfig
		want       []string
	}{
		{name: "plain", text: "a,b\n1,2\n3,4\n", want: []string{"{1 2}", "{3 4}"}},
		{name: "no last line end", text: "a,b\n1,2", want: []string{"{1 2}"}},
		{name: "CRLF", text: "a,b\r\n1,2\r\n", want: []string{"{1 2}"}},
		{name: "byte order mark", text: "\uFEFFa,b\n1,2\n", want: []string{"{1 2}"}},
		{name: "other order", text: "b,a\n1,2\n", want: []string{"{2 1}"}},
		{name: "more columns", text: "a,x,b\n1,9,2\n", want: []string{"{1 2}"}},
		{name: "semicolons", text: "a;b\n1,5;2\n", config: transform.CSVConfig{Delimiter: ';'}, want: []string{"{1,5 2}"}},
		{name: "quotes", text: `a,b` + "\n" + `"x,y","say ""hi"""` + "\n", want: []string{`{x,y say "hi"}`}},
		{name: "quoted line ends", text: "a,b\n\"1\n2\",\"3\r\n\"\r\n5,6\n", want: []string{"{1\n2 3\r\n}", "{5 6}"}},
		{name: "empty fields", text: "a,b\n,\n\"\",\n", want: []string{"{ }", "{ }"}},
		{name: "empty lines", text: "\n\na,b\n\r\n1,2\n\n", want: []string{"{1 2}"}},
		{name: "quoted header", text: "\"a\",\"b\"\n1,2\n", want: []string{"{1 2}"}},
		{name: "spaces stay", text: "a,b\n 1 , 2\n", want: []string{"{ 1   2}"}},
		{name: "header alone", text: "a,b\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, reader := range map[string]io.Reader{
				"at once":      strings.NewReader(test.text),
				"byte by byte": iotest.OneByteReader(strings.NewReader(test.text)),
				"with EOF":     iotest.DataErrReader(strings.NewReader(test.text)),
			} {
				got := readAll(t, newCSV[pair](t, test.config), reader)
				if len(got.bad) > 0 || got.end != nil || fmt.Sprint(got.good) != fmt.Sprint(test.want) {
					t.Errorf("%s: %q %v %v; want %q", name, got.good, got.bad, got.end, test.want)
				}
			}
		})
	}
}

type numbers struct {
	Count int8            `csv:"count"`
	Price transform.Money `csv:"price"`
	Day   time.Time       `csv:"day"   layout:"2/1/2006 15:04|2/1/2006"`
}

// A bad row says where it is, keeps its text, and does not end the reading.
func TestCSVBadRows(t *testing.T) {
	const header, good = "count,price,day\n", "1,2.50,1/12/2010\n"
	tests := []struct {
		name, row, raw, column, cause string
	}{
		{name: "too few columns", row: "1,2\n", raw: "1,2", column: "day", cause: "2 columns where the header has 3"},
		{name: "too many columns", row: "1,2,1/12/2010,4\n", raw: "1,2,1/12/2010,4", column: "number 4", cause: "4 columns where the header has 3"},
		{name: "no number", row: "x,2,1/12/2010\n", raw: "x,2,1/12/2010", column: "count", cause: `"x" is not a whole number of type int8: invalid syntax`},
		{name: "out of range", row: "128,2,1/12/2010\n", raw: "128,2,1/12/2010", column: "count", cause: "out of range"},
		{name: "empty number", row: ",2,1/12/2010\n", raw: ",2,1/12/2010", column: "count", cause: "the field is empty"},
		{name: "five decimals", row: "1,0.00001,1/12/2010\n", raw: "1,0.00001,1/12/2010", column: "price", cause: "more than four decimals"},
		{name: "bad date", row: "1,2,31/2/2010\n", raw: "1,2,31/2/2010", column: "day", cause: "fits none of the layouts"},
		{name: "invalid UTF-8", row: "1,2\xff,1/12/2010\n", raw: "1,2\xff,1/12/2010", column: "price", cause: "invalid UTF-8"},
		{name: "bare quote", row: "1,2\",1/12/2010\n", raw: "1,2\",1/12/2010", column: "price", cause: "a quote inside of an unquoted field"},
		{name: "text after quote", row: "\"1\"x,2,1/12/2010\n", raw: "\"1\"x,2,1/12/2010", column: "count", cause: "text after the quote"},
		{name: "over two lines", row: "1,\"2\n\",1/12/2010\n", raw: "1,\"2\n\",1/12/2010", column: "price", cause: "want digits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := readAll(t, newCSV[numbers](t, transform.CSVConfig{}), strings.NewReader(header+good+test.row+good))
			if len(got.bad) != 1 || len(got.good) != 2 || got.end != nil {
				t.Fatalf("%d bad, %d good, %v; want 1, 2, nil", len(got.bad), len(got.good), got.end)
			}
			e := got.bad[0]
			if e.Line != 3 || e.Byte != int64(len(header+good)) || e.Column != test.column || e.Raw != test.raw {
				t.Errorf("line %d byte %d column %q raw %q", e.Line, e.Byte, e.Column, e.Raw)
			}
			if !strings.Contains(e.Error(), test.cause) || !strings.HasPrefix(e.Error(), "line 3, byte ") {
				t.Errorf("error %q; want it to say %q", e, test.cause)
			}
		})
	}
}

func TestCSVStops(t *testing.T) {
	tests := []struct {
		name, text, cause string
		config            transform.CSVConfig
		line              int
		byte              int64
	}{
		{name: "empty", text: "", line: 1, cause: "the text is empty"},
		{name: "mark alone", text: "\uFEFF\n", line: 1, cause: "the text is empty"},
		{name: "missing column", text: "a,c\n1,2\n", line: 1, cause: `no column "b"`},
		{name: "wrong delimiter", text: "a;b\n1;2\n", line: 1, cause: "check the delimiter"},
		{name: "column twice", text: "a,b,a\n1,2,3\n", line: 1, cause: `column "a" twice`},
		{name: "unknown column", text: "\na,b,c\n", config: transform.CSVConfig{Strict: true}, line: 2, byte: 1, cause: `unknown column "c"`},
		{name: "header not UTF-8", text: "a,b,\xff\n", line: 1, cause: "invalid UTF-8"},
		{name: "header bare quote", text: "a,b\"\n", line: 1, cause: "a quote inside"},
		{name: "too many columns", text: "a,b,c\n", config: transform.CSVConfig{MaxColumns: 2}, line: 1, cause: "more than 2 columns"},
		{name: "open quote", text: "a,b\n1,2\n3,\"4\n5,6\n", line: 3, byte: 10, cause: "never closed"},
		{name: "open quote at the end", text: "a,b\n\"", line: 2, byte: 4, cause: "never closed"},
		{name: "long quoted field", text: "a,b\n1,\"2345\",6\n", config: transform.CSVConfig{MaxField: 3}, line: 2, byte: 6, cause: "over the limit of 3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := readAll(t, newCSV[pair](t, test.config), strings.NewReader(test.text))
			e, ok := errors.AsType[*transform.RowError](got.end)
			if !ok || connector.ClassOf(got.end) != connector.ClassPermanent {
				t.Fatalf("end %v; want a permanent RowError", got.end)
			}
			if e.Line != test.line || e.Byte != test.byte || !strings.Contains(e.Error(), test.cause) {
				t.Errorf("%v; want line %d byte %d: %s", e, test.line, test.byte, test.cause)
			}
		})
	}
}

type level int

func (l *level) UnmarshalText(text []byte) error {
	if string(text) != "high" {
		return errors.New("no such level")
	}
	*l = 9

	return nil
}

func (l level) MarshalText() ([]byte, error) { return []byte("high"), nil }

var _ encoding.TextUnmarshaler = new(level)

type embedded struct {
	Small uint8 `csv:"small"`
}

type everything struct {
	embedded

	Text     string
	Flag     bool
	Ratio    float64
	Level    level
	Price    transform.Money  `csv:",omitempty"`
	Count    *int             `csv:"count,optional"`
	Amount   *transform.Money `csv:"amount"`
	At       time.Time        `layout:"2006-01-02"`
	Internal func()           `csv:"-"`
}

func TestCSVEveryKindRoundTrip(t *testing.T) {
	amount, err := transform.ParseMoney("-3.5")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	values := []everything{
		{embedded{255}, "a;\"b\"\r\n", true, -0.125, 9, amount, new(7), &amount, at, nil},
		{Level: 9, At: at},
	}
	for _, config := range []transform.CSVConfig{{}, {Delimiter: ';', DecimalComma: true}, {DecimalComma: true}} {
		format := newCSV[everything](t, config)
		var text bytes.Buffer
		writer := transform.NewWriter(&text, format)
		for _, value := range values {
			if err := writer.Write(value); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Flush(); err != nil {
			t.Fatal(err)
		}
		reader := format.NewReader(&text)
		for i, want := range values {
			row, err := reader.Read()
			if err != nil || row.Err != nil {
				t.Fatal(err, row.Err)
			}
			got := row.Value
			if (got.Count == nil) != (want.Count == nil) || got.Count != nil && *got.Count != *want.Count {
				t.Errorf("%d: count %v", i, got.Count)
			}
			if (got.Amount == nil) != (want.Amount == nil) || got.Amount != nil && *got.Amount != *want.Amount {
				t.Errorf("%d: amount %v", i, got.Amount)
			}
			got.Count, got.Amount, want.Count, want.Amount = nil, nil, nil, nil
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d: got %v, want %v", i, got, want)
			}
		}
	}
}

func TestCSVOptionalColumnMissing(t *testing.T) {
	got := readAll(t, newCSV[struct {
		A string `csv:"a"`
		B *int   `csv:"b,optional"`
	}](t, transform.CSVConfig{}), strings.NewReader("a\n1\n"))
	if fmt.Sprint(got.good) != "[{1 <nil>}]" {
		t.Errorf("%v %v %v", got.good, got.bad, got.end)
	}
}

// A value of one row is not seen in the next.
func TestCSVRowsAreSeparate(t *testing.T) {
	type row struct {
		A int  `csv:"a,omitempty"`
		B *int `csv:"b"`
	}
	got := readAll(t, newCSV[row](t, transform.CSVConfig{}), strings.NewReader("a,b\n1,2\n,\n"))
	if len(got.good) != 2 || got.good[1] != "{0 <nil>}" {
		t.Errorf("%v", got.good)
	}
}

// reused is an unmarshaler that writes into the memory of the value before.
type reused []byte

func (r *reused) UnmarshalText(text []byte) error {
	*r = append((*r)[:0], text...)

	return nil
}

func TestCSVUnmarshalersGetFreshMemory(t *testing.T) {
	reader := newCSV[struct{ A, B reused }](t, transform.CSVConfig{}).NewReader(strings.NewReader("A,B\n1,2\n3,4\n"))
	first, err1 := reader.Read()
	second, err2 := reader.Read()
	if err := errors.Join(err1, err2, first.Err, second.Err); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s %s %s %s", first.Value.A, first.Value.B, second.Value.A, second.Value.B); got != "1 2 3 4" {
		t.Errorf("got %s", got)
	}
}

func TestCSVWrites(t *testing.T) {
	format := newCSV[pair](t, transform.CSVConfig{MaxField: 10, MaxRecord: 14})
	tests := []struct {
		value pair
		want  string
		fails string
	}{
		{value: pair{"1", "2"}, want: "1,2\n"},
		{value: pair{"x,y", `"`}, want: "\"x,y\",\"\"\"\"\n"},
		{value: pair{"\r", "\n"}, want: "\"\r\",\"\n\"\n"},
		{value: pair{"", ""}, want: ",\n"},
		{value: pair{"\xff", ""}, fails: `column "a": invalid UTF-8`},
		{value: pair{"", strings.Repeat("x", 11)}, fails: `column "b": connector: field of 11 bytes`},
		{value: pair{strings.Repeat("x", 10), "1234"}, fails: "record of 15 bytes"},
	}
	for _, test := range tests {
		text, err := format.Append([]byte("before "), test.value)
		if test.fails == "" && (err != nil || string(text) != "before "+test.want) {
			t.Errorf("%v: %q %v; want %q", test.value, text, err, test.want)
		}
		if test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails) || string(text) != "before " ||
			connector.ClassOf(err) != connector.ClassPermanent) {
			t.Errorf("%v: %q %v; want %s", test.value, text, err, test.fails)
		}
	}
	one := newCSV[struct{ A string }](t, transform.CSVConfig{})
	if text, err := one.Append(nil, struct{ A string }{}); err != nil || string(text) != "\"\"\n" {
		t.Errorf("one empty field: %q %v", text, err)
	}
}

func TestNewCSVFails(t *testing.T) {
	type bad struct {
		A chan int
		B string `csv:"x,sometimes"`
		C string `csv:"x"`
		D int    `layout:"2006"`
	}
	_, err := transform.NewCSV[bad](transform.CSVConfig{Delimiter: '"', MaxField: -1, MaxRecord: -2, MaxColumns: -3})
	for _, want := range []string{
		"field A: type chan int cannot be a column", `unknown option "sometimes"`, `two fields for column "x"`,
		"a layout is for time.Time alone", "Delimiter", "MaxField", "MaxRecord", "MaxColumns",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	if _, err := transform.NewCSV[int](transform.CSVConfig{}); err == nil {
		t.Error("a CSV of int")
	}
	if _, err := transform.NewCSV[struct{}](transform.CSVConfig{}); err == nil {
		t.Error("a CSV of no field")
	}
	if _, err := transform.NewCSV[pair](transform.CSVConfig{MaxField: 10, MaxRecord: 9}); err == nil {
		t.Error("a record smaller than a field")
	}
}

// A row costs one string and nothing else.
func TestCSVAllocations(t *testing.T) {
	const rows = 1000
	text := generated(rows)
	format := newCSV[order](t, transform.CSVConfig{})
	allocs := testing.AllocsPerRun(10, func() {
		reader := format.NewReader(bytes.NewReader(text))
		for {
			row, err := reader.Read()
			if err != nil {
				return
			}
			if row.Err != nil {
				t.Error(row.Err)
			}
		}
	})
	const fixed = 80
	if allocs > rows+fixed {
		t.Errorf("%v allocations for %d rows", allocs, rows)
	}
}
