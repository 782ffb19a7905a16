package transform

import (
	"bytes"
	"encoding"
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

// Append implements [Format]. The error of a field names its column; it is permanent.
func (c *CSV[T]) Append(dst []byte, value T) ([]byte, error) {
	v := reflect.ValueOf(&value).Elem()
	longer := dst
	for i, col := range c.columns {
		if i > 0 {
			longer = append(longer, c.config.Delimiter)
		}
		start := len(longer)
		var err error
		if longer, err = c.appendField(longer, v.FieldByIndex(col.index), col); err == nil {
			longer = c.defuse(longer, start, col)
			longer, err = c.quote(longer, start)
		}
		if err != nil {
			return dst, connector.Permanent(fmt.Errorf("transform: encode CSV: column %q: %w", col.name, err))
		}
	}
	if size := len(longer) - len(dst); size > c.config.MaxRecord {
		return dst, connector.Permanent(fmt.Errorf("transform: encode CSV: %w", recordTooLong(size, c.config.MaxRecord)))
	}

	return append(c.quoteEmpty(longer, len(dst)), '\n'), nil
}

// quoteEmpty keeps a record of one empty field from being an empty line.
func (c *CSV[T]) quoteEmpty(text []byte, start int) []byte {
	if len(text) == start {
		return append(text, '"', '"')
	}

	return text
}

func (c *CSV[T]) makeHeader() ([]byte, error) {
	var header []byte
	for i, col := range c.columns {
		if i > 0 {
			header = append(header, c.config.Delimiter)
		}
		start := len(header)
		var err error
		if header, err = c.quote(append(header, col.name...), start); err != nil {
			return nil, fmt.Errorf("transform: column %q: %w", col.name, err)
		}
	}
	if len(c.columns) > c.config.MaxColumns {
		return nil, fmt.Errorf("transform: CSV of %v: %w", reflect.TypeFor[T](), tooManyColumns(c.config.MaxColumns))
	}

	return append(header, '\n'), nil
}

// quote puts the text from start on into quotes where RFC 4180 asks for them.
func (c *CSV[T]) quote(text []byte, start int) ([]byte, error) {
	field := text[start:]
	if len(field) > c.config.MaxField {
		return nil, fieldTooLong(len(field), c.config.MaxField)
	}
	if !utf8.Valid(field) {
		return nil, errors.New("invalid UTF-8")
	}
	if bytes.IndexByte(field, c.config.Delimiter) < 0 && !bytes.ContainsAny(field, "\"\r\n") {
		return text, nil
	}
	quoted := strings.ReplaceAll(string(field), `"`, `""`)
	text = append(text[:start], '"')

	return append(append(text, quoted...), '"'), nil
}

func (c *CSV[T]) appendField(dst []byte, v reflect.Value, col column) ([]byte, error) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return dst, nil
		}
		v = v.Elem()
	} else if col.omitEmpty && v.IsZero() {
		return dst, nil
	}
	switch leafOf(v.Type()) {
	case leafMoney:
		return c.appendMoney(dst, *pointerTo[Money](v)), nil
	case leafTime:
		t := pointerTo[time.Time](v)

		return t.In(c.config.Location).AppendFormat(dst, col.layouts[0]), nil
	case leafText:
		return appendText(dst, v)
	case leafInt:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case leafUint:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case leafFloat:
		return c.appendFloat(dst, v), nil
	case leafBool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case leafString, leafNone:
		return append(dst, v.String()...), nil
	}

	return dst, nil
}

func (c *CSV[T]) appendMoney(dst []byte, amount Money) []byte {
	if c.config.DecimalComma {
		return amount.appendTo(dst, ',')
	}

	return amount.appendTo(dst, '.')
}

func (c *CSV[T]) appendFloat(dst []byte, v reflect.Value) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, v.Float(), 'g', -1, v.Type().Bits())
	if point := bytes.IndexByte(dst[start:], '.'); point >= 0 && c.config.DecimalComma {
		dst[start+point] = ','
	}

	return dst
}

func appendText(dst []byte, v reflect.Value) ([]byte, error) {
	marshaler, ok := reflect.TypeAssert[encoding.TextMarshaler](v.Addr())
	if !ok {
		return nil, fmt.Errorf("type %v has no MarshalText", v.Type())
	}
	text, err := marshaler.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("marshal text: %w", err)
	}

	return append(dst, text...), nil
}

// NewWriter implements [Encoder].
func (c *CSV[T]) NewWriter(text io.Writer) RecordWriter[T] {
	return &framed[T]{text: text, begin: string(c.AppendHeader(nil)), encode: c.Append}
}
