package postgresconn

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/jackc/pgx/v5/pgtype"
)

// A rangeError is a number that its column cannot hold.
func rangeError(value any, to string) error {
	return fmt.Errorf("%v is out of the range of %s", value, to)
}

// intEncoder writes integers that an int64 holds.
func intEncoder[N int64 | int32 | int16 | int8 | uint32 | uint16 | uint8](to column) encoder {
	switch to.oid {
	case pgtype.Int8OID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			return appendInt8(dst, int64(*(*N)(field))), nil
		}
	case pgtype.Int4OID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			return appendInt4(dst, int64(*(*N)(field)))
		}
	case pgtype.Int2OID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			return appendInt2(dst, int64(*(*N)(field)))
		}
	case pgtype.NumericOID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			var text [24]byte

			return appendNumeric(dst, strconv.AppendInt(text[:0], int64(*(*N)(field)), 10))
		}
	default:
		return nil
	}
}

// uintEncoder writes integers that only an uint64 holds.
func uintEncoder(to column) encoder {
	if to.oid == pgtype.NumericOID {
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			var text [24]byte

			return appendNumeric(dst, strconv.AppendUint(text[:0], *(*uint64)(field), 10))
		}
	}
	signed := intEncoder[int64](to)
	if signed == nil {
		return nil
	}

	return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
		if value := *(*uint64)(field); value > math.MaxInt64 {
			return nil, rangeError(value, to.typeName)
		}

		return signed(dst, field)
	}
}

func appendInt8(dst []byte, value int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0, 0, 0, 8), uint64(value))
}

func appendInt4(dst []byte, value int64) ([]byte, error) {
	if value != int64(int32(value)) {
		return nil, rangeError(value, "int4")
	}

	return binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 4), uint32(value)), nil
}

func appendInt2(dst []byte, value int64) ([]byte, error) {
	if value != int64(int16(value)) {
		return nil, rangeError(value, "int2")
	}

	return binary.BigEndian.AppendUint16(append(dst, 0, 0, 0, 2), uint16(value)), nil
}

// floatEncoder writes floats. A float8 that a float4 cannot hold is refused; one that it
// holds less precisely is rounded, as PostgreSQL does.
func floatEncoder[N float64 | float32](to column) encoder {
	switch to.oid {
	case pgtype.Float8OID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			return binary.BigEndian.AppendUint64(append(dst, 0, 0, 0, 8), math.Float64bits(float64(*(*N)(field)))), nil
		}
	case pgtype.Float4OID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			value := float64(*(*N)(field))
			if math.Abs(value) > math.MaxFloat32 && !math.IsInf(value, 0) {
				return nil, rangeError(value, "float4")
			}

			return binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 4), math.Float32bits(float32(value))), nil
		}
	case pgtype.NumericOID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			var text [32]byte

			return appendNumeric(dst, strconv.AppendFloat(text[:0], float64(*(*N)(field)), 'g', -1, int(unsafe.Sizeof(N(0)))*8))
		}
	default:
		return nil
	}
}
