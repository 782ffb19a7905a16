package flow

import (
	"context"
	"errors"

	"github.com/millrace-go/millrace/connector"
)

// push hands one value to a stage, which may read it until it returns and must not change
// it: a stage that keeps the value copies it. It returns nil when the stage has finished with the
// message and its outcome is in the item, errHeld when a stage keeps the item and will
// call complete later, and any other error when the message failed. The caller of the
// outermost push passes everything but errHeld to complete, so that each item is
// completed exactly once.
type push[T any] func(ctx context.Context, it *item, value *T) error

// errHeld is compared by identity and never leaves the package.
var errHeld = errors.New("flow: the stage keeps the message")

// item is one message in flight. One goroutine at a time owns it; handing it to another
// goes through a channel or a mutex.
type item struct {
	// meta is what the next stage sees; origin is what the source set.
	meta, origin *connector.Meta
	owner        owner
	frame        frame
	// cause is why the message was dead-lettered, dropped or returned.
	cause error
	// path is where the message has been, if it is recorded.
	path *path
	// number counts the messages of a source in the order of Read.
	number int64
	// outcome is what the message came to so far.
	outcome connector.Outcome
	done    bool
}

// owner learns how its items ended: the intake of a source, the parent of a split, the
// members of a batch. It may be called from any goroutine.
type owner interface {
	finished(it *item, err error)
}

// frame intercepts the completion of an item, innermost first. unwind restores
// item.frame to the frame outside it, and returns the error that is left and whether
// the frame took the item over to complete it later.
type frame interface {
	unwind(it *item, err error) (left error, suspended bool)
}

// complete is the only way in which an item ends (invariant 1), but for the plain items of a
// tab: it runs the frames that the item has passed and tells its owner.
func (it *item) complete(err error) {
	for it.frame != nil {
		var suspended bool
		if err, suspended = it.frame.unwind(it, err); suspended {
			return
		}
	}
	if it.done {
		panic("flow: internal error: message " + it.meta.ID() + " completed twice")
	}
	it.done = true
	switch {
	case err != nil:
		it.outcome, it.cause = connector.Returned, err
	case it.outcome == connector.Pending:
		it.outcome, it.cause = connector.Returned, errNoOutcome
	}
	if it.path != nil {
		it.path.ended(it.outcome, it.cause)
	}
	it.owner.finished(it, it.returned())
}

// plain reports whether complete(nil) would do nothing but tell the owner of the outcome.
func (it *item) plain() bool {
	return it.frame == nil && it.path == nil && it.cause == nil && it.outcome != connector.Pending && !it.done
}

// returned is the cause of a message that goes back to where it came from, else nil.
func (it *item) returned() error {
	if it.outcome == connector.Returned {
		return it.cause
	}

	return nil
}

// absorb adds the outcome of one of the item's parts.
func (it *item) absorb(outcome connector.Outcome, cause error) {
	if outcome > it.outcome {
		it.outcome, it.cause = outcome, cause
	}
}

var errNoOutcome = errors.New("flow: internal error: a stage ended the message without an outcome")
