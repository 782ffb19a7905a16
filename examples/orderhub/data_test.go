package main

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRealData(t *testing.T) {
	dir := os.Getenv("MILLRACE_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir = filepath.Join(dir, "retail")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the retail data is not here (%v); set MILLRACE_TEST_DATA to the directory that holds retail/", err)
	}
	state := t.TempDir()
	r := finished(t, dir, state)
	for partner, want := range map[string]string{
		"a": "{9999 512 323 100 2291 46 130 196 180659.25}",
		"b": "{10000 512 323 100 2291 46 130 196 180667.75}",
	} {
		if got := fmt.Sprint(r.Partners[partner]); got != want {
			t.Errorf("partner %s: %s, want %s", partner, got, want)
		}
	}
	if got, want := fmt.Sprint(r.Differences), "[{537224 22497 2 4.25 b}]"; got != want {
		t.Errorf("differences %s, want %s", got, want)
	}
	checkOnce(t, writtenInvoices(t, state), 2*(512-45)) // 45 of each sell and cancel nothing
}

// checkOnce makes sure that so many invoices are written, each exactly once.
func checkOnce(t *testing.T, written map[string]int, want int) {
	t.Helper()
	if len(written) != want {
		t.Errorf("%d invoices are written, want %d", len(written), want)
	}
	for key, n := range written {
		if n != 1 {
			t.Errorf("invoice %s is written %d times", key, n)
		}
	}
}

// The figures of a run are those of a plain program that shares no code with it.
func TestGeneratedData(t *testing.T) {
	state := t.TempDir()
	r := finished(t, "", state)
	a := countNaively(t, filepath.Join(state, "generated", "partner_a.csv"), ',')
	b := countNaively(t, filepath.Join(state, "generated", "partner_b.csv"), ';')
	if got := fmt.Sprint(r.Partners["a"]); got != a.figures() {
		t.Errorf("partner a: %s, want %s", got, a.figures())
	}
	if got := fmt.Sprint(r.Partners["b"]); got != b.figures() {
		t.Errorf("partner b: %s, want %s", got, b.figures())
	}
	for _, wart := range []int{
		a.cancelled, a.anonymous, a.unpriced, a.negative, a.repeats, a.unreadable, b.lines - a.lines,
	} {
		if wart == 0 {
			t.Errorf("the generated data lack a wart: %+v", a)
		}
	}
	checkDifferences(t, r.Differences, a, b)
	written := writtenInvoices(t, state)
	checkOnce(t, written, len(a.sound)+len(b.sound))
	for invoice := range a.sound {
		if written["a/"+invoice] != 1 {
			t.Errorf("invoice %s of a is missing", invoice)
		}
	}
	if len(a.sound) == len(a.invoices) {
		t.Error("the generated data lack an invoice that sells nothing")
	}
}

// naive is what a plain program counts.
type naive struct {
	lines, unreadable, cancelled, anonymous, unpriced, negative, repeats int

	invoices, customers map[string]bool
	// sound are the invoices that sell or cancel something.
	sound map[string]bool
	sum   *big.Rat
	// content counts equal lines, with the day but without the time of day.
	content map[string]int
}

func (n *naive) figures() string {
	return fmt.Sprintf("{%d %d %d %d %d %d %d %d %s}", n.lines, len(n.invoices), len(n.customers),
		n.cancelled, n.anonymous, n.unpriced, n.negative, n.repeats, n.sum.FloatString(2))
}

func countNaively(t *testing.T, path string, comma rune) *naive {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\uFEFF")))
	in.Comma = comma
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	n := &naive{
		invoices: map[string]bool{}, sound: map[string]bool{}, customers: map[string]bool{}, sum: new(big.Rat), content: map[string]int{},
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		n.lines++
		quantity, ok := new(big.Rat).SetString(row[3])
		if !ok {
			n.unreadable++

			continue
		}
		price, _ := new(big.Rat).SetString(strings.ReplaceAll(row[5], ",", "."))
		n.add(row, quantity, price)
		whole := strings.Join(row, "|")
		n.repeats += one(seen[whole])
		seen[whole] = true
		day, _, _ := strings.Cut(row[4], " ")
		n.content[fmt.Sprintf("{%s %s %s %s %s}|%s|%s", row[0], row[1], quantity.RatString(), price.FloatString(2), "?", day, row[2])]++
	}

	return n
}

func (n *naive) add(row []string, quantity, price *big.Rat) {
	n.cancelled += one(row[0][0] == 'C')
	n.anonymous += one(row[6] == "")
	n.unpriced += one(price.Sign() <= 0)
	n.negative += one(quantity.Sign() <= 0)
	n.invoices[row[0]] = true
	if row[0][0] == 'C' || quantity.Sign() > 0 && price.Sign() > 0 {
		n.sound[row[0]] = true
	}
	if row[6] != "" {
		n.customers[row[6]] = true
	}
	n.sum.Add(n.sum, new(big.Rat).Mul(quantity, price))
}

func one(yes bool) int {
	if yes {
		return 1
	}

	return 0
}

func checkDifferences(t *testing.T, got []Difference, a, b *naive) {
	t.Helper()
	want := map[string]int{}
	for _, side := range []struct {
		name       string
		has, lacks map[string]int
	}{{"a", a.content, b.content}, {"b", b.content, a.content}} {
		for line, n := range side.has {
			if n > side.lacks[line] {
				shown, _, _ := strings.Cut(line, "|")
				want[strings.ReplaceAll(shown, "?", side.name)] += n - side.lacks[line]
			}
		}
	}
	have := map[string]int{}
	for _, d := range got {
		have[fmt.Sprint(d)]++
	}
	if !maps.Equal(have, want) || len(want) == 0 {
		t.Errorf("differences %v, want %v", have, want)
	}
}

// A second run on the same state changes nothing, and says so in its ledgers.
func TestSecondRun(t *testing.T) {
	state := t.TempDir()
	first := finished(t, "", state)
	written := writtenInvoices(t, state)
	second := finished(t, "", state)
	if !reflect.DeepEqual(first.Partners, second.Partners) || !reflect.DeepEqual(first.Differences, second.Differences) ||
		!reflect.DeepEqual(first.totals, second.totals) || !reflect.DeepEqual(first.rejections, second.rejections) {
		t.Errorf("the second run differs:\n%+v\n%+v", first, second)
	}
	if !maps.Equal(written, writtenInvoices(t, state)) {
		t.Error("the second run wrote invoices")
	}
	for i, n := range second.notifications {
		if n.sent != 0 || n.before != first.notifications[i].sent || n.before == 0 {
			t.Errorf("notifications %+v, before %+v", n, first.notifications[i])
		}
	}
}
