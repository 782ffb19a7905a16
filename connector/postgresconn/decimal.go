package postgresconn

import (
	"bytes"
	"fmt"
	"strconv"
)

// decimal is a number as its text gives it: the digits, and how many of them stand before
// the point, which may be fewer than none or more than there are.
type decimal struct {
	negative bool
	digits   []byte
	whole    int
	show     int
}

// parseDecimal reads [+-]digits[.digits][e[+-]digits].
func parseDecimal(text []byte) (decimal, error) {
	text = bytes.TrimSpace(text)
	var n decimal
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		n.negative = text[0] == '-'
		text = text[1:]
	}
	exponent := 0
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(text[e+1:])); err != nil {
			return n, errNumeric
		}
		text = text[:e]
	}
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	if len(whole)+len(fraction) == 0 {
		return n, errNumeric
	}
	n.digits = append(append(make([]byte, 0, len(whole)+len(fraction)), whole...), fraction...)
	for i, digit := range n.digits {
		if digit < '0' || digit > '9' {
			return n, errNumeric
		}
		n.digits[i] = digit - '0'
	}
	n.whole, n.show = len(whole)+exponent, max(len(fraction)-exponent, 0)

	return n, n.check()
}

// check bounds the size, before a short text with an exponent becomes a long number.
func (n *decimal) check() error {
	for len(n.digits) > 0 && n.digits[0] == 0 {
		n.digits = n.digits[1:]
		n.whole--
	}
	if len(n.digits) == 0 {
		n.whole = 0
	}
	if n.whole > mostNumericWhole {
		return fmt.Errorf("%d digits before the point are more than the %d of a numeric", n.whole, mostNumericWhole)
	}
	if n.show > mostNumericScale {
		return fmt.Errorf("%d decimals are more than the %d of a numeric", n.show, mostNumericScale)
	}

	return nil
}

// append groups the digits by four, counted from the point.
func (n *decimal) append(dst []byte) []byte {
	if len(n.digits) == 0 {
		return appendDigits(dst, nil, 0, 0, uint16(n.show))
	}
	weight := floorDiv(n.whole-1, numericDigit)
	lead := (weight+1)*numericDigit - n.whole // zeros before the first digit
	groups := make([]uint16, 0, (lead+len(n.digits))/numericDigit+1)
	for at := -lead; at < len(n.digits); at += numericDigit {
		group := uint16(0)
		for i := at; i < at+numericDigit; i++ {
			group *= 10
			if i >= 0 && i < len(n.digits) {
				group += uint16(n.digits[i])
			}
		}
		groups = append(groups, group)
	}
	for len(groups) > 0 && groups[len(groups)-1] == 0 {
		groups = groups[:len(groups)-1]
	}
	sign := uint16(0)
	if n.negative {
		sign = numericNegative
	}

	return appendDigits(dst, groups, weight, sign, uint16(n.show))
}

func floorDiv(a, b int) int {
	if a < 0 {
		return -((-a + b - 1) / b)
	}

	return a / b
}
