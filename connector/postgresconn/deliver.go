package postgresconn

import (
	"context"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlstate"
)

const unknownRow = -1

// failure is why an attempt to write ended without a commit, or with a doubtful one.
type failure struct {
	fault sqlstate.Fault
	// row is the one that the database names as the cause, or unknownRow.
	row int
	// unsaved says that no savepoint could save the other rows: the database refused
	// them at the commit.
	unsaved bool
	// stale says that the table may have changed since the sink looked at it.
	stale bool
	err   error
}

// isolates reports whether one row may be to blame.
func (f *failure) isolates() bool {
	return f != nil && (f.fault == sqlstate.BadRow || f.fault == sqlstate.Unnamed)
}

// deliver writes rows, sets the fate of each, and reports whether it makes sense to go
// on with others.
func (c *Copy[T]) deliver(
	ctx context.Context, messages []connector.Message[T], members []connector.Member,
) bool {
	failed := c.attempt(ctx, messages, members, (*transaction[T]).together)
	if failed != nil && failed.stale {
		c.layout.Store(nil)
		clear(members)
		failed = c.attempt(ctx, messages, members, (*transaction[T]).together)
	}
	if failed.isolates() && !failed.unsaved && len(messages) > 1 {
		hint := failed
		failed = c.attempt(ctx, messages, members, func(w *transaction[T], ctx context.Context) *failure {
			return w.isolate(ctx, hint)
		})
	}
	switch {
	case failed == nil:
		acceptRest(members)

		return true
	case failed.unsaved && failed.fault == sqlstate.BadRow && len(messages) > 1:
		return c.deliverHalves(ctx, messages, members)
	default:
		failAll(members, failed)

		return failed.fault == sqlstate.BadRow
	}
}

func (c *Copy[T]) deliverHalves(
	ctx context.Context, messages []connector.Message[T], members []connector.Member,
) bool {
	clear(members)
	half := len(messages) / 2
	if c.deliver(ctx, messages[:half], members[:half]) {
		return c.deliver(ctx, messages[half:], members[half:])
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

// failAll gives every row the fate of the whole. What a doubtful commit had left out is
// not in doubt.
func failAll(members []connector.Member, failed *failure) {
	if connector.ClassOf(failed.err) != connector.ClassAmbiguous {
		for i := range members {
			members[i] = connector.Member{Fate: connector.Failed, Err: failed.err}
		}

		return
	}
	for i := range members {
		if members[i].Fate == connector.NotAttempted {
			members[i] = connector.Member{Fate: connector.Unclear, Err: failed.err}
		}
	}
}
