package transform

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/millrace-go/millrace/connector"
)

// NewReader implements [Decoder].
func (x *XML[T]) NewReader(text io.Reader) RowReader[T] {
	b := &budget{text: text, what: "XML element", max: x.config.MaxElement}
	raw := xml.NewDecoder(b)

	return &xmlReader[T]{config: x.config, budget: b, raw: raw, tokens: xml.NewTokenDecoder(guard{raw})}
}

// guard lets data through alone.
type guard struct{ raw *xml.Decoder }

// Token implements xml.TokenReader.
func (g guard) Token() (xml.Token, error) {
	token, err := g.raw.RawToken()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case xml.Directive:
		return nil, errors.New("a DOCTYPE or another directive is refused; remove it")
	case xml.ProcInst:
		if t.Target != "xml" {
			return nil, fmt.Errorf("the processing instruction %s is refused; remove it", clip(t.Target))
		}
	}

	return token, nil
}

type xmlReader[T any] struct {
	config XMLConfig
	budget *budget
	raw    *xml.Decoder
	tokens *xml.Decoder
	depth  int
	seen   bool // an element
	count  int
	err    error
}

// Read implements [RowReader].
func (r *xmlReader[T]) Read() (Row[T], error) {
	if r.err != nil {
		return Row[T]{}, r.err
	}
	row, err := r.next()
	switch {
	case errors.Is(err, io.EOF) && r.seen && r.depth == 0:
		err = io.EOF
	case err != nil:
		err = r.located(err)
	}
	r.err = err

	return row, err
}

// next skips to the next record and reads it.
func (r *xmlReader[T]) next() (Row[T], error) {
	for {
		at := r.raw.InputOffset()
		r.budget.start(at)
		token, err := r.tokens.Token()
		if err != nil {
			return Row[T]{}, err
		}
		if err := r.nest(token); err != nil {
			return Row[T]{}, err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == r.config.Record {
			return r.record(start, at)
		}
	}
}

// nest keeps the depth.
func (r *xmlReader[T]) nest(token xml.Token) error {
	switch token.(type) {
	case xml.StartElement:
		if r.depth == 0 && r.seen {
			return errors.New("there is an element behind the root; want one root alone")
		}
		r.seen = true
		if r.depth++; r.depth > r.config.MaxDepth {
			return fmt.Errorf("elements nest deeper than %d; raise MaxDepth if that is meant", r.config.MaxDepth)
		}
	case xml.EndElement:
		r.depth--
	}

	return nil
}

// record reads the tokens of an element and decodes them.
func (r *xmlReader[T]) record(start xml.StartElement, at int64) (Row[T], error) {
	r.count++
	tokens := replay{start.Copy()}
	for outer := r.depth - 1; r.depth > outer; {
		token, err := r.tokens.Token()
		if err == nil {
			err = r.nest(token)
		}
		if err != nil {
			return Row[T]{}, err
		}
		if r.raw.InputOffset()-at > int64(r.config.MaxElement) {
			return Row[T]{}, r.budget.exceeded()
		}
		tokens = append(tokens, xml.CopyToken(token))
	}
	raw := string(r.budget.cut(r.raw.InputOffset()))
	var value T
	if err := xml.NewTokenDecoder(&tokens).Decode(&value); err != nil {
		return badRow[T](&RowError{Line: r.count, Byte: at, Raw: raw, Err: fmt.Errorf("decode XML: %w", err)}), nil
	}

	return Row[T]{Value: value, Raw: raw, Line: r.count, Byte: at}, nil
}

// replay hands out tokens again.
type replay []xml.Token

// Token implements xml.TokenReader.
func (r *replay) Token() (xml.Token, error) {
	if len(*r) == 0 {
		return nil, io.EOF
	}
	token := (*r)[0]
	*r = (*r)[1:]

	return token, nil
}

// located gives an error that ends the reading its place.
func (r *xmlReader[T]) located(err error) error {
	if _, ok := errors.AsType[*connector.LimitError](err); !ok && r.budget.err == nil {
		syntax, isSyntax := errors.AsType[*xml.SyntaxError](err)
		switch {
		case errors.Is(err, io.EOF) && !r.seen:
			err = errors.New("there is no element; want XML with a root element")
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isSyntax && syntax.Msg == "unexpected EOF":
			err = errors.New("the text ends within an element; it was cut off")
		}
	}

	return r.budget.located(max(r.count, 1), r.raw.InputOffset(), err)
}
