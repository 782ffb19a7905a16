package transform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// windowStart is the first size of a window; most texts never need more.
const windowStart = 64 << 10

// byteOrderMark is what some programs put before UTF-8 text.
var byteOrderMark = [...]byte{0xEF, 0xBB, 0xBF}

// window is the part of a text that is in memory: from the start of the current record
// to the end of what has been read. It grows to at most max bytes.
type window struct {
	text     io.Reader
	buf      []byte
	from, to int
	max      int
	offset   int64 // of buf[from] in the text
	line     int   // of buf[from], counted from 1
	err      error // why text ended; io.EOF when it is all here
}

func newWindow(text io.Reader, most int) window {
	return window{text: text, buf: make([]byte, min(windowStart, most)), max: most, line: 1}
}

func (w *window) bytes() []byte { return w.buf[w.from:w.to] }

// full says that the window may not grow.
func (w *window) full() bool { return w.to-w.from >= w.max }

// newline returns the index of the first line end at or after from. Without one, it
// returns the length of the window and false: the text ended, failed, or the window is
// full.
func (w *window) newline(from int) (int, bool) {
	for {
		if i := bytes.IndexByte(w.buf[w.from+from:w.to], '\n'); i >= 0 {
			return from + i, true
		}
		from = w.to - w.from
		if w.full() || !w.fill() {
			return from, false
		}
	}
}

// fill reads once and reports whether that brought anything.
func (w *window) fill() bool {
	if w.err != nil {
		return false
	}
	w.makeRoom()
	const patience = 100
	for range patience {
		n, err := w.text.Read(w.buf[w.to:min(len(w.buf), w.from+w.max)])
		w.to += n
		w.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	w.err = io.ErrNoProgress

	return false
}

// makeRoom leaves space behind the unread bytes.
func (w *window) makeRoom() {
	if w.to < len(w.buf) {
		return
	}
	if w.from > 0 {
		w.to = copy(w.buf, w.bytes())
		w.from = 0
	}
	if w.to > len(w.buf)/2 && len(w.buf) < w.max {
		longer := make([]byte, min(2*len(w.buf), w.max))
		copy(longer, w.buf[:w.to])
		w.buf = longer
	}
}

// advance leaves n bytes and lines behind.
func (w *window) advance(n, lines int) {
	w.from += n
	w.offset += int64(n)
	w.line += lines
}

// skipMark leaves a byte order mark behind, at the start of the text alone.
func (w *window) skipMark() {
	for w.to-w.from < len(byteOrderMark) && w.fill() {
	}
	if bytes.HasPrefix(w.bytes(), byteOrderMark[:]) {
		w.advance(len(byteOrderMark), 0)
	}
}

// failure is the error that reading the text ended with, other than its end.
func (w *window) failure() error {
	if w.err == nil || errors.Is(w.err, io.EOF) {
		return nil
	}

	return fmt.Errorf("line %d, byte %d: read: %w", w.line, w.offset, w.err)
}

// dropCR takes the carriage return off the end of a line.
func dropCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}

	return line
}
