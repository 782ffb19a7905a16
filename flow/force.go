package flow

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Force completes open groups of an Aggregate now, whatever its Completion waits for: at
// the close of business, or because an operator asks. Hand it to the flow with
// [Keyed.ForcedBy]; the groups end with the reason [Forced].
//
// The zero Force is ready to use and must not be copied. Its methods may be called from
// any goroutine, functions of the flow included. They ask and do not wait: a group is
// completed with the messages that have reached the Aggregate when it takes the request up.
type Force[Key comparable] struct {
	mu    sync.Mutex
	boxes []*mailbox[forced[Key]]
}

// forced is a request to complete one group, or all.
type forced[Key comparable] struct {
	key Key
	all bool
}

// forcedAhead is how many requests may wait for an Aggregate to take them up.
const forcedAhead = 1024

var (
	// ErrNotListening says that no Aggregate that the Force was given to is running.
	ErrNotListening = errors.New("flow: no running Aggregate listens to this Force")
	// ErrForceBusy says that more requests wait than an Aggregate may have before it.
	ErrForceBusy = errors.New("flow: 1024 requests of this Force wait already: ask again later, or for all groups")
)

// Complete asks for the group of the key; where none is open, nothing happens. The error
// is ErrNotListening or ErrForceBusy.
func (f *Force[Key]) Complete(key Key) error { return f.ask(forced[Key]{key: key}) }

// CompleteAll asks for all groups that are open. The error is ErrNotListening or
// ErrForceBusy.
func (f *Force[Key]) CompleteAll() error { return f.ask(forced[Key]{all: true}) }

func (f *Force[Key]) ask(request forced[Key]) error {
	f.mu.Lock()
	boxes := slices.Clone(f.boxes)
	f.mu.Unlock()
	if len(boxes) == 0 {
		return ErrNotListening
	}
	busy := false
	for _, box := range boxes {
		_, full := box.offer(request, false)
		busy = busy || full
	}
	if busy {
		return ErrForceBusy
	}

	return nil
}

// listen passes the requests to an Aggregate on the lane that is being wired. The function
// that it returns ends that; it is run on the lane.
func (f *Force[Key]) listen(w *wiring, one func(context.Context, Key), all func(context.Context)) func() {
	if f == nil {
		return func() {}
	}
	box := newMailbox[forced[Key]](w.lane, forcedAhead, 0)
	w.lane.polls = append(w.lane.polls, func(ctx context.Context) bool {
		requests := box.take()
		for _, r := range requests {
			if r.all {
				all(ctx)
			} else {
				one(ctx, r.key)
			}
		}

		return len(requests) > 0
	})
	w.run.starts = append(w.run.starts, func() { f.join(box) })
	w.run.enders = append(w.run.enders, func(bool) { f.leave(box) })

	return func() {
		f.leave(box)
		box.take()
	}
}

func (f *Force[Key]) join(box *mailbox[forced[Key]]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boxes = append(f.boxes, box)
}

func (f *Force[Key]) leave(box *mailbox[forced[Key]]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boxes = slices.DeleteFunc(slices.Clone(f.boxes), func(b *mailbox[forced[Key]]) bool { return b == box })
}
