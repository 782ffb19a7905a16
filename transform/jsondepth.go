package transform

import (
	"encoding"
	"encoding/json/v2"
	"math"
	"reflect"
	"slices"
	"time"
)

// boundless is the depth of a type whose values may nest as deep as they like.
const boundless = math.MaxInt

// writesOwnJSON are the interfaces of types that write any JSON that they like.
var writesOwnJSON = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.MarshalerTo]()}

// writesText are the interfaces of types that are written as one string.
var writesText = []reflect.Type{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextAppender]()}

// depths are those of the types that have been looked at. A type is boundless while it is
// looked at: one that stands in itself stays so.
type depths map[reflect.Type]int

// jsonDepth returns how deep the JSON of values of a type can nest at most.
func jsonDepth(t reflect.Type) int { return depths{}.of(t) }

func (d depths) of(t reflect.Type) int {
	depth, known := d[t]
	if !known {
		d[t] = boundless
		depth = d.measure(t)
		d[t] = depth
	}

	return depth
}

func (d depths) measure(t reflect.Type) int {
	switch {
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[Money]():
		return 0
	case hasMethods(t, writesOwnJSON):
		return boundless
	case hasMethods(t, writesText):
		return 0
	}
	switch t.Kind() {
	case reflect.Interface:
		return boundless
	case reflect.Pointer:
		return d.of(t.Elem())
	case reflect.Array, reflect.Slice, reflect.Map:
		return under(d.of(t.Elem()))
	case reflect.Struct:
		deepest := 0
		for field := range t.Fields() {
			deepest = max(deepest, d.of(field.Type))
		}

		return under(deepest)
	default:
		return 0
	}
}

// under is the depth of what has something of a depth in it.
func under(depth int) int {
	if depth == boundless {
		return boundless
	}

	return depth + 1
}

// hasMethods reports whether t or a pointer to it implements one of the interfaces.
func hasMethods(t reflect.Type, interfaces []reflect.Type) bool {
	return slices.ContainsFunc(interfaces, func(i reflect.Type) bool {
		return t.Implements(i) || reflect.PointerTo(t).Implements(i)
	})
}
