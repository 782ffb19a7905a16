package transform_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

func TestCSVBounds(t *testing.T) {
	config := transform.CSVConfig{MaxField: 4, MaxRecord: 8, MaxColumns: 2}
	tests := []struct {
		name, row, cause string
	}{
		{name: "at every bound", row: "1234,123"},
		{name: "field over", row: "12345,12", cause: "field of 5 bytes is over the limit of 4"},
		{name: "record over", row: "1234,1234", cause: "record of 9 bytes is over the limit of 8"},
		{name: "record far over", row: "1234,1234" + strings.Repeat("x", 200_000), cause: "record of 9 bytes is over the limit of 8"},
		{name: "record far over with quotes", row: "1234,\"x\n\",\"\"\"\"" + strings.Repeat(",\"y\n\"", 50_000), cause: "over the limit"},
		{name: "columns over", row: "1,2,3", cause: "more than 2 columns"},
		{name: "quoted, at every bound", row: "\"12\",1234"},
		{name: "quoted, field over", row: "\"\",12345", cause: "field of 5 bytes is over the limit of 4"},
		{name: "quoted, columns over", row: "\"1\",2,3", cause: "more than 2 columns"},
	}
	for _, test := range tests {
		for _, end := range []string{"\n", "\r\n"} {
			got := readAll(t, newCSV[pair](t, config), strings.NewReader("a,b\n"+test.row+end+"5,6\n"))
			if got.end != nil {
				t.Errorf("%s: ended with %v", test.name, got.end)

				continue
			}
			if test.cause == "" && len(got.bad) == 0 && len(got.good) == 2 {
				continue
			}
			if len(got.bad) != 1 || len(got.good) != 1 || !strings.Contains(got.bad[0].Error(), test.cause) {
				t.Errorf("%s: bad %v good %v; want %q", test.name, got.bad, got.good, test.cause)
			}
		}
	}
}

// endless gives a header and then the same byte for ever, and counts.
type endless struct {
	head  string
	given int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	for ; n < len(p); n++ {
		p[n] = 'x'
	}
	e.given += int64(n)
	if e.given > 1<<30 {
		return 0, errors.New("read a gigabyte")
	}

	return n, nil
}

// A quote that never closes in an endless field ends at MaxField and not at memory's end.
func TestCSVEndlessField(t *testing.T) {
	for _, head := range []string{"a,b\n1,2\n3,\"", "a,b\n1,2\n3,\"\n"} {
		text := &endless{head: head}
		got := readAll(t, newCSV[pair](t, transform.CSVConfig{}), text)
		e, ok := errors.AsType[*transform.RowError](got.end)
		if !ok || e.Line != 3 || e.Byte != 10 || e.Column != "b" {
			t.Fatalf("end %v; want the quote in line 3", got.end)
		}
		if limit, ok := errors.AsType[*connector.LimitError](got.end); !ok || limit.Limit != transform.DefaultMaxField {
			t.Errorf("end %v; want the limit of a field", got.end)
		}
		if text.given > transform.DefaultMaxRecord+1<<16 {
			t.Errorf("read %d bytes to find it", text.given)
		}
	}
}

// A line of delimiters alone costs no more than the columns that are allowed.
func TestCSVManyColumns(t *testing.T) {
	line := "a,b\n" + strings.Repeat(",", 3<<20) + "\n1,2\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := readAll(t, newCSV[pair](t, transform.CSVConfig{}), strings.NewReader(line))
	runtime.ReadMemStats(&after)
	if len(got.bad) != 1 || len(got.good) != 1 || !strings.Contains(got.bad[0].Error(), "more than 1024 columns") {
		t.Errorf("%d bad, %d good", len(got.bad), len(got.good))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 10*transform.DefaultMaxRecord {
		t.Errorf("%d bytes for a line of %d", used, len(line))
	}
}

func TestCSVReadFails(t *testing.T) {
	broken := errors.New("cable cut")
	for _, text := range []string{"", "a,b\n", "a,b\n1", "a,b\n\"1", "a,b\n\"1\"", "a,b\n\"1\n\""} {
		got := readAll(t, newCSV[pair](t, transform.CSVConfig{}), io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		if text == "" {
			continue
		}
		if len(got.good)+len(got.bad) > 0 || !(errors.Is(got.end, broken)) {
			t.Errorf("%q: %v %v; want the error of the text and no row cut off by it", text, got.good, got.end)
		}
	}
}
