package postgresconn

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace-go/millrace/transform"
)

// encoder appends the value that field points at, with its length before it, as COPY
// wants it. The pointer is typed by whoever made the encoder, and never kept.
type encoder func(dst []byte, field unsafe.Pointer) ([]byte, error)

// encoderOf chooses how values of t are written into the column.
func encoderOf(t reflect.Type, to column) (encoder, error) {
	encode := choose(t, to)
	if encode == nil {
		return nil, fmt.Errorf("a %s does not fit column %s of type %s: see the types that Copy lists", t, to.name, to.typeName)
	}

	return encode, nil
}

func choose(t reflect.Type, to column) encoder {
	switch {
	case t == reflect.TypeFor[transform.Money]():
		return moneyEncoder(to)
	case t == reflect.TypeFor[time.Time]():
		return timeEncoder(to)
	case t.Kind() == reflect.Pointer && (isValuer(t.Elem()) || !isValuer(t)):
		return nullable(choose(t.Elem(), to))
	case isValuer(t):
		return valuerEncoder(t, to)
	case to.oid == pgtype.UUIDOID && t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 && t.Len() == uuidSize:
		return encodeUUID
	case t.Kind() == reflect.String:
		return stringEncoder(to)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return bytesEncoder(to)
	case to.oid == pgtype.JSONOID || to.oid == pgtype.JSONBOID:
		return jsonEncoder(t, to)
	default:
		return scalarEncoder(t, to)
	}
}

func isValuer(t reflect.Type) bool { return t.Implements(reflect.TypeFor[driver.Valuer]()) }

// scalarEncoder is for booleans and numbers.
func scalarEncoder(t reflect.Type, to column) encoder {
	switch t.Kind() {
	case reflect.Bool:
		if to.oid == pgtype.BoolOID {
			return encodeBool
		}
	case reflect.Int, reflect.Int64:
		return intEncoder[int64](to)
	case reflect.Int32:
		return intEncoder[int32](to)
	case reflect.Int16:
		return intEncoder[int16](to)
	case reflect.Int8:
		return intEncoder[int8](to)
	case reflect.Uint, reflect.Uint64:
		return uintEncoder(to)
	case reflect.Uint32:
		return intEncoder[uint32](to)
	case reflect.Uint16:
		return intEncoder[uint16](to)
	case reflect.Uint8:
		return intEncoder[uint8](to)
	case reflect.Float64:
		return floatEncoder[float64](to)
	case reflect.Float32:
		return floatEncoder[float32](to)
	default:
	}

	return nil
}

// null is the length of a value that is NULL.
func null(dst []byte) []byte { return append(dst, 0xff, 0xff, 0xff, 0xff) }

func appendSize(dst []byte, size int) []byte { return binary.BigEndian.AppendUint32(dst, uint32(size)) }

// nullable writes what a pointer points at.
func nullable(encode encoder) encoder {
	if encode == nil {
		return nil
	}

	return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
		value := *(*unsafe.Pointer)(field)
		if value == nil {
			return null(dst), nil
		}

		return encode(dst, value)
	}
}

func encodeBool(dst []byte, field unsafe.Pointer) ([]byte, error) {
	dst = appendSize(dst, 1)
	if *(*bool)(field) {
		return append(dst, 1), nil
	}

	return append(dst, 0), nil
}
