package transform

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/millrace-go/millrace/connector"
)

// Defaults of JSONConfig.
const (
	DefaultMaxJSON      = 1 << 20
	DefaultMaxJSONDepth = 100
)

// JSONConfig bounds a JSON codec. The zero value is ready to use.
type JSONConfig struct {
	// Strict refuses object members that T has no field for. By default they are
	// skipped, so that a sender may add members before its receivers know them.
	Strict bool
	// MaxBytes is the most bytes of one document, read or written. Default 1 MiB.
	MaxBytes int
	// MaxDepth is how deep arrays and objects may nest, read or written. Default 100.
	MaxDepth int
}

// JSON returns the codec with the default JSONConfig. It refuses duplicate names and
// invalid UTF-8, and writes the members of a map in sorted order.
//
// Its errors are permanent; a document over a bound is a *[connector.LimitError].
func JSON[T any]() connector.Codec[T] {
	return makeJSON[T](JSONConfig{MaxBytes: DefaultMaxJSON, MaxDepth: DefaultMaxJSONDepth})
}

// NewJSON returns a JSON codec with other bounds than those of [JSON]. It fails when a
// bound is negative.
func NewJSON[T any](config JSONConfig) (connector.Codec[T], error) {
	codec, err := newJSON[T](config)
	if err != nil {
		return nil, err
	}

	return codec, nil
}

func newJSON[T any](config JSONConfig) (*jsonCodec[T], error) {
	err := errors.Join(
		setBound("JSONConfig.MaxBytes", &config.MaxBytes, DefaultMaxJSON),
		setBound("JSONConfig.MaxDepth", &config.MaxDepth, DefaultMaxJSONDepth))
	if err != nil {
		return nil, err
	}

	return makeJSON[T](config), nil
}

func makeJSON[T any](config JSONConfig) *jsonCodec[T] {
	return &jsonCodec[T]{
		strict: config.Strict, maxBytes: config.MaxBytes, maxDepth: config.MaxDepth,
		shallow: jsonDepth(reflect.TypeFor[T]()) <= config.MaxDepth,
	}
}

// setBound puts the default in place of zero and refuses a negative bound.
func setBound(name string, bound *int, standard int) error {
	if *bound < 0 {
		return connector.Permanent(fmt.Errorf("transform: %s is %d; want 0 for the default of %d, or more", name, *bound, standard))
	}
	if *bound == 0 {
		*bound = standard
	}

	return nil
}

type jsonCodec[T any] struct {
	strict             bool
	maxBytes, maxDepth int
	// shallow says that no T can nest deeper than maxDepth.
	shallow bool
	// writers has a *jsonWriter[T] for each goroutine that encodes.
	writers sync.Pool
}

// jsonWriter is what can be used again to encode the next value: encoders are dear to make.
type jsonWriter[T any] struct {
	encoder jsontext.Encoder
	value   T
	// dst gets what the encoder writes.
	dst []byte
}

// Write implements io.Writer.
func (w *jsonWriter[T]) Write(text []byte) (int, error) {
	w.dst = append(w.dst, text...)

	return len(text), nil
}

func (w *jsonWriter[T]) reset() { w.encoder.Reset(w, json.Deterministic(true)) }

// Append implements connector.Codec.
func (c *jsonCodec[T]) Append(dst []byte, value T) ([]byte, error) { return c.appendFrom(dst, &value) }

func (c *jsonCodec[T]) appendFrom(dst []byte, value *T) ([]byte, error) {
	w, used := c.writers.Get().(*jsonWriter[T])
	if !used {
		w = new(jsonWriter[T])
		w.reset()
	}
	longer, err := w.append(dst, value)
	c.writers.Put(w)
	if err != nil {
		return dst, connector.Permanent(fmt.Errorf("transform: encode JSON: %w", err))
	}
	if err := c.check(longer[len(dst):], c.shallow); err != nil {
		return dst, err
	}

	return longer, nil
}

// append lets go of both when it is done: they are the caller's. The encoder goes on behind
// the last document, unless that was left unfinished.
func (w *jsonWriter[T]) append(dst []byte, value *T) ([]byte, error) {
	w.dst, w.value = dst, *value
	err := json.MarshalEncode(&w.encoder, &w.value)
	longer := w.dst
	var none T
	w.dst, w.value = nil, none
	if err != nil {
		w.reset()

		return dst, err
	}

	return longer[:len(longer)-1], nil // an encoder ends each document with a line end
}

// Decode implements connector.Codec.
func (c *jsonCodec[T]) Decode(data []byte) (T, error) {
	var value, zero T
	if err := c.check(data, false); err != nil {
		return zero, err
	}
	if err := json.Unmarshal(data, &value, json.RejectUnknownMembers(c.strict)); err != nil {
		return zero, connector.Permanent(fmt.Errorf("transform: decode JSON: %w", err))
	}

	return value, nil
}

// check applies the bounds; the depth of a document that is shallow need not be looked at.
func (c *jsonCodec[T]) check(document []byte, shallow bool) error {
	if len(document) > c.maxBytes {
		return connector.Permanent(&connector.LimitError{
			What: "JSON document", Size: int64(len(document)), Limit: int64(c.maxBytes),
		})
	}
	if shallow {
		return nil
	}
	if at := tooDeep(document, c.maxDepth); at >= 0 {
		return connector.Permanent(fmt.Errorf(
			"transform: JSON nests deeper than %d at byte %d; raise MaxDepth if that is meant", c.maxDepth, at))
	}

	return nil
}

// tooDeep returns where a document first nests deeper than most, or -1. It looks at
// brackets outside of strings alone: whether they match is for the parser to say.
func tooDeep(document []byte, most int) int {
	depth := 0
	for i := 0; i < len(document); i++ {
		switch document[i] {
		case '"':
			i = endOfString(document, i)
		case '{', '[':
			if depth++; depth > most {
				return i
			}
		case '}', ']':
			depth--
		}
	}

	return -1
}

// endOfString returns the index of the quote that closes the string opened at start, or
// the length of the document.
func endOfString(document []byte, start int) int {
	for i := start + 1; i < len(document); i++ {
		switch document[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}

	return len(document)
}
