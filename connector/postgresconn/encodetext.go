package postgresconn

import (
	"encoding/hex"
	"encoding/json/v2"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/jackc/pgx/v5/pgtype"
)

const (
	uuidSize     = 16
	jsonbVersion = 1
)

// isText reports whether the column takes its text as it is.
func (c column) isText() bool {
	switch c.oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.JSONOID, pgtype.XMLOID:
		return true
	default:
		return c.kind == "e" || c.typeName == "citext"
	}
}

func stringEncoder(to column) encoder {
	switch {
	case to.isText():
		return encodeString
	case to.oid == pgtype.JSONBOID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			return appendJSONB(dst, *(*string)(field)), nil
		}
	case to.oid == pgtype.UUIDOID:
		return encodeUUIDText
	case to.oid == pgtype.NumericOID:
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			text := *(*string)(field)

			return appendNumeric(dst, unsafe.Slice(unsafe.StringData(text), len(text)))
		}
	default:
		return nil
	}
}

func bytesEncoder(to column) encoder {
	if to.oid == pgtype.JSONBOID {
		return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
			text := *(*[]byte)(field)
			if text == nil {
				return null(dst), nil
			}

			return appendJSONB(dst, text), nil
		}
	}
	if to.oid != pgtype.ByteaOID && !to.isText() {
		return nil
	}

	return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
		value := *(*[]byte)(field)
		if value == nil {
			return null(dst), nil
		}

		return append(appendSize(dst, len(value)), value...), nil
	}
}

func encodeString(dst []byte, field unsafe.Pointer) ([]byte, error) {
	value := *(*string)(field)

	return append(appendSize(dst, len(value)), value...), nil
}

func appendJSONB[S string | []byte](dst []byte, text S) []byte {
	return append(append(appendSize(dst, 1+len(text)), jsonbVersion), text...)
}

// jsonEncoder writes the JSON encoding of any type.
func jsonEncoder(t reflect.Type, to column) encoder {
	mayBeNil := t.Kind() == reflect.Map || t.Kind() == reflect.Slice || t.Kind() == reflect.Interface

	return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
		value := reflect.NewAt(t, field)
		if mayBeNil && value.Elem().IsNil() {
			return null(dst), nil
		}
		text, err := json.Marshal(value.Interface())
		if err != nil {
			return nil, fmt.Errorf("encode JSON: %w", err)
		}
		if to.oid == pgtype.JSONBOID {
			return appendJSONB(dst, text), nil
		}

		return append(appendSize(dst, len(text)), text...), nil
	}
}

func encodeUUID(dst []byte, field unsafe.Pointer) ([]byte, error) {
	return append(appendSize(dst, uuidSize), (*[uuidSize]byte)(field)[:]...), nil
}

// encodeUUIDText reads a UUID in its usual form, with or without hyphens.
func encodeUUIDText(dst []byte, field unsafe.Pointer) ([]byte, error) {
	text := *(*string)(field)
	var value [uuidSize]byte
	plain := strings.ReplaceAll(text, "-", "")
	if len(plain) != 2*uuidSize {
		return nil, fmt.Errorf("uuid %.40q: want 32 hexadecimal digits", text)
	}
	if _, err := hex.Decode(value[:], []byte(plain)); err != nil {
		return nil, fmt.Errorf("uuid %.40q: %w", text, err)
	}

	return append(appendSize(dst, uuidSize), value[:]...), nil
}
