package postgresconn_test

import (
	"database/sql"
	"encoding/json/jsontext"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"uuid"

	"github.com/jackc/pgx/v5"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/postgresconn"
	"github.com/millrace-go/millrace/transform"
)

func money(t testing.TB, text string) transform.Money {
	t.Helper()
	m, err := transform.ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}

	return m
}

// checkColumn writes values into a column of the type, and compares what PostgreSQL shows
// of them as text.
func checkColumn[V any](t *testing.T, columnType string, cases map[string]V) {
	t.Helper()
	type row struct {
		N int
		V V
	}
	t.Run(fmt.Sprintf("%s/%s", reflect.TypeFor[V](), strings.ReplaceAll(columnType, " ", "_")), func(t *testing.T) {
		pool := open(t)
		table := create(t, pool, "n BIGINT, v "+columnType)
		var rows []row
		var wants []string
		for want, v := range cases {
			rows, wants = append(rows, row{len(rows), v}), append(wants, want)
		}
		sink := newCopy[row](t, postgresconn.CopyConfig{Pool: pool, Table: table})
		if err := sink.Write(t.Context(), messages(rows...)); err != nil {
			t.Fatal(err)
		}
		found, err := pool.Query(t.Context(), "SELECT coalesce(v::text, 'NULL') FROM "+table+" ORDER BY n")
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for i := range wants {
			if got[i] != wants[i] {
				t.Errorf("%v is %s, want %s", rows[i].V, got[i], wants[i])
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	checkColumn(t, "BOOLEAN", map[string]bool{"true": true, "false": false})
	checkColumn(t, "BIGINT", map[string]int64{"-9223372036854775808": math.MinInt64, "0": 0, "9223372036854775807": math.MaxInt64})
	checkColumn(t, "INTEGER", map[string]int{"-2147483648": math.MinInt32, "2147483647": math.MaxInt32})
	checkColumn(t, "SMALLINT", map[string]int32{"-32768": math.MinInt16, "32767": math.MaxInt16})
	checkColumn(t, "SMALLINT", map[string]int8{"-128": math.MinInt8, "127": math.MaxInt8})
	checkColumn(t, "BIGINT", map[string]int16{"-32768": math.MinInt16, "32767": math.MaxInt16})
	checkColumn(t, "BIGINT", map[string]uint64{"9223372036854775807": math.MaxInt64, "0": 0})
	checkColumn(t, "NUMERIC", map[string]uint64{"18446744073709551615": math.MaxUint64, "0": 0, "10000": 10000})
	checkColumn(t, "NUMERIC", map[string]int64{"-9223372036854775808": math.MinInt64, "7": 7})
	checkColumn(t, "BIGINT", map[string]uint32{"4294967295": math.MaxUint32})
	checkColumn(t, "INTEGER", map[string]uint16{"65535": math.MaxUint16})
	checkColumn(t, "SMALLINT", map[string]uint8{"255": math.MaxUint8})
	checkColumn(t, "DOUBLE PRECISION", map[string]float64{"-1.5": -1.5, "1e+300": 1e300, "NaN": math.NaN(), "-Infinity": math.Inf(-1)})
	checkColumn(t, "REAL", map[string]float64{"0.1": 0.1, "Infinity": math.Inf(1)})
	checkColumn(t, "REAL", map[string]float32{"3.4028235e+38": math.MaxFloat32})
	checkColumn(t, "NUMERIC", map[string]float64{"0.1": 0.1, "NaN": math.NaN(), "0.00000025": 2.5e-7, "-Infinity": math.Inf(-1)})
	checkColumn(t, "NUMERIC", map[string]float32{"0.1": 0.1})
	checkColumn(t, "BIGINT", map[string]*int64{"NULL": nil, "5": new(int64(5))})
	checkColumn(t, "BIGINT", map[string]sql.Null[int64]{"NULL": {}, "5": {V: 5, Valid: true}})
}

func TestDecimals(t *testing.T) {
	checkColumn(t, "NUMERIC", map[string]transform.Money{
		"0.00": {}, "0.01": money(t, "0.01"), "-12.50": money(t, "-12.50"), "10000.00": money(t, "10000"),
		"0.0001": money(t, "0.0001"), "100000000.00": money(t, "100000000"), "99999.9999": money(t, "99999.9999"),
		"922337203685477.5807":  transform.MoneyFromTenThousandths(math.MaxInt64),
		"-922337203685477.5808": transform.MoneyFromTenThousandths(math.MinInt64),
	})
	checkColumn(t, "NUMERIC(12, 2)", map[string]*transform.Money{"NULL": nil, "7.25": new(money(t, "7.25"))})
	checkColumn(t, "NUMERIC(6, 0)", map[string]transform.Money{"120": money(t, "120")})
	checkColumn(t, "NUMERIC", map[string]string{
		"0": "0", "0.000": "-0.000", "-0.5": "-.5", "1": "+1", "0.0000001": "1e-7", "12300000": "123e5", "1.50": "001.50",
		"123456789012345678901234567890.0987654321": "123456789012345678901234567890.0987654321",
		"10000000": "1E+7", "NaN": "nan", "Infinity": "Infinity", "-Infinity": "-infinity", "20000.00020000": "20000.00020000",
	})
	checkColumn(t, "NUMERIC(5, 1)", map[string]string{"2.3": "2.25"})
}

func TestTexts(t *testing.T) {
	checkColumn(t, "TEXT", map[string]string{"": "", "日本語 \\N\t": "日本語 \\N\t"})
	checkColumn(t, "VARCHAR(3)", map[string]string{"abc": "abc"})
	checkColumn(t, "TEXT", map[string][]byte{"NULL": nil, "ab": []byte("ab"), "": {}})
	checkColumn(t, "BYTEA", map[string][]byte{"NULL": nil, `\x00ff27`: {0, 0xff, '\''}, `\x`: {}})
	checkColumn(t, "UUID", map[string]uuid.UUID{"0198b7b2-6e1d-7000-8000-0123456789ab": uuid.MustParse("0198b7b2-6e1d-7000-8000-0123456789ab")})
	checkColumn(t, "UUID", map[string]string{"0198b7b2-6e1d-7000-8000-0123456789ab": "0198B7B26E1D700080000123456789AB"})
	checkColumn(t, "JSONB", map[string]string{`{"a": 1}`: `{"a":1}`})
	checkColumn(t, "JSONB", map[string]jsontext.Value{`[1, 2]`: jsontext.Value(`[1,2]`), "NULL": nil})
	checkColumn(t, "JSON", map[string]map[string]int{`{"a":1}`: {"a": 1}, "NULL": nil})
	checkColumn(t, "JSONB", map[string]struct{ A []int }{`{"A": [1]}`: {A: []int{1}}})
	checkColumn(t, "XML", map[string]string{"<a/>": "<a/>"})
	pool := open(t)
	execute(t, pool, "DROP DOMAIN IF EXISTS millrace_domain; DROP TYPE IF EXISTS millrace_mood")
	execute(t, pool, "CREATE TYPE millrace_mood AS ENUM ('sad', 'ok')")
	execute(t, pool, "CREATE DOMAIN millrace_domain AS NUMERIC(6, 2) CHECK (value > 0)")
	type mood string
	checkColumn(t, "millrace_mood", map[string]mood{"sad": "sad", "ok": "ok"})
	checkColumn(t, "millrace_domain", map[string]transform.Money{"1.25": money(t, "1.25")})
	execute(t, pool, "DROP DOMAIN millrace_domain; DROP TYPE millrace_mood")
}

func TestTimes(t *testing.T) {
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456789, time.FixedZone("", 3600))
	old := time.Date(1900, 1, 1, 0, 0, 0, 1000, time.UTC)
	checkColumn(t, "TIMESTAMP", map[string]time.Time{
		"2024-02-29 22:59:59.123456": at, "1900-01-01 00:00:00.000001": old, "0001-01-01 00:00:00": {},
		"294276-12-31 23:59:59": time.Date(294276, 12, 31, 23, 59, 59, 0, time.UTC),
	})
	checkColumn(t, "DATE", map[string]time.Time{
		"2024-02-29": at, "1900-01-01": old, "0001-01-01": {}, "4713-12-01 BC": time.Date(-4712, 12, 1, 0, 0, 0, 0, time.UTC),
		"5874897-12-31": time.Date(5874897, 12, 31, 0, 0, 0, 0, time.UTC),
	})
	pool := open(t)
	type row struct{ At *time.Time }
	table := create(t, pool, "at TIMESTAMPTZ")
	if err := newCopy[row](t, postgresconn.CopyConfig{Pool: pool, Table: table}).Write(t.Context(), messages(row{&at}, row{})); err != nil {
		t.Fatal(err)
	}
	got := one[time.Time](t, pool, "SELECT at FROM "+table+" WHERE at IS NOT NULL")
	if !got.Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("got %s, want %s", got, at)
	}
}

// What the column cannot hold fails its row alone, before it is sent.
func TestOutOfRange(t *testing.T) {
	type row struct {
		Small  int
		Large  uint64
		Price  transform.Money
		At     time.Time
		Single float64
		Name   string
		ID     string
	}
	pool := open(t)
	table := create(t, pool, "small SMALLINT, large BIGINT, price NUMERIC(6, 2), at TIMESTAMPTZ, single REAL, name NUMERIC, id UUID")
	good := row{Name: "1", ID: "0198b7b2-6e1d-7000-8000-0123456789ab"}
	values := []row{good}
	wants := []string{""}
	for want, change := range map[string]func(r *row){
		"field Small: 32768 is out of the range of int2":                   func(r *row) { r.Small = 32768 },
		"field Large: 9223372036854775808 is out of the range":             func(r *row) { r.Large = 1 << 63 },
		"field Price: amount 1.001 has more than the 2 decimals":           func(r *row) { r.Price = money(t, "1.001") },
		"numeric field overflow":                                           func(r *row) { r.Price = money(t, "10000.00") },
		"field At: time in the year 294277":                                func(r *row) { r.At = time.Date(294277, 1, 1, 0, 0, 0, 0, time.UTC) },
		"field At: time in the year -4714":                                 func(r *row) { r.At = time.Date(-4714, 1, 1, 0, 0, 0, 0, time.UTC) },
		"field Single: 1e+39 is out of the range of float4":                func(r *row) { r.Single = 1e39 },
		`field Name: numeric "1,5": want a decimal number`:                 func(r *row) { r.Name = "1,5" },
		"field Name: numeric \"1e131072\": 131073 digits before the point": func(r *row) { r.Name = "1e131072" },
		"field Name: numeric \"1e-16384\": 16384 decimals are more":        func(r *row) { r.Name = "1e-16384" },
		`field ID: uuid "0198": want 32 hexadecimal digits`:                func(r *row) { r.ID = "0198" },
	} {
		bad := good
		change(&bad)
		values, wants = append(values, bad, good), append(wants, want, "")
	}
	values = append(values, row{Name: "1e131071", ID: good.ID}, row{Name: "1e-16383", ID: good.ID})
	wants = append(wants, "", "")
	err := newCopy[row](t, postgresconn.CopyConfig{Pool: pool, Table: table}).Write(t.Context(), messages(values...))
	members := membersOf(t, err)
	for i, want := range wants {
		switch member := members[i]; {
		case want == "" && (member.Fate != connector.Accepted || member.Err != nil):
			t.Errorf("row %d %s: %v", i, member.Fate, member.Err)
		case want != "" && (member.Fate != connector.Failed || !strings.Contains(member.Err.Error(), want)):
			t.Errorf("row %d %s: %v, want %s", i, member.Fate, member.Err, want)
		}
	}
}
