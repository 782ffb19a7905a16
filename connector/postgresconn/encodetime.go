package postgresconn

import (
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgtype"
)

// PostgreSQL counts microseconds and days from 2000, and its dates end long before those
// of Go.
const (
	epochSeconds   = 946_684_800
	secondsPerDay  = 86_400
	firstTimestamp = -210_866_803_200    // 4713-11-24 BC, as a Unix time
	lastTimestamp  = 9_224_318_016_000   // 294277-01-01, which is one too late
	lastDate       = 185_542_587_187_200 // 5881580-07-12, which is one too late
)

// timeEncoder writes instants. A timestamp without a time zone gets the time in UTC; a
// date the date in the value's own zone.
func timeEncoder(to column) encoder {
	switch to.oid {
	case pgtype.TimestamptzOID, pgtype.TimestampOID:
		return encodeTimestamp
	case pgtype.DateOID:
		return encodeDate
	default:
		return nil
	}
}

func encodeTimestamp(dst []byte, field unsafe.Pointer) ([]byte, error) {
	value := (*time.Time)(field)
	seconds := value.Unix()
	if seconds < firstTimestamp || seconds >= lastTimestamp {
		return nil, fmt.Errorf("time in the year %d is out of the range of timestamp", value.Year())
	}
	micros := (seconds-epochSeconds)*1_000_000 + int64(value.Nanosecond())/1_000

	return appendInt8(dst, micros), nil
}

func encodeDate(dst []byte, field unsafe.Pointer) ([]byte, error) {
	value := (*time.Time)(field)
	year, month, day := value.Date()
	seconds := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
	if seconds < firstTimestamp || seconds >= lastDate {
		return nil, fmt.Errorf("the year %d is out of the range of date", year)
	}
	days := (seconds - epochSeconds) / secondsPerDay

	return binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 4), uint32(int32(days))), nil
}
