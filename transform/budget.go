package transform

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// budgetSlack is how far a parser may read ahead of the record that it is at.
const budgetSlack = 64 << 10

// budget bounds how much of a text a parser takes in for one record, and keeps the text
// since the record's start.
type budget struct {
	text io.Reader
	what string
	max  int
	read int64 // all that was handed on
	from int64 // where the record starts, and kept with it
	kept []byte
	err  error // why the text could not be read; parsers hide it in errors of their own
}

// start says that the record begins at an offset, at or behind the last one.
func (b *budget) start(offset int64) {
	b.kept = append(b.kept[:0], b.kept[min(offset-b.from, int64(len(b.kept))):]...)
	b.from = offset
}

// cut returns the record's text up to an offset.
func (b *budget) cut(to int64) []byte { return b.kept[:min(to-b.from, int64(len(b.kept)))] }

// Read implements io.Reader.
func (b *budget) Read(p []byte) (int, error) {
	room := int64(b.max) + budgetSlack - (b.read - b.from)
	if room <= 0 {
		b.err = b.exceeded()

		return 0, b.err
	}
	p = p[:min(int64(len(p)), room)]
	n, err := b.text.Read(p)
	if b.read == 0 && n > 0 {
		for n < min(len(byteOrderMark), len(p)) && err == nil {
			var more int
			more, err = b.text.Read(p[n:])
			n += more
		}
		if bytes.HasPrefix(p[:n], byteOrderMark[:]) {
			copy(p, "   ") // blanks, so that offsets stay
		}
	}
	b.read += int64(n)
	b.kept = append(b.kept, p[:n]...)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}

	return n, err //nolint:wrapcheck // io.EOF and the reader's own errors pass through parsers
}

// located makes the error that ends the reading of one at a record: of the text itself, of
// a bound, or of the parser.
func (b *budget) located(number int, at int64, err error) error {
	if b.err != nil {
		err = b.err
	}
	if _, ok := errors.AsType[*connector.LimitError](err); !ok && b.err != nil {
		return fmt.Errorf("record %d, byte %d: read: %w", number, at, err)
	}

	return connector.Permanent(&RowError{Line: number, Byte: at, Err: err})
}

func (b *budget) exceeded() error {
	return &connector.LimitError{What: b.what, Size: int64(b.max) + 1, Limit: int64(b.max)}
}
