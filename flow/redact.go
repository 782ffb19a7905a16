package flow

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"slices"
)

// redactor takes the values of the named members out of JSON.
type redactor []string

const redacted = `"redacted"`

func (r redactor) headers(all map[string]string) map[string]string {
	kept := make(map[string]string, len(all))
	for name, value := range all {
		if slices.Contains(r, name) {
			value = "redacted"
		}
		kept[name] = value
	}

	return kept
}

// value returns the text with the values of the named members replaced.
func (r redactor) value(text []byte) ([]byte, error) {
	if len(r) == 0 {
		return text, nil
	}
	var out bytes.Buffer
	in, to := jsontext.NewDecoder(bytes.NewReader(text)), jsontext.NewEncoder(&out)
	for {
		err := r.token(in, to)
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("redact the value: %w", err)
		}
	}
}

// token copies one token, and of a named member the value too, replaced.
func (r redactor) token(in *jsontext.Decoder, to *jsontext.Encoder) error {
	token, err := in.ReadToken()
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	name := ""
	if kind, n := in.StackIndex(in.StackDepth()); kind == '{' && n%2 == 1 && token.Kind() == '"' {
		name = token.String() // an odd number of tokens in an object: this one is a name
	}
	if err := to.WriteToken(token); err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	if name == "" || !slices.Contains(r, name) {
		return nil
	}
	value, err := in.ReadValue()
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}

	return to.WriteValue(blank(value.Kind())) //nolint:wrapcheck // wrapped by the caller
}

func blank(kind jsontext.Kind) jsontext.Value {
	switch kind {
	case '"':
		return jsontext.Value(redacted)
	case '0':
		return jsontext.Value("0")
	case 't', 'f':
		return jsontext.Value("false")
	case '{':
		return jsontext.Value("{}")
	case '[':
		return jsontext.Value("[]")
	default:
		return jsontext.Value("null")
	}
}
