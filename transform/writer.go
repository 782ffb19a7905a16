package transform

import (
	"fmt"
	"io"
)

// writeAhead is how much a Writer gathers before it writes.
const writeAhead = 64 << 10

// Writer writes records of one format to a text. It is not safe for concurrent use.
type Writer[T any] struct {
	text    io.Writer
	format  Format[T]
	buffer  []byte
	started bool
	err     error
}

// NewWriter returns a Writer; the header goes out with the first record or Flush. For
// files that must survive a crash, use package fileconn.
func NewWriter[T any](text io.Writer, format Format[T]) *Writer[T] {
	return &Writer[T]{text: text, format: format}
}

// Write adds one record. A record that cannot be encoded leaves the text unchanged and
// the Writer usable; after an error of the text itself, every call returns that error.
func (w *Writer[T]) Write(value T) error {
	if w.err != nil {
		return w.err
	}
	w.start()
	longer, err := w.format.Append(w.buffer, value)
	if err != nil {
		return err
	}
	w.buffer = longer
	if len(w.buffer) < writeAhead {
		return nil
	}

	return w.Flush()
}

// Flush writes what was gathered; call it after the last record.
func (w *Writer[T]) Flush() error {
	if w.err != nil {
		return w.err
	}
	w.start()
	if _, err := w.text.Write(w.buffer); err != nil {
		w.err = fmt.Errorf("transform: write: %w", err)
	}
	w.buffer = w.buffer[:0]

	return w.err
}

func (w *Writer[T]) start() {
	if !w.started {
		w.started = true
		w.buffer = w.format.AppendHeader(w.buffer)
	}
}
