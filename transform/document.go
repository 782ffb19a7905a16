package transform

import (
	"bytes"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// Encoder makes a text of records, as a whole: what cannot be written on at its end, such
// as a JSON array, is an Encoder and no [Format]. It is safe for concurrent use.
type Encoder[T any] interface {
	// NewWriter returns a writer of one text.
	NewWriter(text io.Writer) RecordWriter[T]
}

// RecordWriter writes the records of one text. It is not safe for concurrent use.
type RecordWriter[T any] interface {
	// Write adds one record. One that cannot be encoded is a permanent error, which leaves
	// the text as it was and the writer usable; after an error of the text itself, every
	// call returns that error.
	Write(value T) error
	// Close ends the text. It does not close what the text is written to.
	Close() error
}

// framed writes records between a beginning, an end and something between two of them.
type framed[T any] struct {
	text                 io.Writer
	begin, between, end  string
	encode               func(dst []byte, value T) ([]byte, error)
	buffer               []byte
	started, some, ended bool
	err                  error
}

// Write implements [RecordWriter].
func (w *framed[T]) Write(value T) error {
	if w.err != nil {
		return w.err
	}
	if w.ended {
		return connector.Permanent(connector.ErrClosed)
	}
	kept := len(w.buffer)
	w.start()
	if w.some {
		w.buffer = append(w.buffer, w.between...)
	}
	longer, err := w.encode(w.buffer, value)
	if err != nil {
		if w.some {
			w.buffer = w.buffer[:kept]
		}

		return err
	}
	w.buffer, w.some = longer, true
	if len(w.buffer) < writeAhead {
		return nil
	}

	return w.flush()
}

// Close implements [RecordWriter].
func (w *framed[T]) Close() error {
	if w.err != nil || w.ended {
		return w.err
	}
	w.ended = true
	w.start()
	w.buffer = append(w.buffer, w.end...)

	return w.flush()
}

func (w *framed[T]) start() {
	if !w.started {
		w.started = true
		w.buffer = append(w.buffer, w.begin...)
	}
}

func (w *framed[T]) flush() error {
	if _, err := w.text.Write(w.buffer); err != nil {
		w.err = fmt.Errorf("transform: write: %w", err)
	}
	w.buffer = w.buffer[:0]

	return w.err
}

// Encode returns the text of some records. The errors of those that cannot be encoded
// stand at their index, and they are left out; err is nil unless the text itself failed.
func Encode[T any](encoder Encoder[T], values []T) (text []byte, bad map[int]error, err error) {
	var buffer bytes.Buffer
	w := encoder.NewWriter(&buffer)
	for i, value := range values {
		if err := w.Write(value); err != nil {
			if bad == nil {
				bad = make(map[int]error)
			}
			bad[i] = err
		}
	}
	if err := w.Close(); err != nil {
		return nil, bad, err
	}

	return buffer.Bytes(), bad, nil
}
