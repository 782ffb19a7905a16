package transform

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// lineEnd is the end of the last line that a record reaches so far.
type lineEnd struct {
	at    int
	found bool // otherwise the text ends there
	count int  // of the record's lines
}

// unsplitError marks a record that is bad but ends at a line end, so that reading can go
// on; every other error of a field ends the reading.
type unsplitError struct{ error }

func (e unsplitError) Unwrap() error { return e.error }

// errFull says that a record does not fit into the window.
var errFull = errors.New("the window is full")

// scanQuoted splits a record whose first line holds a quote. The error comes with the
// place where reading ends.
func (s *csvScanner) scanQuoted(end int, found bool) (record, error) {
	s.fields = s.fields[:0]
	line := lineEnd{at: end, found: found, count: 1}
	var err error
	for at := 0; at >= 0 && err == nil; {
		if text := s.bytes(); at < line.at && text[at] == '"' {
			at, err = s.quotedField(at, &line)
		} else {
			at, err = s.plainField(at, line)
		}
	}
	if errors.Is(err, errFull) {
		return s.scanOversize()
	}
	rec := record{text: dropCR(s.bytes()[:line.at]), line: s.line, byte: s.offset}
	if unsplit, ok := errors.AsType[unsplitError](err); ok {
		rec.field, rec.bad = len(s.fields), unsplit.error
	} else if err != nil {
		return record{field: len(s.fields)}, err
	}
	if err := s.failure(); err != nil && !line.found {
		return record{field: -1}, err
	}
	s.advance(lineLength(line.at, line.found), line.count)

	return s.bounded(rec), nil
}

// bounded marks a record over MaxRecord that fitted into the window with its line end.
func (s *csvScanner) bounded(rec record) record {
	if most := s.limits.MaxRecord; len(rec.text) > most {
		rec.bad, rec.field = recordTooLong(len(rec.text), most), -1
		rec.text = rec.text[:most]
	}

	return rec
}

func recordTooLong(size, limit int) error {
	return &connector.LimitError{What: "record", Size: int64(size), Limit: int64(limit)}
}

// plainField takes the unquoted field that starts at an index. It returns the start of
// the next one, or -1 after the last.
func (s *csvScanner) plainField(at int, line lineEnd) (int, error) {
	rest := dropCR(s.bytes()[:line.at])
	if at < len(rest) {
		rest = rest[at:]
	} else {
		rest = nil
	}
	length := bytes.IndexByte(rest, s.delimiter)
	next := at + length + 1
	if length < 0 {
		length, next = len(rest), -1
	}
	if bytes.IndexByte(rest[:length], '"') >= 0 {
		return 0, unsplitError{errBareQuote}
	}
	if err := s.add(span{start: at, end: at + length}); err != nil {
		return 0, unsplitError{err}
	}

	return next, nil
}

// quotedField takes the field whose quote opens at an index, over as many lines as it
// has. It returns the start of the next field, or -1 after the last.
func (s *csvScanner) quotedField(open int, line *lineEnd) (int, error) {
	field := span{start: open + 1}
	firstLine := s.line + line.count - 1
	for at := field.start; ; {
		quote := bytes.IndexByte(s.bytes()[at:line.at], '"')
		if quote < 0 {
			at = line.at
		} else {
			at += quote
		}
		if at-field.start > s.limits.MaxField {
			return 0, s.endless(open, firstLine, fieldTooLong(at-field.start, s.limits.MaxField))
		}
		if quote < 0 {
			if err := s.nextLine(line); errors.Is(err, errFull) {
				return 0, err
			} else if err != nil {
				return 0, s.endless(open, firstLine, err)
			}

			continue
		}
		if text := s.bytes(); at+1 < line.at && text[at+1] == '"' {
			field.doubled = true
			at += 2

			continue
		}
		field.end = at

		return s.closeField(field, line.at)
	}
}

// closeField looks at what follows the quote that closes a field.
func (s *csvScanner) closeField(field span, end int) (int, error) {
	text := dropCR(s.bytes()[:end])
	next := field.end + 1
	last := next >= len(text)
	if !last && text[next] != s.delimiter {
		return 0, unsplitError{errAfterQuote}
	}
	if err := s.add(field); err != nil {
		return 0, unsplitError{err}
	}
	if last {
		return -1, nil
	}

	return next + 1, nil
}

// nextLine goes on to the next line of a quoted field.
func (s *csvScanner) nextLine(line *lineEnd) error {
	if !line.found {
		return s.openEnd()
	}
	at, found := s.newline(line.at + 1)
	if !found && s.full() {
		return errFull
	}
	line.at, line.found = at, found
	line.count++

	return nil
}

// openEnd is the error for a text that ends inside of quotes.
func (s *csvScanner) openEnd() error {
	if err := s.failure(); err != nil {
		return err
	}

	return errOpenQuote
}

// endless is the error for a quote that opens at an index and is not seen to close.
func (s *csvScanner) endless(open, line int, cause error) *RowError {
	text := s.bytes()

	return &RowError{
		Line: line,
		Byte: s.offset + int64(open),
		Raw:  string(text[:min(len(text), s.limits.MaxRecord)]),
		Err:  fmt.Errorf("%w: the field opened by the quote here cannot be read, nor what follows it", cause),
	}
}

func tooManyColumns(limit int) error {
	return fmt.Errorf("more than %d columns; raise MaxColumns if that is meant", limit)
}
