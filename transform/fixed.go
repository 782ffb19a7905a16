package transform

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/millrace-go/millrace/connector"
)

// FixedConfig says how lines of fixed width are written. The zero value is ready to use.
type FixedConfig struct {
	// DecimalComma says that numbers and Money have a comma before their decimals.
	DecimalComma bool
	// Location is where times without a zone were written down. Default time.UTC.
	Location *time.Location
}

// Fixed reads and writes records of type T, a struct, as lines whose fields have a fixed
// width, without anything between them. It is a [Format], safe for concurrent use.
//
// Each exported field has its width in characters, and stands where the one before it
// ends; fields of the types of [CSV] may be used:
//
//	Number string          `fixed:"10"`
//	Date   time.Time       `fixed:"8" layout:"20060102"`
//	Total  transform.Money `fixed:"12"`
//	_      string          `fixed:"4"` // filler, blank when written
//
// Reading drops the blanks round a field. Writing puts text at the left and everything
// else at the right of its field; a value that is too wide, or that has blanks at its ends,
// which would be lost, is a permanent error. A line of another width is a bad record. A
// line ends with LF or CRLF, the last one with nothing; a byte order mark and empty lines
// are skipped.
type Fixed[T any] struct {
	csv    *CSV[struct{}] // encodes fields
	config CSVConfig
	fields []fixedField
	width  int
}

// fixedField is one field; it is filler where skip is set.
type fixedField struct {
	column

	width int
	skip  bool
}

// NewFixed resolves the fields of T. It fails, naming every fault at once, when T is not a
// struct or a field lacks its width or cannot be text.
func NewFixed[T any](config FixedConfig) (*Fixed[T], error) {
	if config.Location == nil {
		config.Location = time.UTC
	}
	fields, err := fixedFields(reflect.TypeFor[T]())
	if err != nil {
		return nil, connector.Permanent(err)
	}
	settings := CSVConfig{DecimalComma: config.DecimalComma, Location: config.Location}
	f := &Fixed[T]{csv: &CSV[struct{}]{config: settings}, config: settings, fields: fields}
	for _, field := range fields {
		f.width += field.width
	}

	return f, nil
}

func fixedFields(t reflect.Type) ([]fixedField, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("transform: fixed width of %v: want a struct", t)
	}
	var fields []fixedField
	var errs []error
	for f := range t.Fields() {
		tag, tagged := f.Tag.Lookup("fixed")
		if !tagged && !f.IsExported() || tag == "-" {
			continue
		}
		field, err := fixedFieldOf(f, tag)
		fields = append(fields, field)
		if err != nil {
			errs = append(errs, fmt.Errorf("transform: fixed width of %v: field %s: %w", t, f.Name, err))
		}
	}
	if len(fields) == 0 {
		errs = append(errs, fmt.Errorf("transform: fixed width of %v: no field", t))
	}

	return fields, errors.Join(errs...)
}

func fixedFieldOf(f reflect.StructField, tag string) (fixedField, error) {
	c, err := fieldColumn(f, "")
	c.index = f.Index
	field := fixedField{column: c, skip: f.Name == "_"}
	if field.skip {
		err = nil
	} else if !f.IsExported() {
		err = errors.Join(err, errors.New("it has a width but is not exported"))
	}
	var widthErr error
	if field.width, widthErr = strconv.Atoi(tag); widthErr != nil || field.width < 1 || field.width > DefaultMaxLine {
		err = errors.Join(err, fmt.Errorf("the width is %q; want a tag such as fixed:\"10\"", tag))
	}

	return field, err
}

// NewReader implements [Decoder].
func (f *Fixed[T]) NewReader(text io.Reader) RowReader[T] {
	target := new(T)
	v := reflect.ValueOf(target).Elem()
	fillers := make([]filler, len(f.fields))
	for i, field := range f.fields {
		if !field.skip {
			fillers[i] = newFiller(v.FieldByIndex(field.index), field.column, f.config)
		}
	}

	return &lineReader[T]{
		scanner: newLineScanner(text, f.width*utf8.UTFMax),
		decode: func(_ []byte, line string) (T, error) {
			var zero T
			*target = zero
			if err := f.fill(fillers, line); err != nil {
				return zero, err
			}

			return *target, nil
		},
	}
}

// fill puts the fields of a line into the struct that the fillers were made for.
func (f *Fixed[T]) fill(fillers []filler, line string) error {
	if n := utf8.RuneCountInString(line); n != f.width {
		return fmt.Errorf("the line has %d characters; want %d", n, f.width)
	}
	for i, field := range f.fields {
		text := strings.Trim(cutRunes(&line, field.width), " ")
		fill := fillers[i]
		var err error
		switch {
		case fill.text != nil:
			*fill.text = text
		case fill.set == nil || text == "" && fill.empty == emptyZero:
		case text == "" && fill.empty == emptyFails:
			err = errors.New("it is blank; use a pointer where that is allowed")
		default:
			err = fill.set(text)
		}
		if err != nil {
			return fmt.Errorf("field %s: %w", field.name, err)
		}
	}

	return nil
}

// cutRunes takes n characters off the beginning of a text, which has as many.
func cutRunes(text *string, n int) string {
	end := 0
	for ; n > 0; n-- {
		_, size := utf8.DecodeRuneInString((*text)[end:])
		end += size
	}
	head := (*text)[:end]
	*text = (*text)[end:]

	return head
}
