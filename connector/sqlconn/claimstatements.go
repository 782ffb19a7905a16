package sqlconn

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// claimStatements builds the SQL of a table of work. Numbers of ours are written into the
// text, so that the only bound values are those of the user's condition.
type claimStatements struct {
	dialect            Dialect
	table, key         string
	columns, qualified string
	due                string
	lease              time.Duration
	keep               bool
}

func (c ClaimsConfig) statements(fields []field) (claimStatements, error) {
	s := claimStatements{dialect: c.Dialect, lease: c.Lease, keep: c.Keep}
	var errs [3]error
	s.table, errs[0] = c.Dialect.quotePath(c.Table)
	s.key, errs[1] = c.Dialect.quote(c.Key)
	s.columns, errs[2] = quoteAll(c.Dialect, fields)
	s.qualified = "w." + strings.ReplaceAll(s.columns, ", ", ", w.")
	s.due = untilColumn + " <= " + c.Dialect.now()
	if c.Where != "" {
		s.due += " AND (" + c.Where + ")"
	}

	return s, errors.Join(errs[:]...)
}

// pick selects the rows that are due.
func (s claimStatements) pick(columns string, limit int) string {
	lock := ""
	if s.dialect != SQLite {
		lock = " FOR UPDATE SKIP LOCKED"
	}

	return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d%s", columns, s.table, s.due, s.key, limit, lock)
}

// take claims rows and yields them with their attempt, in one statement. MySQL has none.
func (s claimStatements) take(token int64, limit int) string {
	if s.dialect == PostgreSQL {
		return "WITH picked AS MATERIALIZED (" + s.pick(s.key, limit) + ") UPDATE " + s.table + " AS w SET " + s.claim(token, "w.") +
			" FROM picked WHERE w." + s.key + " = picked." + s.key + " RETURNING " + s.qualified + ", w." + attemptColumn
	}

	return "UPDATE " + s.table + " SET " + s.claim(token, "") + " WHERE " + s.key + " IN (" + s.pick(s.key, limit) +
		") RETURNING " + s.columns + ", " + attemptColumn
}

func (s claimStatements) claim(token int64, table string) string {
	return fmt.Sprintf("%s = %d, %s = %s, %s = %s%s + 1",
		tokenColumn, token, untilColumn, s.in(s.lease), attemptColumn, table, attemptColumn)
}

// in is the database's time after a while.
func (s claimStatements) in(d time.Duration) string {
	return fmt.Sprintf("%s + %d", s.dialect.now(), d.Milliseconds())
}

// these are the rows with the keys that are still ours.
func (s claimStatements) these(token int64, keys []int64) string {
	return fmt.Sprintf(" WHERE %s IN (%s) AND %s = %d", s.key, joinInts(keys), tokenColumn, token)
}

func (s claimStatements) mark(token int64, keys []int64) string {
	return "UPDATE " + s.table + " SET " + s.claim(token, "") + " WHERE " + s.key + " IN (" + joinInts(keys) + ")"
}

func (s claimStatements) extend(token int64, keys []int64) string {
	return "UPDATE " + s.table + " SET " + untilColumn + " = " + s.in(s.lease) + s.these(token, keys)
}

func (s claimStatements) done(token int64, keys []int64) string {
	if s.keep {
		return fmt.Sprintf("UPDATE %s SET %s = 0, %s = %d", s.table, tokenColumn, untilColumn, int64(math.MaxInt64)) + s.these(token, keys)
	}

	return "DELETE FROM " + s.table + s.these(token, keys)
}

// giveBack has rows come again after a while. One that was not tried does not count.
func (s claimStatements) giveBack(token int64, keys []int64, delay time.Duration, tried bool) string {
	counted := ""
	if !tried {
		counted = ", " + attemptColumn + " = " + attemptColumn + " - 1"
	}

	return "UPDATE " + s.table + " SET " + tokenColumn + " = 0, " + untilColumn + " = " + s.in(delay) + counted + s.these(token, keys)
}
