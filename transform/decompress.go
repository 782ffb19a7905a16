package transform

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// Defaults of DecompressConfig.
const (
	DefaultMaxInflated = 16 << 30
	DefaultMaxRatio    = 200
)

// DecompressConfig bounds what comes out of a compressed text. The zero value is ready to
// use.
type DecompressConfig struct {
	// MaxBytes is the most bytes that may come out. Default 16 GiB.
	MaxBytes int64
	// MaxRatio is how many times as long as what went in that may be, from the first MiB
	// on. Default 200; text usually has 3 to 20, a bomb 1000.
	MaxRatio int
}

func (c *DecompressConfig) complete() error {
	if c.MaxBytes < 0 || c.MaxRatio < 0 {
		return connector.Permanent(fmt.Errorf("transform: DecompressConfig has MaxBytes %d and MaxRatio %d; neither may be negative", c.MaxBytes, c.MaxRatio))
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxInflated
	}
	if c.MaxRatio == 0 {
		c.MaxRatio = DefaultMaxRatio
	}

	return nil
}

// Decompress returns a decoder of compressed text: open makes a reader of the plain text,
// and inner its records. Lines and bytes in rows and errors are those of the plain text.
// What open's reader says of the text is permanent, unless it has a class; more than the
// bounds is a *[connector.LimitError].
func Decompress[T any](
	inner Decoder[T], config DecompressConfig, open func(text io.Reader) (io.Reader, error),
) (Decoder[T], error) {
	if err := config.complete(); err != nil {
		return nil, err
	}

	return decompress[T]{inner, config, open}, nil
}

// Gzip returns a decoder of gzip files. Several gzip texts in a row are one text.
func Gzip[T any](inner Decoder[T], config DecompressConfig) (Decoder[T], error) {
	return Decompress(inner, config, func(text io.Reader) (io.Reader, error) { return gzip.NewReader(text) })
}

type decompress[T any] struct {
	inner  Decoder[T]
	config DecompressConfig
	open   func(io.Reader) (io.Reader, error)
}

// NewReader implements [Decoder].
func (d decompress[T]) NewReader(text io.Reader) RowReader[T] {
	in := &counted{text: text}

	return d.inner.NewReader(&inflated{config: d.config, in: in, open: func() (io.Reader, error) { return d.open(in) }})
}

// counted counts what is read of a compressed text, and keeps why it could not be.
type counted struct {
	text io.Reader
	n    int64
	err  error
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.text.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}

	return n, err //nolint:wrapcheck // passes through the decompressor
}

// inflated is plain text within bounds.
type inflated struct {
	config DecompressConfig
	in     *counted
	open   func() (io.Reader, error)
	plain  io.Reader
	n      int64
}

// Read implements io.Reader.
func (f *inflated) Read(p []byte) (int, error) {
	if f.plain == nil {
		plain, err := f.open()
		if err != nil {
			return 0, f.failed(err)
		}
		f.plain = plain
	}
	n, err := f.plain.Read(p)
	f.n += int64(n)
	const free = 1 << 20
	switch {
	case f.n > f.config.MaxBytes:
		return 0, connector.Permanent(&connector.LimitError{What: "decompressed text", Size: f.config.MaxBytes + 1, Limit: f.config.MaxBytes})
	case f.n > free && f.n/int64(f.config.MaxRatio) > f.in.n:
		return 0, connector.Permanent(fmt.Errorf(
			"%d compressed bytes became %d, more than %d times as many; raise MaxRatio if that is meant", f.in.n, f.n, f.config.MaxRatio))
	case err == nil || errors.Is(err, io.EOF):
		return n, err //nolint:wrapcheck // io.EOF must stay what it is
	default:
		return 0, f.failed(err)
	}
}

// failed tells what is wrong with the text from what kept it from being read.
func (f *inflated) failed(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case f.in.err != nil:
		return f.in.err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the compressed text ends after %d bytes; it was cut off", f.in.n)
	case errors.Is(err, gzip.ErrHeader):
		err = fmt.Errorf("this is no gzip text, or something else stands behind it: %w", err)
	case errors.Is(err, gzip.ErrChecksum), corrupt:
		err = fmt.Errorf("the compressed text is damaged: %w", err)
	case connector.ClassOf(err) != connector.ClassUnknown:
		return err
	}

	return connector.Permanent(err)
}
