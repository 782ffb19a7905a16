package sqlconn

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// field is one struct field that stands for a column.
type field struct {
	column string
	name   string
	index  []int
	typ    reflect.Type
}

// fieldsOf resolves the columns of struct type t, joining all errors.
func fieldsOf(t reflect.Type) ([]field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("type %s is not a struct: give a struct with a field for each column", t)
	}
	fields, errs := collect(t, nil, "")
	if len(fields) == 0 {
		errs = append(errs, fmt.Errorf("type %s has no exported field", t))
	}
	seen := make(map[string]string, len(fields))
	for _, f := range fields {
		if other, twice := seen[f.column]; twice {
			errs = append(errs, fmt.Errorf("fields %s and %s of %s both stand for column %q",
				other, f.name, t, f.column))
		}
		seen[f.column] = f.name
	}

	return fields, errors.Join(errs...)
}

func collect(t reflect.Type, index []int, prefix string) ([]field, []error) {
	var fields []field
	var errs []error
	for i := range t.NumField() {
		sf := t.Field(i)
		path := append(append([]int(nil), index...), i)
		tag, tagged := sf.Tag.Lookup("sql")
		switch {
		case tag == "-":
		case sf.Anonymous && !tagged && isRow(sf.Type):
			inner, innerErrs := collect(sf.Type, path, prefix+sf.Name+".")
			fields, errs = append(fields, inner...), append(errs, innerErrs...)
		case !sf.IsExported() && !tagged && !sf.Anonymous:
		default:
			f, err := newField(sf, tag, tagged, path, prefix)
			fields, errs = append(fields, f), append(errs, err)
		}
	}

	return fields, errs
}

func newField(sf reflect.StructField, tag string, tagged bool, index []int, prefix string) (field, error) {
	f := field{column: tag, name: prefix + sf.Name, index: index, typ: sf.Type}
	if !tagged {
		f.column = snakeCase(sf.Name)
	}

	return f, f.check(sf)
}

func (f field) check(sf reflect.StructField) error {
	switch {
	case !sf.IsExported():
		return fmt.Errorf("field %s is not exported", f.name)
	case sf.Anonymous && sf.Type.Kind() == reflect.Pointer:
		return fmt.Errorf("field %s embeds a pointer: embed the struct itself", f.name)
	case f.column == "":
		return fmt.Errorf("field %s has an empty sql tag: name the column, or use \"-\" to leave it out", f.name)
	case strings.ContainsRune(f.column, ','):
		return fmt.Errorf("field %s: sql tag %q: options are not supported, only a column name", f.name, f.column)
	case sf.Type == reflect.TypeFor[sql.RawBytes]():
		return fmt.Errorf("field %s is sql.RawBytes, whose memory the driver reuses: use []byte", f.name)
	default:
		return nil
	}
}

// isRow reports whether an embedded t is a group of columns and not one value.
func isRow(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() &&
		!reflect.PointerTo(t).Implements(reflect.TypeFor[sql.Scanner]())
}

// snakeCase turns CustomerID into customer_id and HTTPServer into http_server.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && startsWord(runes, i) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}

	return b.String()
}

func startsWord(runes []rune, i int) bool {
	previous := runes[i-1]
	if previous == '_' {
		return false
	}
	nextIsLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])

	return !unicode.IsUpper(previous) || nextIsLower
}
