package transform

import (
	"errors"
	"fmt"
	"math"

	"github.com/millrace-go/millrace/connector"
)

var (
	errNotAmount = errors.New("want digits, and decimals behind a single mark")
	errDecimals  = errors.New("more than four decimals; Money does not round")
)

// ParseMoney reads an amount with a decimal point: "12", "-12.5", "+0.0025", ".50". There
// are no spaces, thousands marks or exponents; decimals past the fourth must be zeros.
// Its errors are permanent.
func ParseMoney(text string) (Money, error) { return parseMoney(text, '.') }

// ParseMoneyComma reads an amount with a decimal comma: "12,50".
func ParseMoneyComma(text string) (Money, error) { return parseMoney(text, ',') }

func parseMoney[S string | []byte](text S, point byte) (Money, error) {
	digits := text
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		digits = text[1:]
	}
	units, err := parseUnits(digits, point)
	if err == nil && (units > 1<<63 || units == 1<<63 && !negative) {
		err = ErrMoneyRange
	}
	if err != nil {
		return Money{}, connector.Permanent(fmt.Errorf("amount %s: %w", clip(string(text)), err))
	}
	if negative {
		units = -units
	}

	return Money{units: int64(units)}, nil
}

// parseUnits reads digits with an optional mark into ten-thousandths.
func parseUnits[S string | []byte](digits S, point byte) (uint64, error) {
	var units uint64
	mark := -1
	for i := range len(digits) {
		b := digits[i]
		switch {
		case b == point && mark < 0:
			mark = i
		case b < '0' || b > '9':
			return 0, errNotAmount
		case mark >= 0 && i-mark > moneyDecimals:
			if b != '0' {
				return 0, errDecimals
			}
		case units > (math.MaxUint64-9)/10:
			return 0, ErrMoneyRange
		default:
			units = units*10 + uint64(b-'0')
		}
	}
	decimals := 0
	if mark >= 0 {
		decimals = min(len(digits)-mark-1, moneyDecimals)
	}
	if len(digits) == 0 || mark >= 0 && decimals == 0 {
		return 0, errNotAmount
	}
	for range moneyDecimals - decimals {
		if units > math.MaxUint64/10 {
			return 0, ErrMoneyRange
		}
		units *= 10
	}

	return units, nil
}
