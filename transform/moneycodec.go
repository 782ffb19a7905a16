package transform

import (
	"database/sql/driver"
	"encoding/json/jsontext"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// MarshalText returns the amount as String does.
func (m Money) MarshalText() ([]byte, error) { return m.appendTo(nil, '.'), nil }

// UnmarshalText reads what [ParseMoney] reads.
func (m *Money) UnmarshalText(text []byte) (err error) {
	*m, err = parseMoney(text, '.')

	return err
}

// MarshalJSONTo writes the amount as a string, so that no reader makes a float of it.
func (m Money) MarshalJSONTo(encoder *jsontext.Encoder) error {
	var buffer [32]byte
	text := append(m.appendTo(append(buffer[:0], '"'), '.'), '"')
	if err := encoder.WriteValue(text); err != nil {
		return fmt.Errorf("amount %s: %w", m, err)
	}

	return nil
}

// UnmarshalJSONFrom reads a string or a number, by its digits; null leaves m as it is.
func (m *Money) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	token, err := decoder.ReadToken()
	if err != nil {
		return fmt.Errorf("amount: %w", err)
	}
	switch token.Kind() {
	case 'n':
		return nil
	case '"', '0':
		*m, err = ParseMoney(token.String())

		return err
	default:
		return connector.Permanent(fmt.Errorf("amount: JSON %v; want a string or a number", token.Kind()))
	}
}

// Scan implements sql.Scanner for decimals that arrive as text, and for whole numbers.
func (m *Money) Scan(source any) (err error) {
	switch value := source.(type) {
	case string:
		*m, err = ParseMoney(value)
	case []byte:
		*m, err = parseMoney(value, '.')
	case int64:
		*m, err = NewMoney(value, 0)
	case float64:
		err = connector.Permanent(errors.New("transform: scan Money: the column is a float, which is not exact; make it a decimal or text"))
	case nil:
		err = connector.Permanent(errors.New("transform: scan Money: the column is NULL; scan into sql.Null[transform.Money]"))
	default:
		err = connector.Permanent(fmt.Errorf("transform: scan Money: %T; want a decimal or text", source))
	}

	return err
}

// Value implements driver.Valuer: the amount as text, which every SQL decimal accepts.
func (m Money) Value() (driver.Value, error) { return m.String(), nil }
