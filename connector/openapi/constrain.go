package openapi

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// formats are the validations that are formats of JSON Schema.
var formats = map[string]string{
	"email": "email", "url": "uri", "uri": "uri", "uuid": "uuid", "uuid4": "uuid", "ipv4": "ipv4", "ipv6": "ipv6",
	"hostname": "hostname", "hostname_rfc1123": "hostname",
}

// patterns are those that are regular expressions.
var patterns = map[string]string{
	"alphanum": "^[a-zA-Z0-9]+$", "alpha": "^[a-zA-Z]+$", "numeric": `^[-+]?[0-9]+(?:\.[0-9]+)?$`,
}

// constrain adds to the schema of a type what a validate tag demands, and reports whether
// it demands the value at all.
func constrain(value schema, t reflect.Type, tag string) (required bool, err error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for rule := range strings.SplitSeq(tag, ",") {
		name, parameter, _ := strings.Cut(rule, "=")
		switch name {
		case "required":
			required = true
		case "dive":
			_, rest, _ := strings.Cut(tag, "dive")
			items, _ := value["items"].(schema)
			if items == nil {
				items, _ = value["additionalProperties"].(schema)
			}
			if items != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map) {
				_, err = constrain(items, t.Elem(), strings.TrimPrefix(rest, ","))
			}

			return required, err
		default:
			if err := demand(value, t, name, parameter); err != nil {
				return required, fmt.Errorf("validate %q: %w", rule, err)
			}
		}
	}

	return required, nil
}

func demand(value schema, t reflect.Type, name, parameter string) error {
	if value["$ref"] != nil || value["anyOf"] != nil { // what it refers to is used elsewhere too
		return nil
	}
	switch name {
	case "min", "gte":
		return bound(value, t, "min", parameter, 0)
	case "max", "lte":
		return bound(value, t, "max", parameter, 0)
	case "gt":
		return bound(value, t, "min", parameter, 1)
	case "lt":
		return bound(value, t, "max", parameter, 1)
	case "len":
		if err := bound(value, t, "min", parameter, 0); err != nil {
			return err
		}

		return bound(value, t, "max", parameter, 0)
	case "oneof":
		return oneOf(value, t, parameter)
	case "unique":
		if t.Kind() == reflect.Slice {
			value["uniqueItems"] = true
		}
	default:
		if format := formats[name]; format != "" {
			value["format"] = format
		}
		if pattern := patterns[name]; pattern != "" {
			value["pattern"] = pattern
		}
	}

	return nil
}

// bound sets a least or a most; apart is 1 where the bound itself is not allowed.
func bound(value schema, t reflect.Type, side, parameter string, apart int) error {
	var suffix string
	switch t.Kind() {
	case reflect.String:
		suffix = "Length"
	case reflect.Slice, reflect.Array:
		suffix = "Items"
	case reflect.Map:
		suffix = "Properties"
	case reflect.Bool, reflect.Struct, reflect.Interface: // of a time, for one
		return nil
	default:
		number, err := strconv.ParseFloat(parameter, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", parameter)
		}
		key := side + "imum"
		if apart > 0 {
			key = "exclusive" + strings.ToUpper(key[:1]) + key[1:]
		}
		value[key] = number

		return nil
	}
	length, err := strconv.Atoi(parameter)
	if err != nil {
		return fmt.Errorf("%q is not a length", parameter)
	}
	if side == "max" {
		apart = -apart
	}
	value[side+suffix] = length + apart

	return nil
}

func oneOf(value schema, t reflect.Type, parameter string) error {
	var list []any
	for _, word := range words(parameter) {
		switch t.Kind() {
		case reflect.String:
			list = append(list, word)
		case reflect.Bool, reflect.Struct, reflect.Slice, reflect.Map, reflect.Interface:
			return nil
		default:
			number, err := strconv.ParseFloat(word, 64)
			if err != nil {
				return fmt.Errorf("%q is not a number", word)
			}
			list = append(list, number)
		}
	}
	value["enum"] = list

	return nil
}

// words splits at spaces outside of single quotes.
func words(text string) []string {
	var list []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		if quoted, ok := strings.CutPrefix(text, "'"); ok {
			word, rest, _ := strings.Cut(quoted, "'")
			list, text = append(list, word), rest

			continue
		}
		word, rest, _ := strings.Cut(text, " ")
		list, text = append(list, word), rest
	}

	return list
}
