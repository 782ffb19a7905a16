package transform

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var errEmpty = errors.New("the field is empty; use a pointer or the omitempty option where that is allowed")

// setter puts the text of one field into the struct that it was made for.
type setter func(text string) error

// emptiness is what an empty field means.
type emptiness uint8

const (
	emptySets  emptiness = iota // what the setter makes of it
	emptyZero                   // the zero value
	emptyFails                  // an error
)

// filler is how one column of a text fills its field. The zero filler skips the column.
type filler struct {
	text  *string // of a string field
	set   setter  // of any other
	empty emptiness
}

func (f *filler) used() bool { return f.text != nil || f.set != nil }

// leavesTraces says that the field must be zero before it is filled: what an empty text
// means, or a TextUnmarshaler that writes into memory which the last value still uses.
func (f *filler) leavesTraces() bool { return f.set != nil && f.empty != emptyFails }

// newFiller resolves how to fill v, which is addressable.
func newFiller(v reflect.Value, c column, config CSVConfig) filler {
	if v.Kind() == reflect.Pointer {
		return filler{set: pointerSetter(v, c, config), empty: emptyZero}
	}
	switch leaf := leafOf(v.Type()); {
	case leaf == leafString:
		return filler{text: pointerTo[string](v)}
	case c.omitEmpty:
		return filler{set: leafSetter(v, c, config), empty: emptyZero}
	case leaf == leafText:
		return filler{set: leafSetter(v, c, config), empty: emptySets}
	default:
		return filler{set: leafSetter(v, c, config), empty: emptyFails}
	}
}

// pointerSetter fills a value of its own and points to a copy of it; empty is nil.
func pointerSetter(v reflect.Value, c column, config CSVConfig) setter {
	scratch := reflect.New(v.Type().Elem()).Elem()
	set := leafSetter(scratch, c, config)

	return func(text string) error {
		scratch.SetZero()
		if err := set(text); err != nil {
			return err
		}
		pointer := reflect.New(scratch.Type())
		pointer.Elem().Set(scratch)
		v.Set(pointer)

		return nil
	}
}

func leafSetter(v reflect.Value, c column, config CSVConfig) setter {
	switch leafOf(v.Type()) {
	case leafMoney:
		return moneySetter(pointerTo[Money](v), config.DecimalComma)
	case leafTime:
		return timeSetter(pointerTo[time.Time](v), c.layouts, config.Location)
	case leafText:
		return textSetter(v)
	case leafInt:
		return intSetter(v)
	case leafUint:
		return uintSetter(v)
	case leafFloat:
		return floatSetter(v, config.DecimalComma)
	case leafBool:
		return boolSetter(pointerTo[bool](v))
	case leafString, leafNone:
		return stringSetter(pointerTo[string](v))
	}

	return stringSetter(pointerTo[string](v))
}

// pointerTo returns the address of v as a *U, for a v whose underlying type is that of U.
func pointerTo[U any](v reflect.Value) *U {
	pointer, _ := reflect.TypeAssert[*U](v.Addr().Convert(reflect.TypeFor[*U]()))

	return pointer
}

func stringSetter(target *string) setter {
	return func(text string) error {
		*target = text

		return nil
	}
}

func moneySetter(target *Money, comma bool) setter {
	parse := ParseMoney
	if comma {
		parse = ParseMoneyComma
	}

	return func(text string) (err error) {
		*target, err = parse(text)

		return err
	}
}

func timeSetter(target *time.Time, layouts []string, location *time.Location) setter {
	return func(text string) (err error) {
		*target, err = ParseTime(text, location, layouts...)

		return err
	}
}

func textSetter(v reflect.Value) setter {
	target, _ := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	var buffer []byte

	return func(text string) error {
		buffer = append(buffer[:0], text...)
		if err := target.UnmarshalText(buffer); err != nil {
			return fmt.Errorf("%s: %w", clip(text), err)
		}

		return nil
	}
}

func intSetter(v reflect.Value) setter {
	bits := v.Type().Bits()

	return func(text string) error {
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return badNumber(text, "a whole number of type "+v.Kind().String(), err)
		}
		v.SetInt(n)

		return nil
	}
}

func uintSetter(v reflect.Value) setter {
	bits := v.Type().Bits()

	return func(text string) error {
		n, err := strconv.ParseUint(text, 10, bits)
		if err != nil {
			return badNumber(text, "a whole number of type "+v.Kind().String(), err)
		}
		v.SetUint(n)

		return nil
	}
}

func floatSetter(v reflect.Value, comma bool) setter {
	bits, want := v.Type().Bits(), "a number with a decimal point"
	if comma {
		want = "a number with a decimal comma"
	}

	return func(text string) error {
		number := text
		if comma {
			if strings.IndexByte(text, '.') >= 0 {
				return badNumber(text, want, strconv.ErrSyntax)
			}
			number = strings.Replace(text, ",", ".", 1)
		}
		n, err := strconv.ParseFloat(number, bits)
		if err != nil {
			return badNumber(text, want, err)
		}
		v.SetFloat(n)

		return nil
	}
}

func boolSetter(target *bool) setter {
	return func(text string) (err error) {
		if *target, err = strconv.ParseBool(text); err != nil {
			return badNumber(text, "true or false", err)
		}

		return nil
	}
}

// badNumber says what was wanted, and keeps whether syntax or range was wrong.
func badNumber(text, want string, err error) error {
	if numeric, ok := errors.AsType[*strconv.NumError](err); ok {
		err = numeric.Err
	}

	return fmt.Errorf("%s is not %s: %w", clip(text), want, err)
}
