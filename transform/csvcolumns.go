package transform

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// column is one field of a struct as a column.
type column struct {
	name      string
	index     []int
	typ       reflect.Type
	layouts   []string
	optional  bool // the column may be missing
	omitEmpty bool // an empty field is the zero value
}

// leafType is the type of the column's value, without the pointer to it.
func (c *column) leafType() reflect.Type {
	if c.typ.Kind() == reflect.Pointer {
		return c.typ.Elem()
	}

	return c.typ
}

// columnsOf resolves the fields of T and names every fault.
func columnsOf[T any]() ([]column, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("transform: CSV of %v: want a struct", t)
	}
	columns, errs := fieldColumns(t, nil)
	if len(columns) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("no exported field"))
	}
	seen := make(map[string]bool, len(columns))
	for _, c := range columns {
		if seen[c.name] {
			errs = append(errs, fmt.Errorf("two fields for column %q", c.name))
		}
		seen[c.name] = true
	}
	for i, err := range errs {
		errs[i] = fmt.Errorf("transform: CSV of %v: %w", t, err)
	}

	return columns, errors.Join(errs...)
}

func fieldColumns(t reflect.Type, parent []int) (columns []column, errs []error) {
	for f := range t.Fields() {
		index := append(slices.Clone(parent), f.Index...)
		tag, tagged := f.Tag.Lookup("csv")
		switch {
		case tag == "-":
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct && leafOf(f.Type) == leafNone:
			inner, innerErrs := fieldColumns(f.Type, index)
			columns, errs = append(columns, inner...), append(errs, innerErrs...)
		case f.IsExported():
			c, err := fieldColumn(f, tag)
			c.index = index
			columns = append(columns, c)
			if err != nil {
				errs = append(errs, fmt.Errorf("field %s: %w", f.Name, err))
			}
		case tagged:
			errs = append(errs, fmt.Errorf("field %s: it has a csv tag but is not exported", f.Name))
		}
	}

	return columns, errs
}

func fieldColumn(f reflect.StructField, tag string) (column, error) {
	parts := strings.Split(tag, ",")
	c := column{name: parts[0], typ: f.Type}
	if c.name == "" {
		c.name = f.Name
	}
	var errs []error
	for _, option := range parts[1:] {
		switch option {
		case "optional":
			c.optional = true
		case "omitempty":
			c.omitEmpty = true
		default:
			errs = append(errs, fmt.Errorf("unknown option %q; want optional or omitempty", option))
		}
	}
	if !utf8.ValidString(c.name) || bytes.HasPrefix([]byte(c.name), byteOrderMark[:]) {
		errs = append(errs, fmt.Errorf("column name %q is not plain UTF-8", c.name))
	}
	leaf := f.Type
	if leaf.Kind() == reflect.Pointer {
		leaf = leaf.Elem()
	}
	if leafOf(leaf) == leafNone {
		errs = append(errs, fmt.Errorf("type %v cannot be a column; use a supported type, an encoding.TextUnmarshaler, or csv:\"-\"", f.Type))
	}
	layout, given := f.Tag.Lookup("layout")
	switch {
	case given && leafOf(leaf) != leafTime:
		errs = append(errs, errors.New("a layout is for time.Time alone"))
	case given:
		c.layouts = strings.Split(layout, "|")
	default:
		c.layouts = []string{time.RFC3339Nano}
	}

	return c, errors.Join(errs...)
}

// leaf is how the text of a field becomes a value.
type leaf uint8

const (
	leafNone leaf = iota
	leafMoney
	leafTime
	leafText
	leafString
	leafInt
	leafUint
	leafFloat
	leafBool
)

func leafOf(t reflect.Type) leaf {
	switch {
	case t == reflect.TypeFor[Money]():
		return leafMoney
	case t == reflect.TypeFor[time.Time]():
		return leafTime
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return leafText
	}
	switch t.Kind() {
	case reflect.String:
		return leafString
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return leafInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return leafUint
	case reflect.Float32, reflect.Float64:
		return leafFloat
	case reflect.Bool:
		return leafBool
	default:
		return leafNone
	}
}
