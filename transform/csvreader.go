package transform

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/millrace-go/millrace/connector"
)

// csvReader decodes one text.
type csvReader[T any] struct {
	format  *CSV[T]
	scanner *csvScanner
	started bool
	names   []string // of the columns in the text
	fillers []filler // for each column in the text
	partial bool     // a record may leave fields of T as they are
	row     Row[T]   // the fillers write into its Value
	err     error    // what ended the reading
}

func newCSVReader[T any](format *CSV[T], text io.Reader) *csvReader[T] {
	const lineEnd = len("\r\n")
	w := newWindow(text, format.config.MaxRecord+lineEnd)

	return &csvReader[T]{format: format, scanner: newCSVScanner(w, format.config)}
}

// Read implements [RowReader].
func (r *csvReader[T]) Read() (Row[T], error) {
	if !r.started {
		r.started = true
		r.err = r.readHeader()
	}
	if r.err != nil {
		return Row[T]{}, r.err
	}
	rec, err := r.scanner.scan()
	if err != nil {
		r.err = r.located(err, rec.field)

		return Row[T]{}, r.err
	}
	raw := string(rec.text)
	field, err := r.decode(rec, raw)
	if err != nil {
		return badRow[T](r.rowError(rec, raw, field, err)), nil
	}

	r.row.Raw, r.row.Line, r.row.Byte = raw, rec.line, rec.byte

	return r.row, nil
}

// decode fills the row's Value. Its error is about the field with the index that it returns.
func (r *csvReader[T]) decode(rec record, raw string) (int, error) {
	if rec.bad != nil {
		return rec.field, rec.bad
	}
	fields := r.scanner.fields
	if len(fields) != len(r.fillers) {
		return min(len(fields), len(r.fillers)), fmt.Errorf("%d columns where the header has %d; quote a field with a delimiter in it", len(fields), len(r.fillers))
	}
	if !rec.ascii && !utf8.ValidString(raw) {
		return invalidField(fields, raw), errUTF8
	}
	if r.partial {
		var zero T
		r.row.Value = zero
	}
	for i := range r.fillers {
		fill := &r.fillers[i]
		text := fieldText(fields[i], raw)
		switch {
		case fill.text != nil:
			*fill.text = text
		case fill.set == nil || text == "" && fill.empty == emptyZero:
		case text == "" && fill.empty == emptyFails:
			return i, errEmpty
		default:
			if err := fill.set(text); err != nil {
				return i, err
			}
		}
	}

	return 0, nil
}

var errUTF8 = errors.New("invalid UTF-8; convert the text to UTF-8 first")

func invalidField(fields []span, raw string) int {
	return slices.IndexFunc(fields, func(f span) bool { return !utf8.ValidString(raw[f.start:f.end]) })
}

// fieldText is the text of a field without its quotes.
func fieldText(f span, raw string) string {
	text := raw[f.start:f.end]
	if f.doubled {
		return strings.ReplaceAll(text, `""`, `"`)
	}

	return text
}

func (r *csvReader[T]) rowError(rec record, raw string, field int, err error) *RowError {
	return &RowError{Line: rec.line, Byte: rec.byte, Column: r.columnName(field), Raw: raw, Err: err}
}

// columnName is that of a column in the text, or its number where the header has none.
func (r *csvReader[T]) columnName(field int) string {
	switch {
	case field < 0:
		return ""
	case field < len(r.names):
		return r.names[field]
	default:
		return fmt.Sprintf("number %d", field+1)
	}
}

// located adds the column to an error that ends the reading.
func (r *csvReader[T]) located(err error, field int) error {
	row, ok := errors.AsType[*RowError](err)
	if !ok {
		return err
	}
	row.Column = r.columnName(field)

	return connector.Permanent(row)
}

// readHeader maps the columns of the text to the fields of T.
func (r *csvReader[T]) readHeader() error {
	r.scanner.skipMark()
	rec, err := r.scanner.scan()
	if errors.Is(err, io.EOF) {
		return connector.Permanent(&RowError{Line: 1, Err: errors.New("the text is empty; want a header line")})
	}
	if err != nil {
		return r.located(err, rec.field)
	}
	raw := string(rec.text)
	switch {
	case rec.bad != nil:
		return connector.Permanent(r.rowError(rec, raw, rec.field, rec.bad))
	case !utf8.ValidString(raw):
		return connector.Permanent(r.rowError(rec, raw, invalidField(r.scanner.fields, raw), errUTF8))
	}
	for _, f := range r.scanner.fields {
		r.names = append(r.names, fieldText(f, raw))
	}
	if err := r.mapColumns(); err != nil {
		return connector.Permanent(r.rowError(rec, raw, -1, err))
	}

	return nil
}

func (r *csvReader[T]) mapColumns() error {
	target := reflect.ValueOf(&r.row.Value).Elem()
	r.fillers = make([]filler, len(r.names))
	var errs []error
	for _, c := range r.format.columns {
		at := slices.Index(r.names, c.name)
		switch {
		case at >= 0:
			r.fillers[at] = newFiller(target.FieldByIndex(c.index), c, r.format.config)
			r.partial = r.partial || r.fillers[at].leavesTraces()
		case !c.optional:
			errs = append(errs, fmt.Errorf("the header has no column %q", c.name))
		}
	}
	if len(errs) > 0 {
		errs = append(errs, fmt.Errorf("the header is %q; check the delimiter %q and the names", r.names, r.format.config.Delimiter))
	}

	return errors.Join(append(errs, r.surplus()...)...)
}

// surplus are the errors for columns that stand twice and, if strict, for unknown ones.
func (r *csvReader[T]) surplus() []error {
	var errs []error
	for i, name := range r.names {
		if name != "" && slices.Contains(r.names[:i], name) {
			errs = append(errs, fmt.Errorf("the header has column %s twice", clip(name)))
		}
		if r.format.config.Strict && !r.fillers[i].used() {
			errs = append(errs, fmt.Errorf("the header has an unknown column %s", clip(name)))
		}
	}

	return errs
}
