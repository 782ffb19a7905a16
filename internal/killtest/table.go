package killtest

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

// GradeTable is the table of what pairs claim: a row for each source, a column for each
// sink.
func GradeTable(t testing.TB, pairs []Pair) string {
	t.Helper()
	var rows, columns []string
	grades := make(map[[2]string]connector.Grade)
	for _, p := range pairs {
		if !slices.Contains(rows, p.From.Name) {
			rows = append(rows, p.From.Name)
		}
		if !slices.Contains(columns, p.Into.Name) {
			columns = append(columns, p.Into.Name)
		}
		grades[[2]string{p.From.Name, p.Into.Name}] = p.Grade(t)
	}
	table := [][]string{append([]string{"from, to"}, columns...)}
	for _, row := range rows {
		cells := []string{row}
		for _, column := range columns {
			cells = append(cells, grades[[2]string{row, column}].String())
		}
		table = append(table, cells)
	}

	return Markdown(table)
}

// Markdown writes a table whose first row is its head.
func Markdown(rows [][]string) string {
	var text strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&text, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			text.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}

	return text.String()
}

// Block compares what stands in the file between the two markers of the name with text, or
// writes it there.
func Block(t testing.TB, path, name, text string, update bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+": written by make table -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := bytes.Cut(data, []byte(begin))
	old, after, closed := bytes.Cut(rest, []byte(end))
	switch {
	case !ok || !closed:
		t.Fatalf("%s has no %q with %q behind it", path, begin, end)
	case string(old) == text:
	case !update:
		t.Errorf("%s is not up to date between the markers of %s: run make table", path, name)
	default:
		data = slices.Concat(before, []byte(begin), []byte(text), []byte(end), after)
		if err := os.WriteFile(path, data, 0o600); err != nil { //nolint:gosec // the path is that of the README
			t.Fatal(err)
		}
	}
}
