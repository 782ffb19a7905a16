package sqlconn

import (
	"context"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// failure is why an attempt to write ended without a commit, or with a doubtful one.
type failure struct {
	fault fault
	// unsaved says that no savepoint could save the other rows: the database refused
	// them at the commit, or gave up the whole transaction for one row.
	unsaved bool
	err     error
}

// isolates reports whether one row may be to blame. An error without a known code counts:
// if the connection were broken, the savepoint that comes next would say so.
func (f *failure) isolates() bool {
	return f != nil && (f.fault == badRow || f.fault == unnamed)
}

// deliver writes rows, sets the fate of each, and reports whether it makes sense to go
// on with others.
func (t *Table[T]) deliver(
	ctx context.Context, rows []connector.Message[T], members []connector.Member,
) bool {
	failed := t.attempt(ctx, rows, members, (*transaction[T]).together)
	if failed.isolates() && !failed.unsaved && len(rows) > 1 {
		failed = t.attempt(ctx, rows, members, (*transaction[T]).halves)
	}
	switch {
	case failed == nil:
		acceptRest(members)

		return true
	case failed.unsaved && failed.fault == badRow && len(rows) > 1:
		return t.deliverHalves(ctx, rows, members)
	default:
		failAll(members, failed)

		return failed.fault == badRow
	}
}

func (t *Table[T]) deliverHalves(
	ctx context.Context, rows []connector.Message[T], members []connector.Member,
) bool {
	clear(members)
	half := len(rows) / 2
	if t.deliver(ctx, rows[:half], members[:half]) {
		return t.deliver(ctx, rows[half:], members[half:])
	}
	cause := members[half-1].Err
	for i := half; i < len(members); i++ {
		members[i].Err = connector.Transient(fmt.Errorf("not attempted after: %w", cause))
	}

	return false
}

// acceptRest marks the members that the transaction did not mark as failed.
func acceptRest(members []connector.Member) {
	for i := range members {
		if members[i].Err == nil {
			members[i].Fate = connector.Accepted
		}
	}
}

func failAll(members []connector.Member, failed *failure) {
	fate := connector.Failed
	if failed.unsaved && connector.ClassOf(failed.err) == connector.ClassAmbiguous {
		fate = connector.Unclear
	}
	for i := range members {
		members[i] = connector.Member{Fate: fate, Err: failed.err}
	}
}
