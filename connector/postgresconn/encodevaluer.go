package postgresconn

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
	"unsafe"
)

// valuerEncoder writes what a driver.Valuer gives, if the column takes any of the types
// that it may give.
func valuerEncoder(t reflect.Type, to column) encoder {
	v := valuer{
		column:  to,
		integer: choose(reflect.TypeFor[int64](), to), float: choose(reflect.TypeFor[float64](), to),
		boolean: choose(reflect.TypeFor[bool](), to), bytes: choose(reflect.TypeFor[[]byte](), to),
		text: choose(reflect.TypeFor[string](), to), instant: choose(reflect.TypeFor[time.Time](), to),
	}
	if v.integer == nil && v.float == nil && v.boolean == nil && v.bytes == nil && v.text == nil && v.instant == nil {
		return nil
	}

	return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
		source := reflect.NewAt(t, field).Elem()
		if t.Kind() == reflect.Pointer && source.IsNil() {
			return null(dst), nil
		}
		value, err := source.Interface().(driver.Valuer).Value()
		if err != nil {
			return nil, fmt.Errorf("value of a %s: %w", t, err)
		}

		return v.append(dst, value)
	}
}

// valuer has an encoder for each type that a driver.Value may be.
type valuer struct {
	column                                        column
	integer, float, boolean, bytes, text, instant encoder
}

func (v *valuer) append(dst []byte, value driver.Value) ([]byte, error) {
	encode, field := encoder(nil), unsafe.Pointer(nil)
	switch value := value.(type) {
	case nil:
		return null(dst), nil
	case int64:
		encode, field = v.integer, unsafe.Pointer(&value)
	case float64:
		encode, field = v.float, unsafe.Pointer(&value)
	case bool:
		encode, field = v.boolean, unsafe.Pointer(&value)
	case []byte:
		encode, field = v.bytes, unsafe.Pointer(&value)
	case string:
		encode, field = v.text, unsafe.Pointer(&value)
	case time.Time:
		encode, field = v.instant, unsafe.Pointer(&value)
	}
	if encode == nil {
		return nil, fmt.Errorf("a %T does not fit column %s of type %s", value, v.column.name, v.column.typeName)
	}

	return encode(dst, field)
}
