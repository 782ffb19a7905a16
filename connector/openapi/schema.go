package openapi

import (
	"encoding"
	"encoding/json/v2"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"uuid"
)

type schema = map[string]any

// schemas makes the schemas of types. Named structs are components.
type schemas struct {
	components map[string]any
	names      map[reflect.Type]string
}

func newSchemas() *schemas {
	return &schemas{components: map[string]any{"Problem": nil}, names: map[reflect.Type]string{}}
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	uuidType    = reflect.TypeFor[uuid.UUID]()
	jsonWriters = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.MarshalerTo]()}
	textWriters = []reflect.Type{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextAppender]()}
)

// of returns the schema of a type.
func (s *schemas) of(t reflect.Type) (schema, error) {
	switch {
	case t == timeType:
		return schema{"type": "string", "format": "date-time"}, nil
	case t == uuidType:
		return schema{"type": "string", "format": "uuid"}, nil
	case implements(t, jsonWriters): // it may write anything
		return schema{}, nil
	case implements(t, textWriters):
		return schema{"type": "string"}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return schema{"type": "boolean"}, nil
	case reflect.String:
		return schema{"type": "string"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return integer(t.Kind()), nil
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}, nil
	case reflect.Interface:
		return schema{}, nil
	case reflect.Pointer:
		inner, err := s.of(t.Elem())

		return nullable(inner), err
	case reflect.Slice, reflect.Array:
		return s.list(t)
	case reflect.Map:
		return s.dictionary(t)
	case reflect.Struct:
		return s.structure(t)
	default:
		return nil, fmt.Errorf("JSON cannot hold a %s", t)
	}
}

// implements reports whether t, or a pointer to it, has one of the interfaces.
func implements(t reflect.Type, list []reflect.Type) bool {
	for _, i := range list {
		if t.Kind() != reflect.Interface && (t.Implements(i) || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(i)) {
			return true
		}
	}

	return false
}

func integer(kind reflect.Kind) schema {
	s := schema{"type": "integer"}
	switch kind {
	case reflect.Int32:
		s["format"] = "int32"
	case reflect.Int, reflect.Int64:
		s["format"] = "int64"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s["minimum"] = 0
	default:
	}

	return s
}

// nullable lets null pass too.
func nullable(inner schema) schema {
	kind, ok := inner["type"].(string)
	switch {
	case len(inner) == 0:
		return inner
	case !ok:
		return schema{"anyOf": []any{inner, schema{"type": "null"}}}
	}
	inner["type"] = []string{kind, "null"}

	return inner
}

func (s *schemas) list(t reflect.Type) (schema, error) {
	if t.Elem().Kind() == reflect.Uint8 && !implements(t.Elem(), append(jsonWriters, textWriters...)) {
		return schema{"type": "string", "contentEncoding": "base64"}, nil
	}
	items, err := s.of(t.Elem())
	list := schema{"type": "array", "items": items}
	if t.Kind() == reflect.Array {
		list["minItems"], list["maxItems"] = t.Len(), t.Len()
	}

	return list, err
}

func (s *schemas) dictionary(t reflect.Type) (schema, error) {
	values, err := s.of(t.Elem())

	return schema{"type": "object", "additionalProperties": values}, err
}

// structure is a reference to the component of a named struct, or the schema of another.
func (s *schemas) structure(t reflect.Type) (schema, error) {
	if t.Name() == "" {
		object := schema{"type": "object"}

		return object, s.fields(t, object)
	}
	name, known := s.names[t]
	if !known {
		name = s.name(t)
		s.names[t] = name
		object := schema{"type": "object"}
		s.components[name] = object // before its fields, which may lead back to it
		if err := s.fields(t, object); err != nil {
			return nil, err
		}
	}

	return schema{"$ref": "#/components/schemas/" + name}, nil
}

// name is that of the type, with a number where another type has it.
func (s *schemas) name(t reflect.Type) string {
	clean := func(r rune) rune {
		if r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' || r == '_' {
			return r
		}

		return '_'
	}
	base := t.Name()
	if dot := strings.LastIndexAny(base, "./"); dot >= 0 && strings.Contains(base, "[") {
		base = base[:strings.Index(base, "[")] + "_" + base[dot+1:]
	}
	base = strings.Trim(strings.Map(clean, base), "_")
	base = strings.ToUpper(base[:1]) + base[1:]
	name := base
	for n := 2; ; n++ {
		if _, taken := s.components[name]; !taken {
			return name
		}
		name = base + strconv.Itoa(n)
	}
}

// fields adds the fields of a struct to the object.
func (s *schemas) fields(t reflect.Type, object schema) error {
	properties, _ := object["properties"].(schema)
	if properties == nil {
		properties = schema{}
	}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		inline := field.Anonymous && name == "" || strings.Contains(","+options+",", ",inline,")
		switch {
		case name == "-" && options == "", !field.IsExported() && !inline:
			continue
		case inline:
			if err := s.inline(field.Type, object, properties); err != nil {
				return fmt.Errorf("%s.%s: %w", t, field.Name, err)
			}

			continue
		case name == "":
			name = field.Name
		}
		if err := s.field(field, strings.Trim(name, "'"), options, object, properties); err != nil {
			return fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
	}
	if len(properties) > 0 {
		object["properties"] = properties
	}

	return nil
}

func (s *schemas) inline(t reflect.Type, object, properties schema) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct { // a map of unknown members
		return nil
	}
	object["properties"] = properties

	return s.fields(t, object)
}

func (s *schemas) field(field reflect.StructField, name, options string, object, properties schema) error {
	value, err := s.of(field.Type)
	if err != nil {
		return err
	}
	if strings.Contains(","+options+",", ",string,") {
		value = schema{"type": "string"}
	}
	required, err := constrain(value, field.Type, field.Tag.Get("validate"))
	if err != nil {
		return err
	}
	properties[name] = value
	if required {
		list, _ := object["required"].([]string)
		object["required"] = append(list, name)
	}

	return nil
}
