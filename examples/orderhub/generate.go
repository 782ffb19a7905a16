package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// generate writes small files of both partners, the same at every call, with the warts
// that real ones have: byte order marks, cancelled invoices, missing customers, prices
// and quantities that are zero or less, repeated lines, quotes and delimiters in text, a
// line that only one partner has, one that cannot be read, an invoice in two places.
func generate(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the directory of the generated data: %w", err)
	}
	g := generator{random: rand.New(rand.NewPCG(20101201, 17850))}
	for i := range generatedInvoices {
		g.invoice(i)
	}
	g.split()
	for _, p := range partners() {
		if err := g.write(dir, p); err != nil {
			return err
		}
	}

	return nil
}

const generatedInvoices = 64

// generator makes up lines and keeps them as both partners know them.
type generator struct {
	random *rand.Rand
	lines  []generated
}

// generated is a line before it is written down. only names the one partner that has it; torn
// that A writes a quantity which is no number.
type generated struct {
	invoice, stock, text, customer, country string

	quantity, cents int
	when            time.Time
	only            string
	torn            bool
}

func (g *generator) invoice(i int) {
	head := generated{
		invoice:  fmt.Sprint(500_001 + i),
		customer: fmt.Sprint(12_000 + 7*g.random.IntN(24)),
		country:  "United Kingdom",
		when:     time.Date(2010, 12, 1, 8, 26+131*i, 0, 0, time.UTC),
	}
	if g.random.IntN(7) == 0 {
		head.customer = ""
	}
	if g.random.IntN(3) == 0 {
		head.country = []string{"Germany", "France", "EIRE", "Norway", "Japan"}[g.random.IntN(5)]
	}
	sign := 1
	if i%11 == 10 {
		head.invoice, sign = "C"+head.invoice, -1
	}
	for range 1 + g.random.IntN(9) {
		g.line(head, sign)
	}
	switch i {
	case 20: // a write-off: nothing is sold
		g.lines = append(g.lines[:len(g.lines):len(g.lines)], head.with("W0001", "DAMAGED", -5, 0))
		g.lines = g.onlyLast(head.invoice)
	case 33:
		extra := head.with("22497", "SET OF 2 TINS, VINTAGE", 2, 425)
		extra.only = "b"
		g.lines = append(g.lines, extra)
	case 40:
		torn := head.with("84029G", "KNITTED FLAG", 12, 339)
		torn.torn = true
		g.lines = append(g.lines, torn)
	}
}

// line adds one line, and at times the same once more.
func (g *generator) line(head generated, sign int) {
	texts := []string{
		"WHITE METAL LANTERN", `CHARLIE+LOLA"EXTREMELY BUSY" SIGN`, "BOX, SET OF 6; RED", "CREAM CUPID HEARTS", "",
	}
	l := head.with(fmt.Sprint(20_000+g.random.IntN(5000)), texts[g.random.IntN(len(texts))],
		sign*(1+g.random.IntN(48)), 5+g.random.IntN(2000))
	switch g.random.IntN(25) {
	case 0:
		l.cents = 0
	case 1:
		l.quantity = -l.quantity
	}
	g.lines = append(g.lines, l)
	if g.random.IntN(12) == 0 {
		g.lines = append(g.lines, l)
	}
}

func (l generated) with(stock, text string, quantity, cents int) generated {
	l.stock, l.text, l.quantity, l.cents = stock, text, quantity, cents

	return l
}

// onlyLast drops all lines of an invoice but the last.
func (g *generator) onlyLast(invoice string) []generated {
	last := len(g.lines) - 1
	first := last
	for first > 0 && g.lines[first-1].invoice == invoice {
		first--
	}

	return append(g.lines[:first], g.lines[last])
}

// split puts a line of an early invoice behind all others.
func (g *generator) split() {
	g.lines = append(g.lines, g.lines[0].with("21730", "GLASS STAR FROSTED", 6, 425))
}

// write writes the lines in the partner's format.
func (g *generator) write(dir string, p partner) error {
	path := filepath.Join(dir, p.file)
	file, err := os.Create(path + ".tmp")
	if err != nil {
		return fmt.Errorf("write generated data: %w", err)
	}
	_, err = file.WriteString("\uFEFF")
	w := csv.NewWriter(file)
	w.Comma, w.UseCRLF = rune(p.format.Delimiter), true
	err = errors.Join(err, w.Write(strings.Fields(
		"InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country")))
	for _, l := range g.lines {
		if l.only == "" || l.only == p.name {
			err = errors.Join(err, w.Write(l.fields(p)))
		}
	}
	w.Flush()
	if err = errors.Join(err, w.Error(), file.Close()); err != nil {
		return fmt.Errorf("write generated data: %w", err)
	}

	return os.Rename(path+".tmp", path)
}

func (l generated) fields(p partner) []string {
	quantity, price, date := fmt.Sprint(l.quantity), fmt.Sprintf("%d.%02d", l.cents/100, l.cents%100), l.when.Format("2/1/2006")
	price = strings.TrimSuffix(strings.TrimRight(price, "0"), ".")
	if p.format.DecimalComma {
		price, date = strings.ReplaceAll(price, ".", ","), l.when.Format("2/1/2006 15:04")
	}
	if l.torn && p.name == "a" {
		quantity += " pcs"
	}

	return []string{l.invoice, l.stock, l.text, quantity, date, price, l.customer, l.country}
}
