package transform_test

import (
	"encoding/json/jsontext"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// ownJSON writes as many arrays as it has.
type ownJSON int

func (n *ownJSON) MarshalJSON() ([]byte, error) {
	return []byte(strings.Repeat("[", int(*n)) + strings.Repeat("]", int(*n))), nil
}

type (
	flat struct {
		At    time.Time
		Price transform.Money
		Name  *string
		Codes []int
	}
	nested struct {
		Flats map[string][]flat
		Kids  [2]struct{ Price transform.Money }
	}
)

// The bound on depth holds for what is written whatever makes the depth: the type, a value
// of a type that stands in itself, an interface, or a type that writes its own JSON.
func TestJSONDepthWritten(t *testing.T) {
	inner := nested{Flats: map[string][]flat{"a": {{Codes: []int{1}}}}}
	var kids tree
	for range 3 {
		kids = tree{Kids: []tree{kids}}
	}
	deep := ownJSON(5)
	for name, test := range map[string]struct {
		depth  int
		append func(transform.JSONConfig) error
	}{
		"flat":       {2, appends(flat{Codes: []int{1}})},
		"nested":     {5, appends(inner)},
		"pointer":    {5, appends(&inner)},
		"recursive":  {7, appends(kids)},
		"interface":  {6, appends(struct{ Any any }{inner})},
		"own JSON":   {6, appends([]*ownJSON{&deep})},
		"raw":        {4, appends(struct{ Raw jsontext.Value }{jsontext.Value("[[[1]]]")})},
		"text, time": {1, appends([]time.Time{{}})},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.append(transform.JSONConfig{MaxDepth: test.depth}); err != nil {
				t.Errorf("depth %d: %v", test.depth, err)
			}
			err := test.append(transform.JSONConfig{MaxDepth: test.depth - 1})
			if test.depth > 1 && (err == nil || !strings.Contains(err.Error(), "nests deeper") ||
				connector.ClassOf(err) != connector.ClassPermanent) {
				t.Errorf("one deeper than the bound: %v", err)
			}
		})
	}
}

func appends[T any](value T) func(transform.JSONConfig) error {
	return func(config transform.JSONConfig) error {
		codec, err := transform.NewJSON[T](config)
		if err == nil {
			_, err = codec.Append(nil, value)
		}

		return err
	}
}
