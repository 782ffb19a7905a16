package transform

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// Defaults of XMLConfig.
const (
	DefaultMaxXML      = 1 << 20
	DefaultMaxXMLDepth = 100
)

// XMLConfig says which elements of a text are records.
type XMLConfig struct {
	// Record is the name of the elements that are records, without a namespace, wherever
	// they stand. Required.
	Record string
	// Root is the name of the element round the records that are written. Default
	// "records".
	Root string
	// MaxElement is the most bytes of one record, and of what stands between two. Default
	// 1 MiB.
	MaxElement int
	// MaxDepth is how deep elements may nest, counted from the root. Default 100.
	MaxDepth int
}

// XML reads and writes records of type T, which has the tags of encoding/xml, as elements
// of one XML text of any length. It is a [Decoder] and an [Encoder], safe for concurrent
// use.
//
// An element whose text does not fit T is a bad record. What is no well-formed XML ends
// the reading, and so do a DOCTYPE, a processing instruction and an entity other than the
// five of XML itself: none of them belongs into data, and entities can be made to grow
// without end. The text must be UTF-8. The Line of a [Row] is the number of the record,
// counted from 1.
type XML[T any] struct {
	config XMLConfig
}

// NewXML fails when Record is missing or a bound is negative.
func NewXML[T any](config XMLConfig) (*XML[T], error) {
	var errs []error
	if config.Root == "" {
		config.Root = "records"
	}
	if config.Record == "" || config.Record == config.Root {
		errs = append(errs, fmt.Errorf("transform: XMLConfig.Record is %q; name the element that is a record, other than the root", config.Record))
	}
	for _, name := range []string{config.Record, config.Root} {
		if name != "" && !isXMLName(name) {
			errs = append(errs, fmt.Errorf("transform: XMLConfig: %q is no name of an element", name))
		}
	}
	errs = append(errs,
		setBound("XMLConfig.MaxElement", &config.MaxElement, DefaultMaxXML),
		setBound("XMLConfig.MaxDepth", &config.MaxDepth, DefaultMaxXMLDepth))
	if err := errors.Join(errs...); err != nil {
		return nil, connector.Permanent(err)
	}

	return &XML[T]{config: config}, nil
}

// isXMLName reports whether a name without a prefix can be that of an element.
func isXMLName(name string) bool {
	decoder := xml.NewDecoder(bytes.NewReader([]byte("<" + name + "/>")))
	token, err := decoder.Token()
	start, ok := token.(xml.StartElement)

	return err == nil && ok && start.Name == (xml.Name{Local: name}) && len(start.Attr) == 0
}

// NewWriter implements [Encoder]. A record with a character that XML cannot hold is an
// error; so is one with U+FFFD, by which encoding/xml would replace it.
func (x *XML[T]) NewWriter(text io.Writer) RecordWriter[T] {
	return &framed[T]{
		text: text, encode: x.append, between: "\n",
		begin: xml.Header + "<" + x.config.Root + ">\n", end: "\n</" + x.config.Root + ">\n",
	}
}

func (x *XML[T]) append(dst []byte, value T) ([]byte, error) {
	buffer := bytes.NewBuffer(dst)
	encoder := xml.NewEncoder(buffer)
	err := encoder.EncodeElement(value, xml.StartElement{Name: xml.Name{Local: x.config.Record}})
	if err = errors.Join(err, encoder.Close()); err != nil {
		return dst, connector.Permanent(fmt.Errorf("transform: encode XML: %w", err))
	}
	longer := buffer.Bytes()
	switch size := len(longer) - len(dst); {
	case size > x.config.MaxElement:
		err = &connector.LimitError{What: "XML element", Size: int64(size), Limit: int64(x.config.MaxElement)}
	case bytes.Contains(longer[len(dst):], []byte("\uFFFD")):
		err = errors.New("transform: encode XML: a text has a character that XML cannot hold")
	}
	if err != nil {
		return dst, connector.Permanent(err)
	}

	return longer, nil
}
