package connector

import (
	"fmt"
	"iter"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Position is where in its source a message stands. It is opaque to flow, comparable,
// and encodes as text, so that a sink can store it in its own transaction. Only the
// Reader that made a Position gives meaning to its parts.
type Position struct {
	// Partition names the ordered part of the source: a file, a table, a queue.
	Partition string
	// Offset grows along the order of the partition.
	Offset int64
}

// IsZero reports whether p is the zero Position, which no message of a source has.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the partition and the offset, separated by a colon.
func (p Position) String() string {
	var buf [64]byte
	text := append(append(buf[:0], p.Partition...), ':')

	return string(strconv.AppendInt(text, p.Offset, 10))
}

// MarshalText implements encoding.TextMarshaler.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Position) UnmarshalText(text []byte) error {
	s := string(text)
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return fmt.Errorf("connector: position %q: want partition:offset", s)
	}
	offset, err := strconv.ParseInt(s[colon+1:], 10, 64)
	if err != nil {
		return fmt.Errorf("connector: position %q: offset: %w", s, err)
	}
	*p = Position{Partition: s[:colon], Offset: offset}

	return nil
}

// Fields are the parts of a Meta, as a driver sets them. Every field may stay zero.
type Fields struct {
	// Position is where the message stands in its source.
	Position Position
	// ID identifies the message across redeliveries. Empty means the Position's text.
	ID string
	// Key is what order and partitioning go by.
	Key string
	// Time is the event time.
	Time time.Time
	// NotBefore is when a queue may hand the message out at the earliest; the zero time
	// means at once. A queue that declares Delays goes by it, and does not pass it on.
	NotBefore time.Time
	// Attempt counts deliveries of this message, the first being 1; 0 means unknown.
	Attempt int
	// Headers are further attributes. The map must not be changed afterwards.
	Headers map[string]string
}

// Meta is the metadata of a message. It is read-only: the With methods return a changed
// copy. All methods may be called on a nil Meta, and concurrently.
type Meta struct {
	fields Fields
	parent *Meta
	part   int
	// shares says that the fields are those of the parent: a part is made without a copy.
	shares bool
}

// MakeMeta returns a Meta by value, so that a driver can fill one slice for a whole
// chunk of messages and hand out pointers into it.
func MakeMeta(fields Fields) Meta { return Meta{fields: fields} }

// Position returns where the message stands in its source.
func (m *Meta) Position() Position {
	if m == nil {
		return Position{}
	}

	return m.shared().Position
}

// ID identifies the message across redeliveries: the ID that the source set, or else the
// text of the Position. Parts of a split add their number: "orders.csv:7/2".
func (m *Meta) ID() string {
	switch {
	case m == nil:
		return ""
	case m.parent != nil:
		return m.parent.ID() + "/" + strconv.Itoa(m.part)
	case m.fields.ID != "":
		return m.fields.ID
	case m.fields.Position.IsZero():
		return ""
	default:
		return m.fields.Position.String()
	}
}

// Key returns what order and partitioning go by; empty when the message has none.
func (m *Meta) Key() string {
	if m == nil {
		return ""
	}

	return m.shared().Key
}

// Time returns the event time; the zero time when the source knows none.
func (m *Meta) Time() time.Time {
	if m == nil {
		return time.Time{}
	}

	return m.shared().Time
}

// NotBefore returns when a queue may hand the message out at the earliest; the zero time
// means at once.
func (m *Meta) NotBefore() time.Time {
	if m == nil {
		return time.Time{}
	}

	return m.shared().NotBefore
}

// Attempt returns which delivery of the message this is, counted from 1; 0 when the
// source does not count.
func (m *Meta) Attempt() int {
	if m == nil {
		return 0
	}

	return m.shared().Attempt
}

// Header returns the header's value, or the empty string.
func (m *Meta) Header(name string) string {
	if m == nil {
		return ""
	}

	return m.shared().Headers[name]
}

// Headers iterates over all headers in no particular order.
func (m *Meta) Headers() iter.Seq2[string, string] {
	if m == nil {
		return func(func(string, string) bool) {}
	}

	return maps.All(m.shared().Headers)
}

// Fields returns the metadata as a driver that stores or sends it needs it. The Headers
// map must not be changed.
func (m *Meta) Fields() Fields {
	if m == nil {
		return Fields{}
	}
	fields := *m.shared()
	fields.ID = m.ID()

	return fields
}

// WithID returns a copy with another ID.
func (m *Meta) WithID(id string) *Meta {
	return m.with(func(c *Meta) { c.fields.ID, c.parent = id, nil })
}

// WithKey returns a copy with another key.
func (m *Meta) WithKey(key string) *Meta {
	return m.with(func(c *Meta) { c.fields.Key = key })
}

// WithTime returns a copy with another event time.
func (m *Meta) WithTime(t time.Time) *Meta {
	return m.with(func(c *Meta) { c.fields.Time = t })
}

// WithNotBefore returns a copy that a queue hands out no sooner than at the time.
func (m *Meta) WithNotBefore(t time.Time) *Meta {
	return m.with(func(c *Meta) { c.fields.NotBefore = t })
}

// WithHeader returns a copy in which one header is set.
func (m *Meta) WithHeader(name, value string) *Meta {
	return m.with(func(c *Meta) {
		headers := make(map[string]string, len(c.fields.Headers)+1)
		maps.Copy(headers, c.fields.Headers)
		headers[name] = value
		c.fields.Headers = headers
	})
}

// Part returns the metadata of the n-th message made from this one. It shares
// everything but the ID, to which "/n" is added.
func (m *Meta) Part(n int) *Meta {
	if m == nil {
		return nil
	}

	return &Meta{parent: m, part: n, shares: true}
}

// Parts makes the metadata of parts as [Meta.Part] does, several in one allocation. The
// zero Parts is ready to use, by one goroutine at a time. One part that is kept keeps the
// memory of those made beside it.
type Parts struct {
	free []Meta
}

const partsAtOnce = 32

// Of returns the metadata of the n-th part of m.
func (p *Parts) Of(m *Meta, n int) *Meta {
	if m == nil {
		return nil
	}
	if len(p.free) == 0 {
		p.free = make([]Meta, partsAtOnce)
	}
	part := &p.free[0]
	p.free = p.free[1:]
	part.parent, part.part, part.shares = m, n, true // by itself each: the rest is zero already

	return part
}

// shared returns the fields, which a part has in common with its parent.
func (m *Meta) shared() *Fields {
	for m.shares {
		m = m.parent
	}

	return &m.fields
}

func (m *Meta) with(change func(*Meta)) *Meta {
	var c Meta
	if m != nil {
		c = *m
		c.fields, c.shares = *m.shared(), false
	}
	change(&c)

	return &c
}
