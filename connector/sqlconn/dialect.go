package sqlconn

import (
	"fmt"
	"strconv"

	"github.com/millrace-go/millrace/internal/sqlnames"
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

// longestName is the most bytes of a name in MySQL, and here in SQLite, which has no limit.
const longestName = 64

// placeholder returns the n-th bound value, counted from 1.
func (d Dialect) placeholder(n int) string {
	if d == PostgreSQL {
		return "$" + strconv.Itoa(n)
	}

	return "?"
}

// quote returns name as a quoted identifier. A name is one to 63 or 64 bytes of letters,
// digits, underscores, hyphens, spaces and dollar signs.
func (d Dialect) quote(name string) (string, error) { return d.rules().Quote(name) }

// quotePath quotes a table name with up to two qualifiers: schema.table.
func (d Dialect) quotePath(path string) (string, error) { return d.rules().QuotePath(path) }

func (d Dialect) rules() sqlnames.Rules {
	switch d {
	case PostgreSQL:
		return sqlnames.PostgreSQL
	case MySQL:
		return sqlnames.Rules{Product: d.String(), Mark: "`", Longest: longestName}
	case SQLite:
	}

	return sqlnames.Rules{Product: d.String(), Mark: `"`, Longest: longestName}
}
