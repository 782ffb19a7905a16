package sqlconn

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"

	"github.com/millrace-go/millrace/connector"
)

// transaction is one attempt to write a batch.
type transaction[T any] struct {
	table      *Table[T]
	tx         *sql.Tx
	statements map[int]*sql.Stmt
	args       []any
}

// method is how an attempt puts its rows into the transaction.
type method[T any] func(
	w *transaction[T], ctx context.Context, rows []connector.Message[T], members []connector.Member,
) *failure

// attempt runs one transaction. Nothing was committed when it returns a failure, unless
// that is an ambiguous one of the commit.
func (t *Table[T]) attempt(
	ctx context.Context, rows []connector.Message[T], members []connector.Member, write method[T],
) *failure {
	if err := t.statements.prepareFor(ctx, len(rows), t.maxRows); err != nil {
		return t.fail(rows, err)
	}
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return t.failConnection("begin", err)
	}
	// After a commit this does nothing. Its own error changes nothing either: what was
	// not committed is not kept.
	defer func() { _ = tx.Rollback() }()
	if t.notes != nil {
		if err := t.notes.hold(ctx, tx); err != nil {
			return t.failConnection("notes", err)
		}
	}
	w := &transaction[T]{table: t, tx: tx, statements: map[int]*sql.Stmt{}}
	if failed := write(w, ctx, rows, members); failed != nil {
		return failed
	}
	if failed := t.note(ctx, tx, rows, members); failed != nil {
		return failed
	}
	if err := ctx.Err(); err != nil {
		return t.fail(rows, err)
	}
	if err := tx.Commit(); err != nil {
		err = fmt.Errorf("sqlconn: table %s: commit of %s: %w", t.name, label(rows), err)
		if t.notes != nil {
			t.notes.doubt()
		}

		return &failure{fault: faultOf(err), unsaved: true, err: classifyCommit(err)}
	}

	return nil
}

// together inserts all rows, or fails with all of them.
func (w *transaction[T]) together(
	ctx context.Context, rows []connector.Message[T], _ []connector.Member,
) *failure {
	if err := w.insert(ctx, rows); err != nil {
		return w.table.fail(rows, err)
	}

	return nil
}

// insert runs as few statements as the limits of the dialect allow.
func (w *transaction[T]) insert(ctx context.Context, rows []connector.Message[T]) error {
	for len(rows) > 0 {
		size := floorPower(min(len(rows), w.table.maxRows))
		stmt, err := w.statement(ctx, size) //nolint:sqlclosecheck // it closes with the transaction
		if err != nil {
			return err
		}
		w.bind(rows[:size])
		if _, err := stmt.ExecContext(ctx, w.args...); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		rows = rows[size:]
	}

	return nil
}

func (w *transaction[T]) statement(ctx context.Context, rows int) (*sql.Stmt, error) {
	if stmt := w.statements[rows]; stmt != nil {
		return stmt, nil
	}
	stmt, err := w.prepare(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	w.statements[rows] = stmt

	return stmt, nil
}

// prepare uses the shared statement. Where there is none, as for the parts of a batch
// that has bad rows, the statement lives as long as the transaction.
func (w *transaction[T]) prepare(ctx context.Context, rows int) (*sql.Stmt, error) {
	if shared := w.table.statements.lookup(rows); shared != nil {
		return w.tx.StmtContext(ctx, shared), nil
	}

	return w.tx.PrepareContext(ctx, w.table.statements.insert.statement(rows))
}

// bind lines up the values of the rows' columns.
func (w *transaction[T]) bind(rows []connector.Message[T]) {
	w.args = slices.Grow(w.args[:0], len(rows)*len(w.table.fields))
	for i := range rows {
		row := reflect.ValueOf(&rows[i].Value).Elem()
		for _, f := range w.table.fields {
			w.args = append(w.args, row.FieldByIndex(f.Index).Interface())
		}
	}
}

// fail describes an error met before the commit.
func (t *Table[T]) fail(rows []connector.Message[T], err error) *failure {
	err = fmt.Errorf("sqlconn: table %s: %s: %w", t.name, label(rows), err)

	return &failure{fault: faultOf(err), err: classify(err)}
}

// failConnection describes an error of a statement that no row has a part in.
func (t *Table[T]) failConnection(what string, err error) *failure {
	err = classify(fmt.Errorf("sqlconn: table %s: %s: %w", t.name, what, err))
	switch connector.ClassOf(err) {
	case connector.ClassPermanent:
		return &failure{fault: refused, err: err}
	case connector.ClassUnknown:
		err = connector.Transient(err)
	case connector.ClassTransient, connector.ClassThrottled, connector.ClassAmbiguous:
	}

	return &failure{fault: passing, err: err}
}

// label names the rows in errors.
func label[T any](rows []connector.Message[T]) string {
	switch id := rows[0].ID(); {
	case len(rows) > 1:
		return fmt.Sprintf("%d rows", len(rows))
	case id == "":
		return "1 row"
	default:
		return "row of message " + id
	}
}
