package flow

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/millrace-go/millrace/connector"
)

// fan owns the parts of one message: the branches of a broadcast, the parts of a split.
// The parent ends when every part has ended, with the most severe of their outcomes
// (invariant 4).
type fan struct {
	tally  *tally
	parent *item
	// open counts the parts in flight, and one for the stage that is still making them.
	open atomic.Int32

	mu      sync.Mutex
	outcome connector.Outcome
	cause   error
	failed  []error
}

func newFan(tally *tally, parent *item) *fan {
	f := &fan{tally: tally, parent: parent}
	f.open.Store(1)

	return f
}

// part returns a new item whose completion the fan waits for.
func (f *fan) part(meta *connector.Meta) *item {
	f.open.Add(1)
	f.tally.enter(1)

	return &item{meta: meta, owner: f, path: f.parent.path.fork()}
}

// nth returns a new item for the n-th part of a split.
func (f *fan) nth(n int) *item { return f.part(f.parent.meta.Part(n)) }

func (f *fan) finished(it *item, err error) {
	f.tally.leave(it.outcome)
	f.mu.Lock()
	switch {
	case err != nil:
		f.failed = append(f.failed, err)
	case it.outcome > f.outcome:
		f.outcome, f.cause = it.outcome, it.cause
	}
	f.mu.Unlock()
	if f.open.Add(-1) == 0 {
		f.parent.complete(f.result())
	}
}

// close says that no further part will come. It returns what the push of the stage
// returns for the parent. The given error is the stage's own failure, if any.
func (f *fan) close(err error) error {
	if err != nil {
		f.mu.Lock()
		f.failed = append(f.failed, err)
		f.mu.Unlock()
	}
	if f.open.Add(-1) > 0 {
		return errHeld
	}

	return f.result()
}

// result runs when no part is in flight any more.
func (f *fan) result() error { return f.parent.ofParts(f.outcome, f.cause, f.failed) }

// ofParts gives the item the worst outcome of its parts, and returns what failed of them.
func (it *item) ofParts(outcome connector.Outcome, cause error, failed []error) error {
	it.absorb(outcome, cause)
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return failed[0]
	default:
		return &PartsError{Parts: failed}
	}
}

// leave runs as the stage that makes the parts returns. If it does not return, because a user
// function has ended its goroutine, the message fails once the parts that there are have
// ended.
func leave(l *lane, parent *item, end func(error) error, returned *bool) {
	if *returned {
		return
	}
	l.exits()                                                      // the message ends here, and not with the push that is around this one
	if err := end(l.panicked(parent, errGoexit)); err != errHeld { //nolint:errorlint // a sentinel that is never wrapped
		parent.complete(err)
	}
}

// group owns one message that was made of several: the result of a batch or a window.
// Its members end with it.
type group struct {
	tally   *tally
	members []*item
}

func newGroup(tally *tally, members []*item, meta *connector.Meta) *item {
	tally.enter(1)
	made := &struct {
		item
		group
	}{group: group{tally: tally, members: members}}
	made.item = item{meta: meta, owner: &made.group, path: forkOf(members)}

	return &made.item
}

func (g *group) finished(it *item, err error) {
	g.tally.leave(it.outcome)
	for _, m := range g.members {
		m.absorb(it.outcome, it.cause)
	}
	if b := plain(g.members); b != nil && err == nil {
		b.finishedAll(g.members)

		return
	}
	for _, m := range g.members {
		m.complete(err)
	}
}

// plain returns the book of the items, if they have one in common and nothing between them
// and it.
func plain(items []*item) *book {
	b, _ := items[0].owner.(*book)
	for _, it := range items {
		if it.owner != owner(b) || it.frame != nil || it.path != nil || it.done || it.outcome == connector.Pending {
			return nil
		}
	}

	return b
}

// launch runs one item through a chain and completes it unless a stage keeps it. A panic
// in the chain fails the item (invariant 11).
func launch[T any](ctx context.Context, l *lane, next push[T], it *item, value *T) {
	pushed(l, it, func() error { return next(ctx, it, value) })
}

// pushed is launch for the chain that push enters.
func pushed(l *lane, it *item, push func() error) {
	if err := guarded(l, it, push); err != errHeld { //nolint:errorlint // a sentinel that is never wrapped
		it.complete(err)
	}
}

func guarded(l *lane, it *item, push func() error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if r := recover(); r != nil {
			err = l.panicked(it, r)

			return
		}
		if l.exits() {
			// The goroutine ends here, so nobody else will complete the item.
			it.complete(l.panicked(it, errGoexit))
		}
	}()
	err = push()
	returned = true

	return err
}
