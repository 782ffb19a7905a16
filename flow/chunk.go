package flow

import (
	"context"

	"github.com/millrace-go/millrace/connector"
)

// chunk is what one Read returned, with an item for each message.
type chunk[T any] struct {
	messages []connector.Message[T]
	items    []item
}

// fill gives each message an item. first is the number of the first message.
func (c *chunk[T]) fill(messages []connector.Message[T], owner owner, first int64) {
	c.messages = messages
	c.items = make([]item, len(messages))
	for i := range messages {
		meta := messages[i].Meta
		c.items[i] = item{meta: meta, origin: meta, owner: owner, number: first + int64(i)}
	}
}

// refill uses the items again, all of which have been completed by the same owner.
func (c *chunk[T]) refill(messages []connector.Message[T], owner owner) {
	if len(messages) > cap(c.items) {
		c.fill(messages, owner, 0)

		return
	}
	c.messages = messages
	c.items = c.items[:len(messages)]
	for i := range messages {
		it := &c.items[i]
		it.meta, it.origin = messages[i].Meta, messages[i].Meta
		it.outcome, it.done = connector.Pending, false
		if it.cause != nil {
			it.cause = nil
		}
		if it.path != nil {
			it.path = nil
		}
	}
}

// run pushes every message and completes those that no stage keeps. A panic in a user
// function fails its message and goes on with the next. Messages whose turn comes after
// the end of ctx go back.
func (c *chunk[T]) run(ctx context.Context, l *lane, next push[T]) {
	for i := 0; i < len(c.messages); {
		i = c.runFrom(ctx, l, next, i)
	}
}

func (c *chunk[T]) runFrom(ctx context.Context, l *lane, next push[T], from int) (resume int) {
	i := from
	defer func() {
		if i == len(c.messages) {
			return
		}
		it := &c.items[i]
		if r := recover(); r != nil {
			it.complete(l.panicked(it, r))
		} else if l.exits() { // nothing but a Goexit leaves the loop without a panic
			it.complete(l.panicked(it, errGoexit))
		}
		resume = i + 1
	}()
	for ; i < len(c.messages); i++ {
		it := &c.items[i]
		if ctx.Err() != nil {
			it.complete(connector.ErrStopped)

			continue
		}
		if err := next(ctx, it, c.messages[i].Value); err != errHeld { //nolint:errorlint // a sentinel that is never wrapped
			it.complete(err)
		}
	}

	return len(c.messages)
}
