package httpconn

import (
	"bytes"
	"sync"
)

// scratch is where a request is read and its reply written. Nothing that outlives the
// request refers to it: decoding copies, and sending copies too.
type scratch struct{ bytes.Buffer }

// mostScratch bounds what is kept for the next request.
const mostScratch = 64 << 10

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func newScratch() *scratch { return scratches.Get().(*scratch) } //nolint:forcetypeassert // the pool has nothing else

func (s *scratch) free() {
	if s.Cap() > mostScratch {
		return
	}
	s.Reset()
	scratches.Put(s)
}
