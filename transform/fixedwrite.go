package transform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"unicode/utf8"

	"github.com/millrace-go/millrace/connector"
)

// NewChecker implements [Format]: each line must have the width.
func (f *Fixed[T]) NewChecker(text io.Reader) RowReader[struct{}] {
	return &lineReader[struct{}]{
		scanner: newLineScanner(text, f.width*utf8.UTFMax),
		decode: func(_ []byte, line string) (struct{}, error) {
			return struct{}{}, f.fill(make([]filler, len(f.fields)), line)
		},
	}
}

// AppendHeader implements [Format]: there is no header.
func (f *Fixed[T]) AppendHeader(dst []byte) []byte { return dst }

// NewWriter implements [Encoder].
func (f *Fixed[T]) NewWriter(text io.Writer) RecordWriter[T] {
	return &framed[T]{text: text, encode: f.Append}
}

// Append implements [Format]. The error of a field names it; it is permanent.
func (f *Fixed[T]) Append(dst []byte, value T) ([]byte, error) {
	v := reflect.ValueOf(&value).Elem()
	longer := dst
	for _, field := range f.fields {
		start := len(longer)
		var err error
		if !field.skip {
			longer, err = f.csv.appendField(longer, v.FieldByIndex(field.index), field.column)
		}
		if err == nil {
			longer, err = field.pad(longer, start)
		}
		if err != nil {
			return dst, connector.Permanent(fmt.Errorf("transform: encode fixed width: field %s: %w", field.name, err))
		}
	}

	return append(longer, '\n'), nil
}

// pad fills the text from start on up to the width of the field.
func (f *fixedField) pad(text []byte, start int) ([]byte, error) {
	value := text[start:]
	n := utf8.RuneCount(value)
	switch {
	case !utf8.Valid(value):
		return nil, errUTF8
	case bytes.ContainsAny(value, "\r\n"):
		return nil, errors.New("the value holds a line end")
	case n > f.width:
		return nil, fmt.Errorf("the value has %d characters where the field has %d", n, f.width)
	case n > 0 && (value[0] == ' ' || value[len(value)-1] == ' '):
		return nil, errors.New("the value begins or ends with a blank, which would be lost")
	}
	blanks := bytes.Repeat([]byte{' '}, f.width-n)
	text = append(text, blanks...)
	if leaf := leafOf(f.leafType()); leaf != leafString && leaf != leafText {
		copy(text[start+len(blanks):], text[start:])
		copy(text[start:], blanks)
	}

	return text, nil
}
