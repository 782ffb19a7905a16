package postgresconn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace-go/millrace/transform"
)

// A numeric travels as base-10000 digits: how many, the weight of the first, the sign, how
// many decimals to show, and the digits.
const (
	numericBase      = 10_000
	numericDigit     = 4 // decimal digits in one of base 10000
	numericHead      = 8
	numericNegative  = 0x4000
	numericNaN       = 0xC000
	numericInfinity  = 0xD000
	numericMinus     = 0xF000
	mostNumericScale = 16_383
	mostNumericWhole = 131_072
)

// moneyEncoder writes amounts. Their ten-thousandths are one digit of base 10000.
func moneyEncoder(to column) encoder {
	if to.oid != pgtype.NumericOID {
		return nil
	}
	scale, limited := scaleOf(to.modifier)

	return func(dst []byte, field unsafe.Pointer) ([]byte, error) {
		amount := *(*transform.Money)(field)
		if limited && decimalsOf(amount.TenThousandths()) > scale {
			return nil, fmt.Errorf("amount %s has more than the %d decimals of the column", amount, scale)
		}

		return appendMoney(dst, amount.TenThousandths()), nil
	}
}

// scaleOf reads the decimals of a numeric(p, s) from its type modifier, which a numeric
// without a limit does not have.
func scaleOf(modifier int32) (scale int, limited bool) {
	const head = 4
	if modifier < head {
		return 0, false
	}
	const scaleBits, signBit = 0x7ff, 1024

	return int((modifier-head)&scaleBits^signBit) - signBit, true
}

// decimalsOf counts the decimals that an amount of ten-thousandths needs.
func decimalsOf(units int64) int {
	decimals := numericDigit
	for decimals > 0 && units%10 == 0 {
		units /= 10
		decimals--
	}

	return decimals
}

func appendMoney(dst []byte, units int64) []byte {
	const showAtLeast = 2
	sign, size := uint16(0), uint64(units)
	if units < 0 {
		sign, size = numericNegative, -size
	}
	show := uint16(max(decimalsOf(units), showAtLeast))
	var digits [6]uint16 // an int64 has five, and a spare one
	first := len(digits)
	for size > 0 {
		first--
		digits[first] = uint16(size % numericBase)
		size /= numericBase
	}
	weight := len(digits) - first - 2 // the last digit has weight -1
	last := len(digits)
	for last > first && digits[last-1] == 0 {
		last--
	}

	return appendDigits(dst, digits[first:last], weight, sign, show)
}

func appendDigits(dst []byte, digits []uint16, weight int, sign, show uint16) []byte {
	if len(digits) == 0 {
		weight, sign = 0, 0
	}
	dst = appendSize(dst, numericHead+2*len(digits))
	for _, part := range [...]uint16{uint16(len(digits)), uint16(int16(weight)), sign, show} {
		dst = binary.BigEndian.AppendUint16(dst, part)
	}
	for _, digit := range digits {
		dst = binary.BigEndian.AppendUint16(dst, digit)
	}

	return dst
}

var errNumeric = errors.New("want a decimal number")

// appendNumeric writes a decimal number that is given as text: "-12.50", "1e-7", "NaN".
func appendNumeric(dst, text []byte) ([]byte, error) {
	if special, ok := specials[strings.ToLower(strings.TrimSpace(string(text)))]; ok {
		return appendSpecial(dst, special), nil
	}
	n, err := parseDecimal(text)
	if err != nil {
		return nil, fmt.Errorf("numeric %.40q: %w", text, err)
	}

	return n.append(dst), nil
}

var specials = map[string]uint16{
	"nan": numericNaN, "infinity": numericInfinity, "inf": numericInfinity, "+inf": numericInfinity,
	"-infinity": numericMinus, "-inf": numericMinus,
}

func appendSpecial(dst []byte, sign uint16) []byte {
	return append(dst, 0, 0, 0, numericHead, 0, 0, 0, 0, byte(sign>>8), byte(sign), 0, 0)
}
