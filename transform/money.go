package transform

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// moneyScale is how many units make 1: amounts are exact to four decimals.
const (
	moneyScale    = 10_000
	moneyDecimals = 4
)

// ErrMoneyRange says that an amount is outside of what Money holds.
var ErrMoneyRange = errors.New("transform: amount out of range of ±922,337,203,685,477.5807")

// Money is an exact decimal amount without a currency: a whole number of ten-thousandths,
// up to ±922,337,203,685,477.5807. It never rounds: what does not fit is an error. The
// zero value is 0.00. Amounts compare with == and Cmp.
//
// It reads and writes text as "-12.50", JSON as that string, and SQL as a decimal.
type Money struct{ units int64 } //nolint:recvcheck // reading text needs a pointer, a value does for the rest

// NewMoney returns whole plus tenThousandths/10000, which must have the same sign.
func NewMoney(whole, tenThousandths int64) (Money, error) {
	if tenThousandths <= -moneyScale || tenThousandths >= moneyScale {
		return Money{}, fmt.Errorf("transform: %d ten-thousandths are not less than 1", tenThousandths)
	}
	if whole > 0 && tenThousandths < 0 || whole < 0 && tenThousandths > 0 {
		return Money{}, fmt.Errorf("transform: %d and %d ten-thousandths have different signs", whole, tenThousandths)
	}
	amount, err := Money{units: moneyScale}.Mul(whole)
	if err != nil {
		return Money{}, err
	}

	return amount.Add(Money{units: tenThousandths})
}

// MoneyFromTenThousandths returns the amount of n ten-thousandths.
func MoneyFromTenThousandths(n int64) Money { return Money{units: n} }

// Add returns m + other, or ErrMoneyRange.
func (m Money) Add(other Money) (Money, error) {
	sum := m.units + other.units
	if (sum > m.units) != (other.units > 0) {
		return Money{}, ErrMoneyRange
	}

	return Money{units: sum}, nil
}

// Sub returns m - other, or ErrMoneyRange.
func (m Money) Sub(other Money) (Money, error) {
	difference := m.units - other.units
	if (difference < m.units) != (other.units > 0) {
		return Money{}, ErrMoneyRange
	}

	return Money{units: difference}, nil
}

// Mul returns m times n, or ErrMoneyRange.
func (m Money) Mul(n int64) (Money, error) {
	high, low := bits.Mul64(magnitude(m.units), magnitude(n))
	negative := (m.units < 0) != (n < 0)
	if high != 0 || low > 1<<63 || low == 1<<63 && !negative {
		return Money{}, ErrMoneyRange
	}
	if negative {
		low = -low
	}

	return Money{units: int64(low)}, nil
}

// Neg returns -m, or ErrMoneyRange for the one amount that has no opposite.
func (m Money) Neg() (Money, error) {
	if m.units == math.MinInt64 {
		return Money{}, ErrMoneyRange
	}

	return Money{units: -m.units}, nil
}

// Cmp returns -1, 0 or 1 for an m less than, equal to or greater than other.
func (m Money) Cmp(other Money) int {
	switch {
	case m.units < other.units:
		return -1
	case m.units > other.units:
		return 1
	default:
		return 0
	}
}

// TenThousandths returns the whole amount as a number of ten-thousandths, for a database
// that adds up integers. MoneyFromTenThousandths is the way back.
func (m Money) TenThousandths() int64 { return m.units }

// Sign returns -1, 0 or 1 for an m less than, equal to or greater than zero.
func (m Money) Sign() int { return m.Cmp(Money{}) }

// String returns the amount with a decimal point and two to four decimals: "-12.50".
func (m Money) String() string { return string(m.appendTo(nil, '.')) }

func (m Money) appendTo(dst []byte, point byte) []byte {
	if m.units < 0 {
		dst = append(dst, '-')
	}
	size := magnitude(m.units)
	dst = append(strconv.AppendUint(dst, size/moneyScale, 10), point)
	fraction := size % moneyScale
	for unit := uint64(moneyScale / 10); unit > 0; unit /= 10 {
		if fraction == 0 && unit < moneyScale/100 {
			break
		}
		dst = append(dst, '0'+byte(fraction/unit))
		fraction %= unit
	}

	return dst
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}

	return uint64(n)
}
