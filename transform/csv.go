package transform

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Defaults of CSVConfig.
const (
	DefaultMaxField   = 1 << 20
	DefaultMaxRecord  = 4 << 20
	DefaultMaxColumns = 1024
)

// CSVConfig says how a CSV text is written. The zero value is RFC 4180: commas, quotes
// doubled inside of quotes, and a header on the first line.
type CSVConfig struct {
	// Delimiter stands between fields: one ASCII character. Default ','.
	Delimiter byte
	// DecimalComma says that numbers and Money have a comma before their decimals.
	DecimalComma bool
	// Location is where times without a zone were written down. Default time.UTC.
	Location *time.Location
	// DefuseFormulas puts an apostrophe before written text that a spreadsheet would
	// calculate: it begins with =, +, -, @, a tab or a line end, perhaps after spaces. Set it
	// for files that people open, and not for programs, which would read the apostrophe.
	// Numbers, Money, times and bools stay as they are. By default text is written as it is.
	DefuseFormulas bool
	// Strict refuses a text with columns that T has no field for. By default they are
	// skipped.
	Strict bool
	// MaxField is the most bytes of one field. Default 1 MiB.
	MaxField int
	// MaxRecord is the most bytes of one record, quotes and delimiters included.
	// Default 4 MiB, and never less than MaxField.
	MaxRecord int
	// MaxColumns is the most columns of a record. Default 1024.
	MaxColumns int
}

// CSV reads and writes records of type T, a struct, as CSV. It is safe for concurrent
// use.
//
// Each exported field is a column, named by its tag or else by the field:
//
//	Number   string          `csv:"InvoiceNo"`
//	Quantity int             `csv:",omitempty"`          // an empty field is 0, and 0 an empty field
//	Date     time.Time       `layout:"2/1/2006 15:04|2/1/2006"` // tried in turn; the first one writes
//	Price    transform.Money `csv:"UnitPrice"`
//	Customer *int            `csv:"CustomerID,optional"` // nil where empty; the column may be missing
//	Internal string          `csv:"-"`                   // no column
//
// A field may be a string, bool, float, integer of any size, time.Time (RFC 3339 without
// a layout), Money, an encoding.TextUnmarshaler, or a pointer to one of these. The fields
// of an embedded struct are columns too.
//
// Reading takes the columns in the order of the header. A byte order mark and empty lines
// are skipped; a line may end with LF or CRLF, the last one with nothing. A quote inside
// of an unquoted field is an error, and so is invalid UTF-8. After a bad record, reading
// goes on with the line that follows. A quoted field over MaxField, or open at the end of
// the text, ends the reading: nothing tells a long field from a missing quote.
//
// Decoding costs one string for each record, of which string fields are parts.
type CSV[T any] struct {
	config  CSVConfig
	columns []column
	header  []byte
}

// NewCSV resolves the fields of T. It fails, naming every fault at once, when T is not a
// struct, has a field that cannot be a column, or when the config is contradictory.
func NewCSV[T any](config CSVConfig) (*CSV[T], error) {
	configErr := config.complete()
	columns, columnErr := columnsOf[T]()
	if err := errors.Join(configErr, columnErr); err != nil {
		return nil, connector.Permanent(err)
	}
	c := &CSV[T]{config: config, columns: columns}
	header, err := c.makeHeader()
	if err != nil {
		return nil, connector.Permanent(err)
	}
	c.header = header

	return c, nil
}

func (c *CSVConfig) complete() error {
	var errs []error
	if c.Delimiter == 0 {
		c.Delimiter = ','
	}
	if d := c.Delimiter; d == '"' || d == '\r' || d == '\n' || d >= 0x80 {
		errs = append(errs, fmt.Errorf("transform: CSVConfig.Delimiter is %q; want one ASCII character that is not a quote or a line end", d))
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	errs = append(errs,
		setBound("CSVConfig.MaxField", &c.MaxField, DefaultMaxField),
		setBound("CSVConfig.MaxRecord", &c.MaxRecord, max(DefaultMaxRecord, c.MaxField)),
		setBound("CSVConfig.MaxColumns", &c.MaxColumns, DefaultMaxColumns))
	if c.MaxRecord < c.MaxField {
		errs = append(errs, fmt.Errorf("transform: CSVConfig.MaxRecord of %d is less than MaxField of %d", c.MaxRecord, c.MaxField))
	}

	return errors.Join(errs...)
}

// NewReader implements [Format]. Reading starts with the header, at the first Read.
func (c *CSV[T]) NewReader(text io.Reader) RowReader[T] {
	return newCSVReader(c, text)
}

// NewChecker implements [Format]. Any header will do; each record must have its columns.
func (c *CSV[T]) NewChecker(text io.Reader) RowReader[struct{}] {
	config := c.config
	config.Strict = false

	return newCSVReader(&CSV[struct{}]{config: config}, text)
}

// AppendHeader implements [Format]: the names of the columns.
func (c *CSV[T]) AppendHeader(dst []byte) []byte { return append(dst, c.header...) }
