package openapi_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-playground/validator/v10"

	"github.com/millrace-go/millrace/connector/httpconn"
	"github.com/millrace-go/millrace/connector/openapi"
)

var indent = jsontext.WithIndent("  ")

// jsonText is JSON that is written as it is.
func jsonText(data []byte) jsontext.Value { return jsontext.Value(data) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}

	return value
}

// walk visits every object of a document.
func walk(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

func lookup(document map[string]any, reference string) map[string]any {
	var at any = document
	for _, name := range strings.Split(strings.TrimPrefix(reference, "#/"), "/") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	found, _ := at.(map[string]any)

	return found
}

// accepts says whether a schema takes a value: the part of JSON Schema that is generated.
func accepts(document, schema map[string]any, value any) bool {
	if to, ok := schema["$ref"].(string); ok {
		return accepts(document, lookup(document, to), value)
	}
	if some, ok := schema["anyOf"].([]any); ok {
		return slices.ContainsFunc(some, func(s any) bool { return accepts(document, s.(map[string]any), value) })
	}
	if !typed(schema["type"], value) {
		return false
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, value) {
		return false
	}
	limit := func(name string, broken func(bound float64) bool) bool {
		bound, ok := schema[name].(float64)

		return ok && broken(bound)
	}
	size := func(n int) func(string, string) bool {
		return func(least, most string) bool {
			return !limit(least, func(b float64) bool { return float64(n) < b }) && !limit(most, func(b float64) bool { return float64(n) > b })
		}
	}
	switch v := value.(type) {
	case float64:
		return !limit("minimum", func(b float64) bool { return v < b }) && !limit("maximum", func(b float64) bool { return v > b }) &&
			!limit("exclusiveMinimum", func(b float64) bool { return v <= b }) && !limit("exclusiveMaximum", func(b float64) bool { return v >= b })
	case string:
		if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v) {
			return false
		}
		if schema["format"] == "email" && !strings.Contains(v, "@") {
			return false
		}

		return size(len([]rune(v)))("minLength", "maxLength")
	case []any:
		for i, inner := range v {
			if schema["uniqueItems"] == true && slices.Contains(v[:i], inner) {
				return false
			}
			if items, ok := schema["items"].(map[string]any); ok && !accepts(document, items, inner) {
				return false
			}
		}

		return size(len(v))("minItems", "maxItems")
	case map[string]any:
		return acceptsObject(document, schema, v)
	}

	return true
}

func acceptsObject(document, schema, value map[string]any) bool {
	for _, name := range list(schema["required"]) {
		if _, ok := value[name.(string)]; !ok {
			return false
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, inner := range value {
		property, ok := properties[name].(map[string]any)
		if !ok {
			property, ok = schema["additionalProperties"].(map[string]any)
		}
		if ok && !accepts(document, property, inner) {
			return false
		}
	}

	return true
}

func list(value any) []any {
	l, _ := value.([]any)

	return l
}

func typed(kind, value any) bool {
	if kinds, ok := kind.([]any); ok {
		return slices.ContainsFunc(kinds, func(k any) bool { return typed(k, value) })
	}
	is := map[string]bool{}
	switch v := value.(type) {
	case nil:
		is["null"] = true
	case bool:
		is["boolean"] = true
	case float64:
		is["number"], is["integer"] = true, v == float64(int64(v))
	case string:
		is["string"] = true
	case []any:
		is["array"] = true
	case map[string]any:
		is["object"] = true
	}
	name, ok := kind.(string)

	return !ok || is[name]
}

// What the types and their tags allow is what the schema accepts: bodies are decoded by
// the intake's codec and validated by the tags, and put to the schema.
func TestSchemaAgreesWithTypes(t *testing.T) {
	t.Parallel()
	_, document := describe(t, openapi.Route{Path: "/orders", Endpoint: intakeOf[order](t, httpconn.IntakeConfig{})})
	schema := lookup(document, "#/components/schemas/Order")
	const (
		id   = `"id":"01890a5d-ac96-774b-bcce-b302099a8057","made":"2026-07-01T12:00:00Z"`
		good = id + `,"lines":[{"sku":"A7","quantity":1}],"status":"open","to":{"city":"Bonn"},"tags":["xx","yy"],"code":"7","scan":"AQI=","pair":[1,2]`
	)
	validate := validator.New()
	for body, want := range map[string]bool{
		good: true,
		id:   false,
		strings.Replace(good, `"quantity":1`, `"quantity":0`, 1):                                                                           false,
		strings.Replace(good, `"quantity":1`, `"quantity":100`, 1):                                                                         true,
		strings.Replace(good, `"quantity":1`, `"quantity":101`, 1):                                                                         false,
		strings.Replace(good, `"quantity":1`, `"quantity":1.5`, 1):                                                                         false,
		strings.Replace(good, `"A7"`, `"A-7"`, 1):                                                                                          false,
		strings.Replace(good, `"A7"`, `"`+strings.Repeat("A", 12)+`"`, 1):                                                                  true,
		strings.Replace(good, `"A7"`, `"`+strings.Repeat("A", 13)+`"`, 1):                                                                  false,
		strings.Replace(good, `[{"sku":"A7","quantity":1}]`, `[]`, 1):                                                                      false,
		strings.Replace(good, `{"sku":"A7","quantity":1}`, strings.Repeat(`{"sku":"A7","quantity":1},`, 3)+`{"sku":"A7","quantity":1}`, 1): false,
		strings.Replace(good, `"open"`, `"on hold"`, 1):                                                                                    true,
		strings.Replace(good, `"open"`, `"lost"`, 1):                                                                                       false,
		strings.Replace(good, `"city":"Bonn"`, ``, 1):                                                                                      false,
		strings.Replace(good, `["xx","yy"]`, `["xx","xx"]`, 1):                                                                             false,
		strings.Replace(good, `["xx","yy"]`, `["x"]`, 1):                                                                                   false,
		good + `,"email":"a@shop.example"`:                                                                                                 true,
		good + `,"email":"shop"`:                                                                                                           false,
		good + `,"billing":null`:                                                                                                           true,
		good + `,"billing":{"city":"Bonn","zip":"53111"}`:                                                                                  true,
		good + `,"billing":{"city":"Bonn","zip":"5311"}`:                                                                                   false,
		good + `,"weight":1.5`:                                                                                                             true,
		good + `,"weight":-1`:                                                                                                              false,
		good + `,"weight":"1"`:                                                                                                             false,
		good + `,"notes":{"a":"b"}`:                                                                                                        true,
		good + `,"notes":{"a":1}`:                                                                                                          false,
		good + `,"any":[1,{"x":null}]`:                                                                                                     true,
		good + `,"extra":true`:                                                                                                             true,
		strings.Replace(good, `[1,2]`, `[1,-2]`, 1):                                                                                        false,
		strings.Replace(good, `[1,2]`, `[1]`, 1):                                                                                           false,
		strings.Replace(good, `"code":"7"`, `"code":7`, 1):                                                                                 false,
	} {
		body = "{" + body + "}"
		var o order
		err := json.Unmarshal([]byte(body), &o)
		if err == nil {
			err = validate.Struct(o)
		}
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		if got := accepts(document, schema, value); got != want || (err == nil) != want {
			t.Errorf("%s: the schema says %t, the types %v, want %t", body, got, err, want)
		}
	}
	if fmt.Sprint(lookup(document, "#/components/schemas/Order")["properties"].(map[string]any)["hidden"]) != "<nil>" {
		t.Error("an unexported field is described")
	}
}
