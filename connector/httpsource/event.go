package httpsource

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

// Event is a server-sent event.
type Event struct {
	// ID is the last event ID as of this event: where a stream goes on. It may be that of
	// an earlier event.
	ID string
	// Type is what the stream calls the event; "message" when it does not say.
	Type string
	// Data are the lines of data, joined with line feeds. What is not UTF-8 has been
	// replaced by U+FFFD.
	Data string
}

// maxEventID bounds what is sent back as Last-Event-ID.
const maxEventID = 1 << 10

// eventReader parses a stream of events as the HTML standard says.
type eventReader struct {
	text *bufio.Reader
	most int

	begun    bool
	afterCR  bool
	id, kind string
	// last is the id as of the last event that was ended.
	last    string
	data    []byte
	hasData bool
	size    int
	// space is where the current line is gathered.
	space []byte
	// retry is the last time that the stream asked for, and whether it did.
	retry  time.Duration
	retrys bool
}

func newEventReader(text io.Reader, most int, id string) *eventReader {
	return &eventReader{text: bufio.NewReader(text), most: most, id: id, last: id}
}

// next returns the next event. One that the stream did not end is dropped.
func (r *eventReader) next() (Event, error) {
	for {
		line, err := r.line()
		if err != nil {
			return Event{}, err
		}
		if len(line) > 0 {
			r.field(line)

			continue
		}
		event, ok := r.dispatch()
		if ok {
			return event, nil
		}
	}
}

// dispatch ends the event that was gathered; without data there is none.
func (r *eventReader) dispatch() (Event, bool) {
	event := Event{ID: r.id, Type: r.kind, Data: strings.ToValidUTF8(string(bytes.TrimSuffix(r.data, []byte("\n"))), "\uFFFD")}
	if event.Type == "" {
		event.Type = "message"
	}
	ok := r.hasData
	r.last = r.id
	r.kind, r.data, r.hasData, r.size = "", r.data[:0], false, 0

	return event, ok
}

func (r *eventReader) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		r.data = append(append(r.data, value...), '\n')
		r.hasData = true
	case "event":
		r.kind = strings.ToValidUTF8(string(value), "\uFFFD")
	case "id":
		if sendable(value) {
			r.id = string(value)
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			r.retry, r.retrys = time.Duration(ms)*time.Millisecond, true
		}
	}
}

// sendable reports whether an id can be sent back in a header. Others are passed over, as
// the standard does with those that hold NUL.
func sendable(id []byte) bool {
	return len(id) <= maxEventID && !bytes.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// line returns the next line, which ends with LF, CR or CRLF. The bound holds for each
// comment, and for all other lines of an event together.
func (r *eventReader) line() ([]byte, error) {
	line := r.space[:0]
	defer func() { r.space = line }()
	for {
		b, err := r.text.ReadByte()
		if err != nil {
			return nil, err
		}
		if r.afterCR && b == '\n' {
			r.afterCR = false

			continue
		}
		if r.afterCR = b == '\r'; r.afterCR || b == '\n' {
			return r.unmarked(line), nil
		}
		if r.size++; r.size > r.most {
			return nil, connector.Permanent(&connector.LimitError{What: "event", Size: int64(r.size), Limit: int64(r.most)})
		}
		line = append(line, b)
	}
}

// unmarked removes a byte order mark from the first line.
func (r *eventReader) unmarked(line []byte) []byte {
	if !r.begun {
		r.begun = true
		line = bytes.TrimPrefix(line, []byte("\uFEFF"))
	}
	if len(line) > 0 && line[0] == ':' {
		r.size -= len(line) // a comment, which keeps the connection alive, is no part of an event
	}

	return line
}

// wait is how long to wait before the next connection.
func (r *eventReader) wait(standard, most time.Duration) time.Duration {
	const least = 100 * time.Millisecond
	if !r.retrys {
		return standard
	}

	return min(max(r.retry, least), most)
}
