package transform

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// JSONArrayConfig bounds the elements of an array. The zero value is ready to use.
type JSONArrayConfig struct {
	// Strict refuses object members that T has no field for. By default they are skipped.
	Strict bool
	// MaxElement is the most bytes of one element. Default 1 MiB.
	MaxElement int
	// MaxDepth is how deep arrays and objects may nest within an element. Default 100.
	MaxDepth int
}

// JSONArray reads and writes a text that is one JSON array, of any length, element by
// element. It is a [Decoder] and an [Encoder], safe for concurrent use.
//
// Each element is read as [JSON] reads it; one that does not fit T, has a name twice or
// nests too deep is a bad record. What is no JSON, or over MaxElement, ends the reading:
// nothing says where the next element would begin. So does an array that is not closed. The
// Line of a [Row] is the number of the element, counted from 1.
type JSONArray[T any] struct {
	codec *jsonCodec[T]
}

// NewJSONArray fails when a bound is negative.
func NewJSONArray[T any](config JSONArrayConfig) (*JSONArray[T], error) {
	boundErr := setBound("JSONArrayConfig.MaxElement", &config.MaxElement, DefaultMaxJSON)
	codec, codecErr := newJSON[T](JSONConfig{
		Strict: config.Strict, MaxBytes: max(config.MaxElement, 0), MaxDepth: config.MaxDepth,
	})
	if err := errors.Join(boundErr, codecErr); err != nil {
		return nil, connector.Permanent(err)
	}

	return &JSONArray[T]{codec: codec}, nil
}

// NewWriter implements [Encoder]. Each element stands on a line of its own.
func (a *JSONArray[T]) NewWriter(text io.Writer) RecordWriter[T] {
	return &framed[T]{text: text, begin: "[\n", between: ",\n", end: "\n]\n", encode: a.codec.Append}
}

// NewReader implements [Decoder].
func (a *JSONArray[T]) NewReader(text io.Reader) RowReader[T] {
	b := &budget{text: text, what: "array element", max: a.codec.maxBytes}

	return &jsonArrayReader[T]{
		codec: a.codec, budget: b,
		// The codec refuses these, and the reading goes on.
		decoder: jsontext.NewDecoder(b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
	}
}

type jsonArrayReader[T any] struct {
	codec   *jsonCodec[T]
	budget  *budget
	decoder *jsontext.Decoder
	count   int
	err     error
}

// Read implements [RowReader].
func (r *jsonArrayReader[T]) Read() (Row[T], error) {
	if r.err != nil {
		return Row[T]{}, r.err
	}
	row, err := r.next()
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.located(err)
	}
	r.err = err

	return row, err
}

func (r *jsonArrayReader[T]) next() (Row[T], error) {
	if r.count == 0 {
		if err := r.open(); err != nil {
			return Row[T]{}, err
		}
	}
	r.count++
	if r.decoder.PeekKind() == ']' {
		return Row[T]{}, r.close()
	}
	r.budget.start(r.decoder.InputOffset())
	element, err := r.decoder.ReadValue()
	if err != nil {
		return Row[T]{}, err
	}
	at := r.decoder.InputOffset() - int64(len(element))
	if len(element) > r.codec.maxBytes {
		return Row[T]{}, r.budget.exceeded()
	}
	raw := string(element)
	if err := r.complete(raw); err != nil {
		return Row[T]{}, err
	}
	value, err := r.codec.Decode([]byte(raw))
	if err != nil {
		return badRow[T](&RowError{Line: r.count, Byte: at, Raw: raw, Err: err}), nil
	}

	return Row[T]{Value: value, Raw: raw, Line: r.count, Byte: at}, nil
}

// complete looks behind a number, which alone does not show its end: a text may be cut off
// within it.
func (r *jsonArrayReader[T]) complete(element string) error {
	if last := element[len(element)-1]; last < '0' || last > '9' || r.decoder.PeekKind() != jsontext.KindInvalid {
		return nil
	}
	_, err := r.decoder.ReadToken()

	return err
}

func (r *jsonArrayReader[T]) open() error {
	token, err := r.decoder.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the text is empty; want a JSON array, [] if it has no elements")
	case err != nil:
		return err
	case token.Kind() != '[':
		return fmt.Errorf("the text begins with a %v; want a JSON array", token.Kind())
	default:
		return nil
	}
}

// close reads the end of the array, behind which nothing may stand.
func (r *jsonArrayReader[T]) close() error {
	if _, err := r.decoder.ReadToken(); err != nil {
		return err
	}
	r.budget.start(r.decoder.InputOffset())
	_, err := r.decoder.ReadToken()
	if err == nil {
		return errors.New("there is text behind the array; want one array alone")
	}

	return err
}

// located gives an error that ends the reading its place.
func (r *jsonArrayReader[T]) located(err error) error {
	at := r.decoder.InputOffset()
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, err = syntax.ByteOffset, syntax.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the text ends within the array; it was cut off")
	}

	return r.budget.located(max(r.count, 1), at, err)
}
