package transform

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time: each constant is one byte, eight times.
const (
	wordBytes = 8
	eachByte  = 0x0101010101010101
	lowBits   = 0x7f * eachByte
	highBits  = 0x80 * eachByte
)

// split takes the fields of a line without quotes, and reports whether all of it is
// ASCII. Most of the time that CSV takes is spent here.
func (s *csvScanner) split(line []byte) (bool, error) {
	fields := s.fields[:0]
	pattern := uint64(s.delimiter) * eachByte
	start, at, seen := 0, 0, uint64(0)
	for ; at+wordBytes <= len(line) && len(fields) <= s.limits.MaxColumns; at += wordBytes {
		word := binary.LittleEndian.Uint64(line[at:])
		seen |= word
		other := word ^ pattern
		for found := ^((other&lowBits + lowBits) | other | lowBits); found != 0; found &= found - 1 {
			end := at + bits.TrailingZeros64(found)/wordBytes
			fields = append(fields, span{start: start, end: end})
			start = end + 1
		}
	}
	for ; at < len(line) && len(fields) <= s.limits.MaxColumns; at++ {
		seen |= uint64(line[at])
		if line[at] == s.delimiter {
			fields = append(fields, span{start: start, end: at})
			start = at + 1
		}
	}
	s.fields = append(fields, span{start: start, end: len(line)})

	return seen&highBits == 0, s.checkFields(len(line))
}

// checkFields applies the bounds to the fields of a line.
func (s *csvScanner) checkFields(length int) error {
	if most := s.limits.MaxColumns; len(s.fields) > most {
		s.fields = s.fields[:most]

		return tooManyColumns(most)
	}
	if length <= s.limits.MaxField {
		return nil
	}
	for i, f := range s.fields {
		if size := f.end - f.start; size > s.limits.MaxField {
			s.fields = s.fields[:i]

			return fieldTooLong(size, s.limits.MaxField)
		}
	}

	return nil
}
