package transform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/millrace-go/millrace/connector"
)

// DefaultMaxLine is the most bytes of a line of NDJSON or plain text.
const DefaultMaxLine = 1 << 20

// LinesConfig bounds plain lines. The zero value is ready to use.
type LinesConfig struct {
	// MaxLine is the most bytes of one line, without its end. Default 1 MiB.
	MaxLine int
}

// Lines reads and writes plain text line by line; empty lines are records too. It is
// safe for concurrent use.
//
// A line ends with LF or CRLF, the last one with nothing; a byte order mark is skipped.
// A line over MaxLine or with invalid UTF-8 is a bad record.
type Lines struct{ maxLine int }

// NewLines fails when the bound is negative.
func NewLines(config LinesConfig) (*Lines, error) {
	if err := setBound("LinesConfig.MaxLine", &config.MaxLine, DefaultMaxLine); err != nil {
		return nil, err
	}

	return &Lines{maxLine: config.MaxLine}, nil
}

// NewReader implements [Format].
func (l *Lines) NewReader(text io.Reader) RowReader[string] {
	return &lineReader[string]{
		scanner:   newLineScanner(text, l.maxLine),
		decode:    func(_ []byte, line string) (string, error) { return line, nil },
		keepEmpty: true,
	}
}

// NewChecker implements [Format].
func (l *Lines) NewChecker(text io.Reader) RowReader[struct{}] {
	return &lineReader[struct{}]{
		scanner:   newLineScanner(text, l.maxLine),
		decode:    func([]byte, string) (struct{}, error) { return struct{}{}, nil },
		keepEmpty: true,
	}
}

// AppendHeader implements [Format]: there is no header.
func (l *Lines) AppendHeader(dst []byte) []byte { return dst }

// Append implements [Format]. It refuses, permanently, what would not read back as one
// equal line.
func (l *Lines) Append(dst []byte, value string) ([]byte, error) {
	var err error
	switch {
	case len(value) > l.maxLine:
		err = lineTooLong(len(value), l.maxLine)
	case strings.IndexByte(value, '\n') >= 0:
		err = errors.New("the line holds a line end")
	case len(value) > 0 && value[len(value)-1] == '\r':
		err = errors.New("the line ends with a carriage return")
	case !utf8.ValidString(value):
		err = errUTF8
	}
	if err != nil {
		return dst, connector.Permanent(fmt.Errorf("transform: encode line: %w", err))
	}

	return append(append(dst, value...), '\n'), nil
}

// NewWriter implements [Encoder].
func (l *Lines) NewWriter(text io.Writer) RecordWriter[string] {
	return &framed[string]{text: text, begin: string(l.AppendHeader(nil)), encode: l.Append}
}

func lineTooLong(size, limit int) error {
	return &connector.LimitError{What: "line", Size: int64(size), Limit: int64(limit)}
}

// lineScanner splits a text into lines of at most maxLine bytes.
type lineScanner struct {
	window

	maxLine int
	// torn says that the rest of a line that is too long stands before the next one.
	torn bool
}

func newLineScanner(text io.Reader, maxLine int) *lineScanner {
	const lineEnd = len("\r\n")

	return &lineScanner{window: newWindow(text, maxLine+lineEnd), maxLine: maxLine}
}

// scan returns the next line. One that is too long is cut off and comes with bad set, at
// once: what follows of it may never end.
func (s *lineScanner) scan() (record, error) {
	if s.torn {
		s.torn = false
		s.skipLine()
	}
	end, found := s.newline(0)
	if !found && !s.full() {
		if err := s.failure(); err != nil {
			return record{}, err
		}
		if end == 0 {
			return record{}, s.err
		}
	}
	rec := record{text: dropCR(s.bytes()[:end]), line: s.line, byte: s.offset}
	if len(rec.text) > s.maxLine {
		rec.bad = lineTooLong(s.maxLine+1, s.maxLine)
		rec.text = bytes.Clone(rec.text[:s.maxLine])
	}
	s.advance(lineLength(end, found), 1)
	s.torn = !found && s.err == nil

	return rec, nil
}

// skipLine leaves the rest of the current line behind, in constant memory.
func (s *lineScanner) skipLine() {
	for {
		end, found := s.newline(0)
		s.advance(lineLength(end, found), 0)
		if found || s.err != nil {
			return
		}
	}
}

// lineReader decodes records that are one line each.
type lineReader[T any] struct {
	scanner   *lineScanner
	decode    func(line []byte, raw string) (T, error)
	keepEmpty bool
	started   bool
}

// Read implements [RowReader].
func (r *lineReader[T]) Read() (Row[T], error) {
	if !r.started {
		r.started = true
		r.scanner.skipMark()
	}
	for {
		rec, err := r.scanner.scan()
		if err != nil {
			return Row[T]{}, err
		}
		if !r.keepEmpty && rec.bad == nil && len(bytes.TrimSpace(rec.text)) == 0 {
			continue
		}

		return r.row(rec), nil
	}
}

func (r *lineReader[T]) row(rec record) Row[T] {
	raw := string(rec.text)
	err := rec.bad
	if err == nil && !utf8.ValidString(raw) {
		err = errUTF8
	}
	var value T
	if err == nil {
		value, err = r.decode(rec.text, raw)
	}
	if err != nil {
		return badRow[T](&RowError{Line: rec.line, Byte: rec.byte, Raw: raw, Err: err})
	}

	return Row[T]{Value: value, Raw: raw, Line: rec.line, Byte: rec.byte}
}
