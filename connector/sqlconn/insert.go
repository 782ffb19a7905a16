package sqlconn

import (
	"slices"
	"strings"
)

// OnConflict is what a Table does with a row whose key exists already.
type OnConflict uint8

const (
	// Refuse fails the row. It is the default.
	Refuse OnConflict = iota
	// Update overwrites the columns of the existing row.
	Update
	// Keep leaves the existing row as it is and counts the message as accepted.
	Keep
)

// inserter builds INSERT statements for one table; all names in it are quoted.
type inserter struct {
	dialect    Dialect
	table      string
	columns    []string
	key        []string
	onConflict OnConflict
}

// statement returns an INSERT of the given number of rows.
func (s inserter) statement(rows int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + s.table + " (" + strings.Join(s.columns, ", ") + ") VALUES ")
	parameter := 0
	for row := range rows {
		if row > 0 {
			b.WriteString(", ")
		}
		for column := range s.columns {
			b.WriteString(separator(column))
			parameter++
			b.WriteString(s.dialect.placeholder(parameter))
		}
		b.WriteByte(')')
	}
	b.WriteString(s.conflict())

	return b.String()
}

func separator(column int) string {
	if column == 0 {
		return "("
	}

	return ", "
}

// conflict returns the clause for rows whose key exists.
func (s inserter) conflict() string {
	switch {
	case s.onConflict == Refuse:
		return ""
	case s.dialect == MySQL:
		return " ON DUPLICATE KEY UPDATE " + s.assignments()
	case s.onConflict == Keep || len(s.others()) == 0:
		return " ON CONFLICT (" + strings.Join(s.key, ", ") + ") DO NOTHING"
	default:
		return " ON CONFLICT (" + strings.Join(s.key, ", ") + ") DO UPDATE SET " + s.assignments()
	}
}

// assignments returns what an existing row is set to. In MySQL, which has no DO NOTHING,
// setting a key column to itself changes nothing; INSERT IGNORE would also hide errors.
func (s inserter) assignments() string {
	columns := s.others()
	if s.dialect == MySQL && (s.onConflict == Keep || len(columns) == 0) {
		return s.key[0] + " = " + s.key[0]
	}
	sets := make([]string, len(columns))
	for i, column := range columns {
		sets[i] = column + " = " + s.proposed(column)
	}

	return strings.Join(sets, ", ")
}

// proposed is the value that the INSERT would have given to the column.
func (s inserter) proposed(column string) string {
	if s.dialect == MySQL {
		return "VALUES(" + column + ")"
	}

	return "excluded." + column
}

// others returns the columns that are not part of the key.
func (s inserter) others() []string {
	return slices.DeleteFunc(slices.Clone(s.columns), func(column string) bool {
		return slices.Contains(s.key, column)
	})
}
