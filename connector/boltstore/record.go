package boltstore

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltcheck"
)

// A record is: checksum of bucket and key (4 bytes, see boltcheck.Bind), checksum (4),
// format version (1), end of life in Unix nanoseconds or 0 (8), version (8), value. The
// second checksum covers the bucket, the key and what follows it.
const (
	format     = 2
	sumAt      = boltcheck.NameSize
	bodyAt     = sumAt + 4
	headerSize = bodyAt + 1 + 8 + 8

	bucketEntries   = "entries"
	bucketConfirmed = "confirmed"
	bucketExpiry    = "expiry"
	bucketMeta      = "meta"
)

// record is what is stored for an entry, a confirmation (without a value) and the
// reserved versions.
type record struct {
	expires int64
	version connector.Version
	value   []byte
}

func (r record) expired(now time.Time) bool {
	return r.expires != 0 && r.expires <= now.UnixNano()
}

func (r record) entry(key string) connector.Entry {
	e := connector.Entry{Key: key, Value: append([]byte{}, r.value...), Version: r.version}
	if r.expires != 0 {
		e.Expires = time.Unix(0, r.expires)
	}

	return e
}

func (r record) encode(bucket, key string) []byte {
	data := make([]byte, bodyAt, headerSize+len(r.value))
	boltcheck.Bind(data, bucket, []byte(key))
	data = append(data, format)
	data = binary.BigEndian.AppendUint64(data, uint64(r.expires))
	data = binary.BigEndian.AppendUint64(data, uint64(r.version))
	data = append(data, r.value...)
	binary.BigEndian.PutUint32(data[sumAt:], checksum(bucket, key, data[bodyAt:]))

	return data
}

// decode reads a record; its value shares memory with data.
func decode(bucket, key string, data []byte) (record, error) {
	if len(data) < headerSize {
		return record{}, errShort
	}
	if !boltcheck.Bound(data, bucket, []byte(key)) ||
		binary.BigEndian.Uint32(data[sumAt:]) != checksum(bucket, key, data[bodyAt:]) {
		return record{}, errChecksum
	}
	if data[bodyAt] != format {
		return record{}, errFormat
	}

	return record{
		expires: int64(binary.BigEndian.Uint64(data[bodyAt+1:])),
		version: connector.Version(binary.BigEndian.Uint64(data[bodyAt+9:])),
		value:   data[headerSize:],
	}, nil
}

func checksum(bucket, key string, body []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, []byte(bucket))
	sum = crc32.Update(sum, table, []byte(key))

	return crc32.Update(sum, table, body)
}

// endOfLife returns when something that lives for ttl from now ends; 0 is never.
func endOfLife(now time.Time, ttl time.Duration) int64 {
	end := now.UnixNano()
	if ttl == 0 || int64(ttl) > math.MaxInt64-end {
		return 0
	}

	return end + int64(ttl)
}
