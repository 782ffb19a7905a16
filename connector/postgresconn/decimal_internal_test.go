package postgresconn

import (
	"math/big"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// pgtype reads every numeric as the number that its text is.
func FuzzNumeric(f *testing.F) {
	for _, seed := range []string{"0", "-12.50", "1e-7", ".5", "10000", "00012345.678900", "1e400", "9999.9999", "-1e5", "nan", "1e", "", "+", "1.2.3"} {
		f.Add(seed)
	}
	codec := pgtype.NumericCodec{}
	types := pgtype.NewMap()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		data, err := appendNumeric(nil, []byte(text))
		if err != nil { // what it bounds is not computed here either
			return
		}
		want, ok := new(big.Rat).SetString(strings.TrimSpace(text))
		if !ok {
			return
		}
		var got pgtype.Numeric
		if err := codec.PlanScan(types, pgtype.NumericOID, pgtype.BinaryFormatCode, &got).Scan(data[4:], &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got.NaN || got.InfinityModifier != pgtype.Finite {
			t.Fatalf("%q is not finite", text)
		}
		value := new(big.Rat).SetInt(got.Int)
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(got.Exp, -got.Exp))), nil)
		if got.Exp < 0 {
			value.Quo(value, new(big.Rat).SetInt(power))
		} else {
			value.Mul(value, new(big.Rat).SetInt(power))
		}
		if value.Cmp(want) != 0 {
			t.Errorf("%q is %s, want %s", text, value, want)
		}
	})
}
