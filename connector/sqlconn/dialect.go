package sqlconn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Dialect is the kind of SQL that a database speaks. The zero value is none of them.
type Dialect uint8

const (
	// SQLite is SQLite 3.32 or later.
	SQLite Dialect = iota + 1
	// PostgreSQL is any supported PostgreSQL.
	PostgreSQL
	// MySQL is MySQL and MariaDB.
	MySQL
)

var dialectNames = [...]string{SQLite: "SQLite", PostgreSQL: "PostgreSQL", MySQL: "MySQL"}

// String returns the product's name.
func (d Dialect) String() string {
	if d.known() {
		return dialectNames[d]
	}

	return fmt.Sprintf("dialect(%d)", uint8(d))
}

func (d Dialect) known() bool { return d >= SQLite && d <= MySQL }

// maxParameters is how many values one statement may bind.
func (d Dialect) maxParameters() int {
	if d == SQLite {
		return 32_766
	}

	return 65_535
}

// maxIdentifier is the most bytes of a name. PostgreSQL would cut a longer one silently.
func (d Dialect) maxIdentifier() int {
	if d == PostgreSQL {
		return 63
	}

	return 64
}

// placeholder returns the n-th bound value, counted from 1.
func (d Dialect) placeholder(n int) string {
	if d == PostgreSQL {
		return "$" + strconv.Itoa(n)
	}

	return "?"
}

// quote returns name as a quoted identifier. A name is one to 63 or 64 bytes of letters,
// digits, underscores, hyphens, spaces and dollar signs.
func (d Dialect) quote(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("an identifier is empty")
	case len(name) > d.maxIdentifier():
		return "", fmt.Errorf("identifier %.80q has %d bytes, more than the %d that %s allows",
			name, len(name), d.maxIdentifier(), d)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, forbidden):
		return "", fmt.Errorf("identifier %q: only letters, digits, '_', '-', '$' and spaces are allowed", name)
	case d == MySQL:
		return "`" + name + "`", nil
	default:
		return `"` + name + `"`, nil
	}
}

func forbidden(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-$ ", r)
}

// quotePath quotes a table name with up to two qualifiers: schema.table.
func (d Dialect) quotePath(path string) (string, error) {
	const mostParts = 3
	parts := strings.Split(path, ".")
	if len(parts) > mostParts {
		return "", fmt.Errorf("table %.80q has more than %d parts", path, mostParts)
	}
	for i, part := range parts {
		quoted, err := d.quote(part)
		if err != nil {
			return "", fmt.Errorf("table %.80q: %w", path, err)
		}
		parts[i] = quoted
	}

	return strings.Join(parts, "."), nil
}
