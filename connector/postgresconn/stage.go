package postgresconn

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// numberColumn holds the place of a staged row in its Write.
const numberColumn = "millrace_row"

// stage has the rows go into a temporary table first. It carries the constraints of the
// table that look at one row alone, so that COPY names the line of a row that breaks one.
func (w *transaction[T]) stage(ctx context.Context) error {
	w.relation = stageName(w.copy.names)
	w.into, w.stream.numbered = "pg_temp."+w.relation, true
	w.columns = append(slices.Clone(w.columns), numberColumn)
	if w.tx.Conn().PgConn().CustomData()[w.relation] == any(w.stream.layout) {
		return nil
	}
	changes := []string{"ADD COLUMN " + numberColumn + " int4 NOT NULL"}
	for _, other := range w.stream.layout.others {
		changes = append(changes, "DROP COLUMN "+other)
	}
	for _, statement := range []string{
		"DROP TABLE IF EXISTS " + w.into,
		"CREATE TEMPORARY TABLE " + w.relation + " (LIKE " + w.copy.names.table + " INCLUDING CONSTRAINTS) ON COMMIT DELETE ROWS",
		"ALTER TABLE " + w.into + " " + strings.Join(changes, ", "),
	} {
		if _, err := w.tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}

	return nil
}

// stageName tells the staging tables of different sinks in one session apart.
func stageName(n names) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(n.table + " " + strings.Join(n.columns, ", "))) // it never fails

	return fmt.Sprintf("millrace_stage_%016x", hash.Sum64())
}

// merge moves the staged rows from at to end that have no fate yet into the table.
func (w *transaction[T]) merge(ctx context.Context, at, end int) *failure {
	if w.copy.config.OnConflict == Refuse {
		return nil
	}
	if _, err := w.tx.Exec(ctx, w.mergeStatement(), at, end); err != nil {
		return w.copy.fail(w.stream.messages[at:end], "merge", err)
	}

	return nil
}

// mergeStatement takes one row for each key. A NULL in a key makes every row one of its
// own, as it does in a unique constraint.
func (w *transaction[T]) mergeStatement() string {
	n, order, action := w.copy.names, "DESC", "DO NOTHING"
	if w.copy.config.OnConflict == Keep {
		order = "ASC"
	} else if sets := n.assignments(); len(sets) > 0 {
		action = "DO UPDATE SET " + strings.Join(sets, ", ")
	}
	columns, key := strings.Join(n.columns, ", "), strings.Join(n.key, ", ")
	distinct := key
	if w.stream.layout.nullKey {
		distinct += ", CASE WHEN " + strings.Join(n.key, " IS NULL OR ") + " IS NULL THEN " + numberColumn + " END"
	}

	return "INSERT INTO " + n.table + " (" + columns + ") SELECT DISTINCT ON (" + distinct + ") " + columns +
		" FROM " + w.into + " WHERE " + numberColumn + " >= $1 AND " + numberColumn + " < $2" +
		" ORDER BY " + distinct + ", " + numberColumn + " " + order + " ON CONFLICT (" + key + ") " + action
}

// assignments sets the columns that are not part of the key.
func (n names) assignments() []string {
	var sets []string
	for _, column := range n.columns {
		if !slices.Contains(n.key, column) {
			sets = append(sets, column+" = excluded."+column)
		}
	}

	return sets
}
