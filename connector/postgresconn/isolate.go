package postgresconn

import (
	"context"

	"github.com/millrace-go/millrace/connector"
)

// isolate writes the rows that the database accepts and marks the others as failed. The
// hint is the failure of the attempt to write them together.
func (w *transaction[T]) isolate(ctx context.Context, hint *failure) *failure {
	rows := len(w.stream.messages)
	end := rows
	if hint.row != unknownRow {
		w.blame(hint.row, hint.err)
		end = hint.row
	}
	if failed := w.sendApart(ctx, 0, end, rows); failed != nil {
		return failed
	}

	return w.mergeApart(ctx, 0, rows)
}

// sendApart copies the rows from at to all, those up to end first, because the row there
// is known to be bad. Each failure either marks a row or halves what is tried next.
func (w *transaction[T]) sendApart(ctx context.Context, at, end, all int) *failure {
	for at < all {
		failed := w.saved(ctx, func() *failure { return w.send(ctx, at, end) }, w.pending(at, end))
		switch {
		case failed == nil:
			at, end = end, all
		case !failed.isolates():
			return failed
		case failed.row != unknownRow:
			w.blame(failed.row, failed.err)
			end = failed.row
		case end-at == 1:
			w.blame(at, failed.err)
			at, end = end, all
		default:
			half := at + (end-at)/2
			if failed := w.sendApart(ctx, at, half, half); failed != nil {
				return failed
			}
			at = half
		}
	}

	return nil
}

// mergeApart merges the staged rows from at to end, halving where that fails.
func (w *transaction[T]) mergeApart(ctx context.Context, at, end int) *failure {
	failed := w.saved(ctx, func() *failure { return w.merge(ctx, at, end) }, w.pending(at, end))
	switch {
	case !failed.isolates():
		return failed
	case end-at == 1:
		w.blame(at, failed.err)

		return nil
	}
	half := at + (end-at)/2
	if failed := w.mergeApart(ctx, at, half); failed != nil {
		return failed
	}

	return w.mergeApart(ctx, half, end)
}

// saved does work that can be taken back without the rest of the transaction.
func (w *transaction[T]) saved(ctx context.Context, work func() *failure, needed bool) *failure {
	const savepoint = "SAVEPOINT millrace_rows"
	if !needed {
		return nil
	}
	if failed := w.run(ctx, savepoint); failed != nil {
		return failed
	}
	failed := work()
	if failed == nil {
		return w.run(ctx, "RELEASE "+savepoint)
	}
	if !failed.isolates() {
		return failed
	}
	if lost := w.run(ctx, "ROLLBACK TO "+savepoint, "RELEASE "+savepoint); lost != nil {
		return lost
	}

	return failed
}

// pending reports whether a row from at to end has no fate yet.
func (w *transaction[T]) pending(at, end int) bool {
	for _, member := range w.stream.members[at:end] {
		if member == (connector.Member{}) {
			return true
		}
	}

	return false
}

// blame marks the row as failed, with the database's cause.
func (w *transaction[T]) blame(row int, err error) {
	w.stream.members[row] = connector.Member{Fate: connector.Failed, Err: w.describe(row, err)}
}
