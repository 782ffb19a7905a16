package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// page is text for a person.
type page struct{ text strings.Builder }

func (p *page) linef(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

// more says that a table does not show all of its rows.
func (p *page) more(rows int) {
	if rows > mostShown {
		p.linef("  … and %d more", rows-mostShown)
	}
}

// table begins a table. The title stands where the first column has no head, or else above.
func (p *page) table(title string, heads ...string) *grid {
	p.linef("")
	if heads[0] == "" {
		return &grid{page: p, rows: [][]string{append([]string{title}, heads[1:]...)}, titled: true}
	}
	p.linef("%s", title)

	return &grid{page: p, rows: [][]string{heads}}
}

// grid is a table being filled. The first column begins at the left, the others end at
// the right.
type grid struct {
	page *page
	rows [][]string
	// titled says that the first head is the title of the table.
	titled bool
}

func (t *grid) row(cells ...string) { t.rows = append(t.rows, cells) }

const indent = "  "

// end writes the table. A row of one cell is a remark, as long as it likes.
func (t *grid) end() {
	widths := t.widths()
	for n, row := range t.rows {
		first := indent + row[0]
		if n == 0 && t.titled {
			first = row[0] + indent
		}
		for i, cell := range row[1:] {
			if i == 0 {
				first += pad(widths[0], row[0])
			}
			first += indent + pad(widths[i+1], cell) + cell
		}
		t.page.linef("%s", strings.TrimRight(first, " "))
	}
}

func (t *grid) widths() []int {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			if len(row) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}

	return widths
}

// pad is what a cell lacks to fill its column.
func pad(width int, cell string) string {
	return strings.Repeat(" ", max(width-utf8.RuneCountInString(cell), 0))
}
