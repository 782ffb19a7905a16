package transform

import (
	"bytes"
	"errors"

	"github.com/millrace-go/millrace/connector"
)

var (
	errBareQuote  = errors.New(`a quote inside of an unquoted field; quote the whole field and double the quotes in it`)
	errAfterQuote = errors.New(`text after the quote that closes the field; double a quote that belongs to the field`)
	errOpenQuote  = errors.New("this quote is never closed; close it, or double a quote that belongs to the text")
)

// span is one field of a record: where it stands in the record, without its quotes.
type span struct {
	start, end int
	// doubled says that quotes inside of it are doubled.
	doubled bool
}

// csvScanner splits a text into records and fields, without copying them.
type csvScanner struct {
	window

	delimiter byte
	limits    CSVConfig
	fields    []span
}

// record is what scan found. Its text lies in the window until the next scan.
type record struct {
	text []byte // without the line end
	line int
	byte int64
	// bad is why the record cannot be split; field is where.
	bad   error
	field int
	// ascii says that the text is known to be ASCII, and so valid UTF-8.
	ascii bool
}

func newCSVScanner(w window, config CSVConfig) *csvScanner {
	return &csvScanner{window: w, delimiter: config.Delimiter, limits: config}
}

// scan returns the next record. Its error is the end of the text, or what ends the
// reading for good.
func (s *csvScanner) scan() (record, error) {
	for {
		end, found := s.newline(0)
		text := s.bytes()
		if !found && s.full() {
			return s.scanOversize()
		}
		if !found {
			if err := s.failure(); err != nil {
				return record{}, err
			}
			if end == 0 {
				return record{}, s.err
			}
		}
		line := dropCR(text[:end])
		if len(line) == 0 {
			s.advance(lineLength(end, found), 1)

			continue
		}
		if bytes.IndexByte(line, '"') >= 0 {
			return s.scanQuoted(end, found)
		}
		rec := record{text: line, line: s.line, byte: s.offset}
		s.fields = s.fields[:0]
		rec.ascii, rec.bad = s.split(line)
		rec.field = len(s.fields)
		s.advance(lineLength(end, found), 1)

		return s.bounded(rec), nil
	}
}

// lineLength is the length of a line with its end.
func lineLength(end int, found bool) int {
	if found {
		return end + 1
	}

	return end
}

// add keeps one field if the bounds allow it (invariant 17).
func (s *csvScanner) add(f span) error {
	if len(s.fields) == s.limits.MaxColumns {
		return tooManyColumns(s.limits.MaxColumns)
	}
	if size := f.end - f.start; size > s.limits.MaxField {
		return fieldTooLong(size, s.limits.MaxField)
	}
	s.fields = append(s.fields, f)

	return nil
}

func fieldTooLong(size, limit int) error {
	return &connector.LimitError{What: "field", Size: int64(size), Limit: int64(limit)}
}
