package sqlconn

import (
	"context"

	"github.com/millrace-go/millrace/connector"
)

// halves inserts each half of the rows apart.
func (w *transaction[T]) halves(
	ctx context.Context, rows []connector.Message[T], members []connector.Member,
) *failure {
	half := len(rows) / 2
	if failed := w.apart(ctx, rows[:half], members[:half]); failed != nil {
		return failed
	}

	return w.apart(ctx, rows[half:], members[half:])
}

// apart inserts the rows that the database accepts and marks the others as failed. A
// savepoint keeps the transaction alive when a statement fails.
func (w *transaction[T]) apart(
	ctx context.Context, rows []connector.Message[T], members []connector.Member,
) *failure {
	const savepoint = "SAVEPOINT millrace_rows"
	if failed := w.run(ctx, savepoint); failed != nil {
		return failed
	}
	failed := w.together(ctx, rows, members)
	if failed == nil {
		return w.run(ctx, "RELEASE "+savepoint)
	}
	if !failed.isolates() {
		return failed
	}
	if lost := w.run(ctx, "ROLLBACK TO "+savepoint, "RELEASE "+savepoint); lost != nil {
		return lostSavepoint(lost, failed)
	}
	if len(rows) == 1 {
		members[0] = connector.Member{Fate: connector.Failed, Err: failed.err}

		return nil
	}

	return w.halves(ctx, rows, members)
}

func (w *transaction[T]) run(ctx context.Context, statements ...string) *failure {
	for _, statement := range statements {
		if _, err := w.tx.ExecContext(ctx, statement); err != nil {
			return w.table.failConnection(statement, err)
		}
	}

	return nil
}

// lostSavepoint tells a broken connection from a database that dropped the transaction,
// and the savepoint with it, because of the row.
func lostSavepoint(lost, row *failure) *failure {
	if lost.fault != refused {
		return lost
	}

	return &failure{fault: badRow, unsaved: true, err: row.err}
}
