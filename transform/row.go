package transform

import (
	"fmt"
	"io"
	"strconv"

	"github.com/millrace-go/millrace/connector"
)

// Row is one record of a text, good or bad, with its place. It encodes to JSON when
// Value does; text that is not UTF-8 is encoded as base64, so that nothing changes on
// its way through a dead-letter file.
type Row[T any] struct {
	// Value is the record; the zero value where Err is set.
	Value T
	// Err is why the record could not be read: a permanent *[RowError], or nil.
	Err error
	// Raw is the record as it stands in the text, without the end of its line. Strings in
	// Value may share its memory. Where a record is over a bound it is cut off there.
	Raw string
	// Line is the line on which the record starts, counted from 1; the number of the
	// record where a format is not made of lines.
	Line int
	// Byte is the offset at which the record starts, counted from 0.
	Byte int64
}

// RowReader hands out the records of one text.
type RowReader[T any] interface {
	// Read returns the next record. A bad record is a Row with Err, and reading goes on
	// after it. The error of Read is io.EOF, or what ends the reading for good; it is
	// returned again by every further Read.
	Read() (Row[T], error)
}

// Decoder makes records of a text. It is safe for concurrent use.
type Decoder[T any] interface {
	// NewReader returns a reader of records. It buffers what it needs.
	NewReader(text io.Reader) RowReader[T]
}

// Format is a text format with a record on each line, which can be written to at its end:
// *[CSV], *[NDJSON], *[Fixed] or *[Lines]. Its methods are safe for concurrent use.
type Format[T any] interface {
	Decoder[T]
	Encoder[T]

	// NewChecker returns a reader that looks at the form of each record alone: its rows
	// have no Value, and Err where the text is torn.
	NewChecker(text io.Reader) RowReader[struct{}]
	// AppendHeader adds what stands before the first record; for most formats nothing.
	AppendHeader(dst []byte) []byte
	// Append adds one record with the end of its line. On error dst is unchanged.
	Append(dst []byte, value T) ([]byte, error)
}

// RowError says where a text is bad. Its class is permanent.
type RowError struct {
	// Line, counted from 1, and Byte, counted from 0, are where the record starts; for a
	// quote that is never closed, where that quote stands.
	Line int
	Byte int64
	// Column is the name of the column, or empty where the error is about the record.
	Column string
	// Raw is the text of the record, cut off at the bound that it broke.
	Raw string
	Err error
}

// Error names the line, the byte and the column.
func (e *RowError) Error() string {
	text := fmt.Sprintf("line %d, byte %d", e.Line, e.Byte)
	if e.Column != "" {
		text += ", column " + clip(e.Column)
	}

	return text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// badRow makes the Row for a record that failed.
func badRow[T any](e *RowError) Row[T] {
	return Row[T]{Err: connector.Permanent(e), Raw: e.Raw, Line: e.Line, Byte: e.Byte}
}

// clipped is how much of a bad value an error shows.
const clipped = 60

// clip quotes a value for an error and cuts what is long.
func clip(s string) string {
	if len(s) <= clipped {
		return strconv.Quote(s)
	}

	return strconv.Quote(s[:clipped]) + fmt.Sprintf(" (%d bytes)", len(s))
}
