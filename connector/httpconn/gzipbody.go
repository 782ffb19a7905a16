package httpconn

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// freeInflated is how much a body may become whatever its ratio.
const freeInflated = 64 << 10

var readers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// inflated is a request body that was compressed. Its reader is made at the first Read,
// when the handler has set its deadline.
type inflated struct {
	from   io.ReadCloser
	config GzipConfig
	reader *gzip.Reader
	in     int64
	out    int64
	err    error
}

// Read implements io.Reader. Whatever it returns beyond a bound is an error.
func (b *inflated) Read(p []byte) (int, error) {
	if b.err == nil && b.reader == nil {
		b.begin()
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.reader.Read(p)
	b.out += int64(n)
	if over := b.over(); over != nil {
		n, err = 0, over
	}
	b.err = err

	return n, err
}

func (b *inflated) begin() {
	reader, _ := readers.Get().(*gzip.Reader)
	if err := reader.Reset(counted{b}); err != nil {
		readers.Put(reader)
		b.err = err
		if errors.Is(err, io.EOF) { // an empty body is not gzip
			b.err = io.ErrUnexpectedEOF
		}

		return
	}
	b.reader = reader
}

// over is the error of a body that has become too large.
func (b *inflated) over() error {
	if most := int64(b.config.MaxBody); b.out > most {
		return connector.Permanent(&connector.LimitError{What: "body", Size: b.out, Limit: most})
	}
	if most := b.in * int64(b.config.MaxRatio); b.out > max(most, freeInflated) {
		return connector.Permanent(fmt.Errorf("%d bytes of gzip became %d: %w", b.in, b.out,
			&connector.LimitError{What: "body", Size: b.out, Limit: max(most, freeInflated)}))
	}

	return nil
}

// Close implements io.Closer.
func (b *inflated) Close() error { return b.from.Close() }

// release gives the reader back once nobody reads any more.
func (b *inflated) release() {
	if b.reader != nil {
		readers.Put(b.reader)
		b.reader, b.err = nil, io.ErrClosedPipe
	}
}

// counted counts what is read of the body as it was sent.
type counted struct{ body *inflated }

func (c counted) Read(p []byte) (int, error) {
	n, err := c.body.from.Read(p)
	c.body.in += int64(n)

	return n, err
}
