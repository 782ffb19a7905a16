package transform_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

type tree struct {
	Name string         `json:"name"`
	Kids []tree         `json:"kids,omitempty"`
	More map[string]int `json:"more,omitempty"`
}

func TestJSONDecode(t *testing.T) {
	strict, err := transform.NewJSON[tree](transform.JSONConfig{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		codec      connector.Codec[tree]
		fails      string
	}{
		{name: "plain", text: `{"name":"x"}`},
		{name: "unknown member", text: `{"name":"x","age":1}`},
		{name: "unknown member, strict", text: `{"name":"x","age":1}`, codec: strict, fails: "age"},
		{name: "name twice", text: `{"name":"y","name":"x"}`, fails: "duplicate"},
		{name: "invalid UTF-8", text: "{\"name\":\"\xff\"}", fails: "UTF-8"},
		{name: "text behind", text: `{"name":"x"}{}`, fails: "after top-level value"},
		{name: "empty", text: ``, fails: "EOF"},
		{name: "cut off", text: `{"name":"x`, fails: "EOF"},
		{name: "wrong type", text: `{"name":7}`, fails: "string"},
		{name: "brackets in a string", text: `{"name":"x","age":"` + strings.Repeat(`[\"`, 200) + `"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			codec := test.codec
			if codec == nil {
				codec = transform.JSON[tree]()
			}
			value, err := codec.Decode([]byte(test.text))
			if test.fails == "" {
				if err != nil || value.Name != "x" {
					t.Errorf("%+v %v", value, err)
				}

				return
			}
			if err == nil || !strings.Contains(err.Error(), test.fails) || connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("%v of class %v; want permanent and %q", err, connector.ClassOf(err), test.fails)
			}
			if value.Name != "" {
				t.Errorf("value %+v with an error", value)
			}
		})
	}
}

// Both bounds hold for reading and writing, and one more is too many.
func TestJSONBounds(t *testing.T) {
	codec, err := transform.NewJSON[any](transform.JSONConfig{MaxBytes: 10, MaxDepth: 3})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`"12345678"`: "", `"123456789"`: "JSON document of 11 bytes is over the limit of 10",
		`[[[1]]]`: "", `[[[[]]]]`: "deeper than 3 at byte 3", `[[1],[[]]]`: "",
	} {
		value, err := codec.Decode([]byte(text))
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			} else if again, err := codec.Append([]byte("x"), value); err != nil || string(again) != "x"+text {
				t.Errorf("%s: encoded %s, %v", text, again, err)
			}

			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
	for _, value := range []any{"123456789", []any{[]any{[]any{[]any{}}}}} {
		if text, err := codec.Append([]byte("x"), value); err == nil || string(text) != "x" ||
			connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%v: %s %v; want an error and dst unchanged", value, text, err)
		}
	}
	_, err = transform.NewJSON[any](transform.JSONConfig{MaxBytes: -1, MaxDepth: -1})
	if err == nil || !strings.Contains(err.Error(), "MaxBytes") || !strings.Contains(err.Error(), "MaxDepth") {
		t.Errorf("negative bounds: %v", err)
	}
	def := transform.JSON[string]()
	over := `"` + strings.Repeat("x", transform.DefaultMaxJSON-1) + `"`
	if _, err := def.Decode([]byte(over[:transform.DefaultMaxJSON-1] + `"`)); err != nil {
		t.Error("at the default bound:", err)
	}
	_, err = def.Decode([]byte(over))
	if _, ok := errors.AsType[*connector.LimitError](err); !ok {
		t.Error("one byte over the default bound:", err)
	}
	deep := strings.Repeat("[", transform.DefaultMaxJSONDepth) + strings.Repeat("]", transform.DefaultMaxJSONDepth)
	if _, err := transform.JSON[any]().Decode([]byte(deep)); err != nil {
		t.Error("at the default depth:", err)
	}
	if _, err := transform.JSON[any]().Decode([]byte("[" + deep + "]")); err == nil {
		t.Error("one over the default depth")
	}
}

func TestJSONEncode(t *testing.T) {
	codec := transform.JSON[map[string]int]()
	text, err := codec.Append(nil, map[string]int{"b": 1, "a": 2, "c": 3})
	if err != nil || string(text) != `{"a":2,"b":1,"c":3}` {
		t.Errorf("%s %v; want the members sorted", text, err)
	}
	if text, err := transform.JSON[string]().Append([]byte("x"), "\xff"); err == nil || string(text) != "x" {
		t.Errorf("invalid UTF-8: %q %v", text, err)
	}
}
