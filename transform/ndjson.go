package transform

import (
	"encoding/json/jsontext"
	"errors"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// NDJSONConfig bounds NDJSON. The zero value is ready to use.
type NDJSONConfig struct {
	// Strict refuses object members that T has no field for. By default they are skipped.
	Strict bool
	// MaxLine is the most bytes of one line, without its end. Default 1 MiB.
	MaxLine int
	// MaxDepth is how deep arrays and objects may nest. Default 100.
	MaxDepth int
}

// NDJSON reads and writes records of type T as one JSON document on each line. It is
// safe for concurrent use.
//
// Blank lines and a byte order mark are skipped. Each document is read as [JSON] reads
// it; one that is bad does not end the reading.
type NDJSON[T any] struct {
	codec   *jsonCodec[T]
	maxLine int
}

// NewNDJSON fails when a bound is negative.
func NewNDJSON[T any](config NDJSONConfig) (*NDJSON[T], error) {
	lineErr := setBound("NDJSONConfig.MaxLine", &config.MaxLine, DefaultMaxLine)
	codec, codecErr := newJSON[T](JSONConfig{
		Strict: config.Strict, MaxBytes: max(config.MaxLine, 0), MaxDepth: config.MaxDepth,
	})
	if err := errors.Join(lineErr, codecErr); err != nil {
		return nil, connector.Permanent(err)
	}

	return &NDJSON[T]{codec: codec, maxLine: config.MaxLine}, nil
}

// NewReader implements [Format].
func (n *NDJSON[T]) NewReader(text io.Reader) RowReader[T] {
	return &lineReader[T]{
		scanner: newLineScanner(text, n.maxLine),
		decode:  func(line []byte, _ string) (T, error) { return n.codec.Decode(line) },
	}
}

// NewChecker implements [Format]. Any JSON will do.
func (n *NDJSON[T]) NewChecker(text io.Reader) RowReader[struct{}] {
	return &lineReader[struct{}]{
		scanner: newLineScanner(text, n.maxLine),
		decode: func(line []byte, _ string) (struct{}, error) {
			if !jsontext.Value(line).IsValid() {
				return struct{}{}, errors.New("this is no JSON document")
			}

			return struct{}{}, nil
		},
	}
}

// AppendHeader implements [Format]: there is no header.
func (n *NDJSON[T]) AppendHeader(dst []byte) []byte { return dst }

// Append implements [Format]. Its errors are permanent.
func (n *NDJSON[T]) Append(dst []byte, value T) ([]byte, error) {
	longer, err := n.codec.appendFrom(dst, &value)
	if err != nil {
		return dst, err
	}

	return append(longer, '\n'), nil
}

// NewWriter implements [Encoder].
func (n *NDJSON[T]) NewWriter(text io.Writer) RecordWriter[T] {
	return &framed[T]{text: text, begin: string(n.AppendHeader(nil)), encode: n.Append}
}
