package fileconn_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

// orderLine is a line of the retail data. Partner A has dates, partner B times as well.
type orderLine struct {
	Invoice  string          `csv:"InvoiceNo"`
	Stock    string          `csv:"StockCode"`
	Text     string          `csv:"Description"`
	Quantity int             `csv:"Quantity"`
	Date     time.Time       `csv:"InvoiceDate" layout:"2/1/2006 15:04|2/1/2006"`
	Price    transform.Money `csv:"UnitPrice"`
	Customer *int            `csv:"CustomerID"`
	Country  string          `csv:"Country"`
}

// truths are what is known of one partner's lines.
type truths struct {
	lines, invoices, customers, cancelled, anonymous, unpriced, negative, repeats int

	sum string
}

func retail(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("MILLRACE_TEST_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "retail", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the retail data is not here (%v); set MILLRACE_TEST_DATA to the directory that holds retail/", err)
	}

	return path
}

func TestRetailData(t *testing.T) {
	common := truths{
		invoices: 512, customers: 323, cancelled: 100, anonymous: 2291, unpriced: 46, negative: 130, repeats: 196,
	}
	a, b := common, common
	a.lines, a.sum = 9999, "180659.25"
	b.lines, b.sum = 10_000, "180667.75"
	linesA := retailLines(t, "partner_a.csv", transform.CSVConfig{Strict: true})
	linesB := retailLines(t, "partner_b.csv", transform.CSVConfig{Strict: true, Delimiter: ';', DecimalComma: true})
	if got := truthsOf(t, linesA); got != a {
		t.Errorf("partner A: %+v, want %+v", got, a)
	}
	if got := truthsOf(t, linesB); got != b {
		t.Errorf("partner B: %+v, want %+v", got, b)
	}
	checkOneMore(t, linesA, linesB)
}

func retailLines(t *testing.T, name string, config transform.CSVConfig) []orderLine {
	t.Helper()
	source, err := fileconn.CSV[orderLine](fileconn.SourceConfig{Paths: []string{retail(t, name)}}, config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(t, source, 500)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]orderLine, len(got))
	for i, m := range got {
		lines[i] = m.Value
	}

	return lines
}

// identity is a line without its time of day, comparable.
type identity struct {
	line     orderLine
	customer int
}

func identify(line orderLine, withTime bool) identity {
	id := identity{line: line}
	if line.Customer != nil {
		id.customer = *line.Customer
	}
	id.line.Customer = nil
	if !withTime {
		id.line.Date = line.Date.Truncate(24 * time.Hour)
	}

	return id
}

func truthsOf(t *testing.T, lines []orderLine) truths {
	t.Helper()
	got := truths{lines: len(lines)}
	invoices, customers, seen := map[string]bool{}, map[int]bool{}, map[identity]bool{}
	var sum transform.Money
	for _, line := range lines {
		amount, err := line.Price.Mul(int64(line.Quantity))
		if err == nil {
			sum, err = sum.Add(amount)
		}
		if err != nil {
			t.Fatal(err)
		}
		id := identify(line, true)
		got.repeats += count(seen[id])
		got.cancelled += count(strings.HasPrefix(line.Invoice, "C"))
		got.anonymous += count(line.Customer == nil)
		got.unpriced += count(line.Price.Sign() <= 0)
		got.negative += count(line.Quantity <= 0)
		seen[id], invoices[line.Invoice] = true, true
		if line.Customer != nil {
			customers[*line.Customer] = true
		}
	}
	got.invoices, got.customers, got.sum = len(invoices), len(customers), sum.String()

	return got
}

func count(yes bool) int {
	if yes {
		return 1
	}

	return 0
}

// checkOneMore says that B has exactly one line that A has not.
func checkOneMore(t *testing.T, a, b []orderLine) {
	t.Helper()
	balance := map[identity]int{}
	for _, line := range b {
		balance[identify(line, false)]++
	}
	for _, line := range a {
		balance[identify(line, false)]--
	}
	for id, n := range balance {
		more := n == 1 && id.line.Invoice == "537224" && id.line.Stock == "22497" && id.line.Quantity == 2 && id.line.Price.String() == "4.25"
		if n != 0 && !more {
			t.Errorf("B has %d more of %+v", n, id)
		}
	}
	if len(b) != len(a)+1 {
		t.Errorf("A has %d lines, B %d", len(a), len(b))
	}
}
