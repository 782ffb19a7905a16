// Package zstdfmt reads records from zstd files: it puts a decoder round another one, as
// transform.Gzip does for gzip.
//
// A file is read in constant memory: its window is bounded by Config.MaxWindow, and what
// comes out by Config.Inflate, in size and in ratio. A file that is damaged, cut off, over a
// bound, or no zstd, is a permanent error that says so. Several zstd texts in a row are one
// text; a dictionary is refused.
package zstdfmt

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// DefaultMaxWindow is what zstd's own program accepts without being asked for more.
const DefaultMaxWindow = 128 << 20

// Config bounds what is read. The zero value is ready to use.
type Config struct {
	// Inflate bounds what comes out.
	Inflate transform.DecompressConfig
	// MaxWindow is the most bytes of the window that a file may ask for, which is how much
	// memory its reading takes. Default 128 MiB, at least 1 KiB.
	MaxWindow int
}

// New returns a decoder of zstd files whose plain text inner reads.
func New[T any](inner transform.Decoder[T], config Config) (transform.Decoder[T], error) {
	if config.MaxWindow == 0 {
		config.MaxWindow = DefaultMaxWindow
	}
	if config.MaxWindow < zstd.MinWindowSize {
		return nil, connector.Permanent(fmt.Errorf("zstdfmt: Config.MaxWindow is %d; want at least %d", config.MaxWindow, zstd.MinWindowSize))
	}

	return transform.Decompress(inner, config.Inflate, func(text io.Reader) (io.Reader, error) {
		source := &input{text: text}
		decoder, err := zstd.NewReader(source,
			zstd.WithDecoderConcurrency(1), // no goroutine, which nobody would end
			zstd.WithDecoderMaxWindow(uint64(config.MaxWindow)))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}

		return &plain{decoder: decoder, source: source}, nil
	})
}

// input notes whether there was anything to read.
type input struct {
	text io.Reader
	some bool
}

// Read implements io.Reader.
func (i *input) Read(b []byte) (int, error) {
	n, err := i.text.Read(b)
	i.some = i.some || n > 0

	return n, err //nolint:wrapcheck // passes through the decoder
}

// plain is what comes out of a decoder.
type plain struct {
	decoder *zstd.Decoder
	source  *input
	err     error
}

// Read implements io.Reader.
func (p *plain) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.decoder.Read(b)
	if err == nil {
		return n, nil
	}
	p.decoder.Close()
	switch {
	case errors.Is(err, io.EOF) && p.source.some:
		p.err = io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		n, p.err = 0, io.ErrUnexpectedEOF // an empty file is no zstd: an empty text has a frame
	default:
		n, p.err = 0, fmt.Errorf("this is no zstd text, or it is damaged: %w", err)
	}

	return n, p.err
}
