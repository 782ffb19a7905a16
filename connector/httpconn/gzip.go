package httpconn

import (
	"bytes"
	"compress/gzip"
	"sync"
)

const (
	encodingGzip = "gzip"
	// minGzip is the size below which compression costs more than it saves.
	minGzip = 1 << 10
)

// writers are used again: each has tables of some 800 KB.
var writers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// compress returns body in gzip.
func compress(body []byte) []byte {
	var out bytes.Buffer
	writer, _ := writers.Get().(*gzip.Writer)
	defer writers.Put(writer)
	writer.Reset(&out)
	_, _ = writer.Write(body) // a bytes.Buffer takes everything
	_ = writer.Close()

	return out.Bytes()
}
