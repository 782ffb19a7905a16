package transform

import "fmt"

// oversize reads over a record that does not fit into the window, without keeping it.
type oversize struct {
	scanner *csvScanner
	quoted  bool
	field   int   // index of the current field
	closed  int64 // where the last quote closed
	open    int64 // where the quote of the current field opened
	line    int   // of that quote
}

// scanOversize reads over a record that does not fit into the window. It returns the
// start of it as a bad record.
func (s *csvScanner) scanOversize() (record, error) {
	most := s.limits.MaxRecord
	rec := record{
		text: append([]byte(nil), s.bytes()[:most]...),
		line: s.line, byte: s.offset,
		bad: recordTooLong(most+1, most), field: -1,
	}
	skip := oversize{scanner: s, closed: -1}
	for !skip.window() {
		if s.fill() {
			continue
		}
		if skip.quoted {
			return record{field: skip.field}, skip.endless(rec, s.openEnd())
		}
		if err := s.failure(); err != nil {
			return record{field: -1}, err
		}

		return rec, nil
	}
	if skip.quoted {
		return record{field: skip.field}, skip.endless(rec, fieldTooLong(s.limits.MaxField+1, s.limits.MaxField))
	}

	return rec, nil
}

// window leaves the bytes in the window behind. It reports whether the record ended, or
// a quoted field in it became too long.
func (o *oversize) window() bool {
	s := o.scanner
	for i, b := range s.bytes() {
		place := s.offset + int64(i)
		switch {
		case b == '"':
			o.quote(place)
		case b == '\n' && !o.quoted:
			s.advance(i+1, 1)

			return true
		case b == s.delimiter && !o.quoted:
			o.field++
		case b == '\n':
			// The lines of a quoted field count from where it stands.
			s.line++
		}
		if o.quoted && place-o.open > int64(s.limits.MaxField) {
			s.advance(i+1, 0)

			return true
		}
	}
	s.advance(s.to-s.from, 0)

	return false
}

// quote opens or closes a field. Two quotes in a row belong to the field.
func (o *oversize) quote(place int64) {
	if o.quoted {
		o.quoted, o.closed = false, place

		return
	}
	o.quoted = true
	if place != o.closed+1 || o.closed < 0 {
		o.open, o.line = place, o.scanner.line
	}
}

func (o *oversize) endless(rec record, cause error) *RowError {
	return &RowError{
		Line: o.line, Byte: o.open, Raw: string(rec.text),
		Err: fmt.Errorf("%w: the field opened by the quote here cannot be read, nor what follows it", cause),
	}
}
