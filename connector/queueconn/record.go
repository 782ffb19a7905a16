package queueconn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltcheck"
)

// A record is: checksum of its bucket and key (4 bytes, see boltcheck.Bind), checksum over
// the rest (4), format version (1), content.
const (
	format     = 2
	sumAt      = boltcheck.NameSize
	bodyAt     = sumAt + 4
	recordHead = bodyAt + 1
)

var (
	errChecksum = errors.New("checksum does not match")
	errFormat   = errors.New("unknown format version")
	errShort    = errors.New("record is cut short")
)

// newRecord returns the head of a record, with capacity for size more bytes of content.
func newRecord(size int) []byte {
	data := make([]byte, recordHead, recordHead+size)
	data[recordHead-1] = format

	return data
}

// seal fills in the checksum of a complete record. It is bound when it is stored, because
// its key is known only then.
func seal(data []byte) []byte {
	binary.BigEndian.PutUint32(data[sumAt:], checksum(data[bodyAt:]))

	return data
}

func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// store puts a sealed record into a bucket, and binds it to its place.
func store(b *bolt.Bucket, bucket string, key, record []byte) error {
	boltcheck.Bind(record, bucket, key)

	return b.Put(key, record)
}

// unseal returns the content of a record.
func unseal(data []byte) ([]byte, error) {
	switch {
	case len(data) < recordHead:
		return nil, errShort
	case binary.BigEndian.Uint32(data[sumAt:]) != checksum(data[bodyAt:]):
		return nil, errChecksum
	case data[recordHead-1] != format:
		return nil, errFormat
	default:
		return data[recordHead:], nil
	}
}

// encodeFields begins the record of a message; the encoded value follows, then seal.
func encodeFields(fields connector.Fields) ([]byte, error) {
	stamp, err := stamp(fields.Time)
	if err != nil {
		return nil, err
	}
	data := newRecord(512)
	data = appendText(data, fields.ID)
	data = appendText(data, fields.Key)
	data = appendText(data, string(stamp))
	data = binary.AppendUvarint(data, uint64(len(fields.Headers)))
	for _, name := range headerNames(fields.Headers) {
		data = appendText(data, name)
		data = appendText(data, fields.Headers[name])
	}

	return data, nil
}

func headerNames(headers map[string]string) []string {
	if len(headers) == 0 {
		return nil
	}

	return slices.Sorted(maps.Keys(headers))
}

// stamp keeps the instant and its offset from UTC; the name of the zone is lost.
func stamp(t time.Time) ([]byte, error) {
	if t.IsZero() {
		return nil, nil
	}
	data, err := t.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("event time %s: %w", t, err)
	}

	return data, nil
}

// decodeFields reads the record of a message and returns its encoded value, which shares
// memory with data.
func decodeFields(data []byte) (connector.Fields, []byte, error) {
	content, err := unseal(data)
	if err != nil {
		return connector.Fields{}, nil, err
	}
	c := cutter{rest: content}
	fields := connector.Fields{ID: c.text(), Key: c.text()}
	if text := c.text(); text != "" {
		if err := fields.Time.UnmarshalBinary([]byte(text)); err != nil {
			return connector.Fields{}, nil, fmt.Errorf("event time: %w", err)
		}
	}
	fields.Headers = c.headers()
	if c.err != nil {
		return connector.Fields{}, nil, c.err
	}

	return fields, c.rest, nil
}

func appendText(data []byte, text string) []byte {
	return append(binary.AppendUvarint(data, uint64(len(text))), text...)
}

// cutter takes parts off the front of a record; after an error it yields zero values.
type cutter struct {
	rest []byte
	err  error
}

func (c *cutter) number() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.fail()

		return 0
	}
	c.rest = c.rest[size:]

	return n
}

func (c *cutter) text() string {
	n := c.number()
	if n > uint64(len(c.rest)) {
		c.fail()

		return ""
	}
	text := string(c.rest[:n])
	c.rest = c.rest[n:]

	return text
}

func (c *cutter) headers() map[string]string {
	n := c.number()
	if n > uint64(len(c.rest)) { // each takes two bytes or more
		c.fail()
	}
	if n == 0 || c.err != nil {
		return nil
	}
	headers := make(map[string]string, n)
	for range n {
		name := c.text()
		headers[name] = c.text()
	}

	return headers
}

func (c *cutter) fail() {
	c.rest, c.err = nil, errShort
}
