package transform_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/jsoncases"
	"github.com/millrace-go/millrace/transform"
)

// TestJSONCases reads every document with the codec, and those on one line as NDJSON.
func TestJSONCases(t *testing.T) {
	codec := transform.JSON[any]()
	lines := newNDJSON[any](t, transform.NDJSONConfig{})
	asLine := func(document string) error {
		row, err := lines.NewReader(strings.NewReader(document + "\n")).Read()
		if err != nil {
			return err
		}

		return row.Err
	}
	onOne := func(document string) bool {
		return strings.TrimSpace(document) != "" && !strings.ContainsAny(document, "\n\r") && !strings.HasPrefix(document, "\uFEFF")
	}
	for _, document := range jsoncases.Accept {
		if _, err := codec.Decode([]byte(document)); err != nil {
			t.Errorf("%.60q is refused: %v", document, err)
		}
		if onOne(document) {
			if err := asLine(document); err != nil {
				t.Errorf("as a line, %.60q is refused: %v", document, err)
			}
		}
	}
	for _, document := range jsoncases.Reject {
		value, err := codec.Decode([]byte(document))
		if err == nil || connector.ClassOf(err) != connector.ClassPermanent || value != nil {
			t.Errorf("%.60q gives %v, %v; want a permanent error", document, value, err)
		}
		if onOne(document) && asLine(document) == nil {
			t.Errorf("as a line, %.60q is accepted", document)
		}
	}
	for _, document := range jsoncases.Free {
		first, err := codec.Decode([]byte(document))
		second, again := codec.Decode([]byte(document))
		if fmt.Sprint(first) != fmt.Sprint(second) || (err == nil) != (again == nil) {
			t.Errorf("%.60q gives %v, %v and then %v, %v", document, first, err, second, again)
		}
		if err != nil && connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%.60q: %v, want a permanent error", document, err)
		}
	}
}
