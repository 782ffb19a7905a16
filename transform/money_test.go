package transform_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

const (
	largest  = "922337203685477.5807"
	smallest = "-922337203685477.5808"
)

func amount(t testing.TB, text string) transform.Money {
	t.Helper()
	m, err := transform.ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}

	return m
}

func TestParseMoney(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0.00", "12": "12.00", "-12.5": "-12.50", "+0.0025": "0.0025", ".5": "0.50", "2.55": "2.55",
		"1.230": "1.23", "1.234": "1.234", "2.550000000": "2.55", "-0": "0.00", "007": "7.00",
		largest: largest, smallest: smallest,
	} {
		got, err := transform.ParseMoney(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
		comma, err := transform.ParseMoneyComma(strings.Replace(text, ".", ",", 1))
		if err != nil || comma != got {
			t.Errorf("%s with a comma: %v, %v", text, comma, err)
		}
	}
	for _, text := range []string{
		"", "-", "+", ".", "5.", "-.", "1,5", "1 5", " 1", "1 ", "1.2.3", "--1", "1e3", "0x1", "NaN", "1_0", "١",
		"0.00001", "922337203685477.5808", "-922337203685477.5809", "1844674407370955.1616", "99999999999999999999",
		"9999999999999999", "1000000000000000000",
	} {
		got, err := transform.ParseMoney(text)
		if err == nil || got != (transform.Money{}) || connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%q: %v, %v; want a permanent error", text, got, err)
		}
	}
}

func TestMoneyArithmetic(t *testing.T) {
	top, bottom, unit := amount(t, largest), amount(t, smallest), amount(t, "0.0001")
	tests := []struct {
		name string
		do   func() (transform.Money, error)
		want string // empty: out of range
	}{
		{"add", func() (transform.Money, error) { return amount(t, "2.55").Add(amount(t, "-3")) }, "-0.45"},
		{"add over", func() (transform.Money, error) { return top.Add(unit) }, ""},
		{"add under", func() (transform.Money, error) { return bottom.Add(bottom) }, ""},
		{"add zero", func() (transform.Money, error) { return bottom.Add(transform.Money{}) }, smallest},
		{"sub", func() (transform.Money, error) { return amount(t, "2.55").Sub(amount(t, "3")) }, "-0.45"},
		{"sub to the end", func() (transform.Money, error) { return transform.Money{}.Sub(top) }, "-" + largest},
		{"sub over", func() (transform.Money, error) { return transform.Money{}.Sub(bottom) }, ""},
		{"sub under", func() (transform.Money, error) { return bottom.Sub(unit) }, ""},
		{"mul", func() (transform.Money, error) { return amount(t, "2.55").Mul(-6) }, "-15.30"},
		{"mul to the end", func() (transform.Money, error) { return bottom.Mul(1) }, smallest},
		{"mul over", func() (transform.Money, error) { return bottom.Mul(-1) }, ""},
		{"mul far over", func() (transform.Money, error) { return top.Mul(math.MaxInt64) }, ""},
		{"mul least", func() (transform.Money, error) { return unit.Mul(math.MinInt64) }, smallest},
		{"neg", func() (transform.Money, error) { return top.Neg() }, "-" + largest},
		{"neg over", func() (transform.Money, error) { return bottom.Neg() }, ""},
		{"new", func() (transform.Money, error) { return transform.NewMoney(-3, -500) }, "-3.05"},
		{"new over", func() (transform.Money, error) { return transform.NewMoney(math.MaxInt64, 0) }, ""},
	}
	for _, test := range tests {
		got, err := test.do()
		if test.want == "" && (!errors.Is(err, transform.ErrMoneyRange) || got != transform.Money{}) {
			t.Errorf("%s: %v %v; want ErrMoneyRange", test.name, got, err)
		}
		if test.want != "" && (err != nil || got.String() != test.want) {
			t.Errorf("%s: %v %v; want %s", test.name, got, err, test.want)
		}
	}
	for _, parts := range [][2]int64{{1, -1}, {-1, 1}, {0, 10_000}, {0, -10_000}} {
		if _, err := transform.NewMoney(parts[0], parts[1]); err == nil {
			t.Errorf("NewMoney(%d, %d)", parts[0], parts[1])
		}
	}
	if top.Cmp(bottom) != 1 || bottom.Cmp(top) != -1 || top.Cmp(top) != 0 || bottom.Sign() != -1 || unit.Sign() != 1 {
		t.Error("Cmp or Sign")
	}
}

func TestMoneyJSONAndSQL(t *testing.T) {
	codec := transform.JSON[map[string]transform.Money]()
	text, err := codec.Append(nil, map[string]transform.Money{"a": amount(t, "-2.5")})
	if err != nil || string(text) != `{"a":"-2.50"}` {
		t.Errorf("%s %v", text, err)
	}
	for json, want := range map[string]string{
		`{"a":"2.55"}`: "2.55", `{"a":2.55}`: "2.55", `{"a":null}`: "0.00",
		`{"a":2.55e1}`: "", `{"a":"x"}`: "", `{"a":true}`: "", `{"a":0.123456}`: "",
	} {
		got, err := codec.Decode([]byte(json))
		if (err != nil) != (want == "") || err == nil && got["a"].String() != want {
			t.Errorf("%s: %v %v; want %q", json, got, err, want)
		}
	}
	for _, source := range []any{"2.55", []byte("2.550000"), int64(-3)} {
		var m transform.Money
		if err := m.Scan(source); err != nil || m == (transform.Money{}) {
			t.Errorf("scan %v: %v %v", source, m, err)
		}
	}
	for _, source := range []any{2.55, nil, true, "x", int64(math.MaxInt64)} {
		var m transform.Money
		if err := m.Scan(source); err == nil {
			t.Errorf("scan %v gave %v", source, m)
		}
	}
	if value, err := amount(t, "7").Value(); err != nil || value != "7.00" {
		t.Errorf("value %v %v", value, err)
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, seed := range []string{"2.55", "-0.0001", largest, smallest, "1.2.3", "00.10000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := transform.ParseMoney(text)
		if err != nil {
			return
		}
		again, err := transform.ParseMoney(m.String())
		if err != nil || again != m {
			t.Fatalf("%q is %v, which reads as %v, %v", text, m, again, err)
		}
		var whole, fraction string
		if _, err := fmt.Sscanf(strings.Replace(m.String(), ".", " ", 1), "%s %s", &whole, &fraction); err != nil ||
			len(fraction) < 2 || len(fraction) > 4 {
			t.Fatalf("%q is written %v", text, m)
		}
	})
}

func TestTenThousandths(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "2.55": 25_500, "-0.05": -500, "-12.5": -125_000, "0.0001": 1, "922337203685477.5807": 1<<63 - 1,
	} {
		m, err := transform.ParseMoney(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.TenThousandths(); got != want || transform.MoneyFromTenThousandths(got) != m {
			t.Errorf("%s: %d ten-thousandths, want %d", text, got, want)
		}
	}
}
