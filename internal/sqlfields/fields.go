package sqlfields

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Field is one struct field that stands for a column.
type Field struct {
	// Column is the name of the column.
	Column string
	// Name is that of the field, with those of the structs that it is embedded in.
	Name string
	// Index leads to the field, as in reflect.Value.FieldByIndex.
	Index []int
	Type  reflect.Type
}

// Of resolves the columns of struct type t, joining all errors.
func Of(t reflect.Type) ([]Field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("type %s is not a struct: give a struct with a field for each column", t)
	}
	fields, errs := collect(t, nil, "")
	if len(fields) == 0 {
		errs = append(errs, fmt.Errorf("type %s has no exported field", t))
	}
	seen := make(map[string]string, len(fields))
	for _, f := range fields {
		if other, twice := seen[f.Column]; twice {
			errs = append(errs, fmt.Errorf("fields %s and %s of %s both stand for column %q",
				other, f.Name, t, f.Column))
		}
		seen[f.Column] = f.Name
	}

	return fields, errors.Join(errs...)
}

func collect(t reflect.Type, index []int, prefix string) ([]Field, []error) {
	var fields []Field
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

func newField(sf reflect.StructField, tag string, tagged bool, index []int, prefix string) (Field, error) {
	f := Field{Column: tag, Name: prefix + sf.Name, Index: index, Type: sf.Type}
	if !tagged {
		f.Column = snakeCase(sf.Name)
	}

	return f, f.check(sf)
}

func (f Field) check(sf reflect.StructField) error {
	switch {
	case !sf.IsExported():
		return fmt.Errorf("field %s is not exported", f.Name)
	case sf.Anonymous && sf.Type.Kind() == reflect.Pointer:
		return fmt.Errorf("field %s embeds a pointer: embed the struct itself", f.Name)
	case f.Column == "":
		return fmt.Errorf("field %s has an empty sql tag: name the column, or use \"-\" to leave it out", f.Name)
	case strings.ContainsRune(f.Column, ','):
		return fmt.Errorf("field %s: sql tag %q: options are not supported, only a column name", f.Name, f.Column)
	case sf.Type == reflect.TypeFor[sql.RawBytes]():
		return fmt.Errorf("field %s is sql.RawBytes, whose memory the driver reuses: use []byte", f.Name)
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
