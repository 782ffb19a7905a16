package transform

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"unicode/utf8"
)

// rowJSON is how a Row stands in JSON. Of raw and raw_base64 one is set.
type rowJSON[T any] struct {
	Value     T      `json:"value"`
	Error     string `json:"error,omitempty"`
	Raw       string `json:"raw,omitempty"`
	RawBase64 []byte `json:"raw_base64,omitempty"`
	Line      int    `json:"line"`
	Byte      int64  `json:"byte"`
}

// MarshalJSONTo writes the row with members value, error, raw or raw_base64, line, byte.
func (r Row[T]) MarshalJSONTo(encoder *jsontext.Encoder) error {
	row := rowJSON[T]{Value: r.Value, Raw: r.Raw, Line: r.Line, Byte: r.Byte}
	if r.Err != nil {
		row.Error = r.Err.Error()
	}
	if !utf8.ValidString(r.Raw) {
		row.Raw, row.RawBase64 = "", []byte(r.Raw)
	}
	if err := json.MarshalEncode(encoder, row); err != nil {
		return fmt.Errorf("row of line %d: %w", r.Line, err)
	}

	return nil
}

// UnmarshalJSONFrom reads what MarshalJSONTo wrote. Of an error it keeps the text.
func (r *Row[T]) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	var row rowJSON[T]
	if err := json.UnmarshalDecode(decoder, &row); err != nil {
		return fmt.Errorf("row: %w", err)
	}
	*r = Row[T]{Value: row.Value, Raw: row.Raw, Line: row.Line, Byte: row.Byte}
	if row.Error != "" {
		r.Err = errors.New(row.Error)
	}
	if len(row.RawBase64) > 0 {
		r.Raw = string(row.RawBase64)
	}

	return nil
}
