package flow

import (
	"context"

	"github.com/millrace-go/millrace/connector"
)

// chunk is what one Read returned. Each message has an item of its own, or, where no stage
// keeps one, they have that of the tab in turn.
type chunk[T any] struct {
	messages []connector.Message[T]
	items    []item
	tab      *tab
	// begin, where set, sees each item of the tab before its turn.
	begin func(it *item, value *T)
	// at is the message whose turn it is.
	at int
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

// refill takes the next messages, when those before have been settled.
func (c *chunk[T]) refill(messages []connector.Message[T]) {
	c.messages = messages
	settlements := c.tab.open(len(messages))
	for i := range messages {
		// The slice is used again and again: everything that may be left in it is written.
		s := &settlements[i]
		s.Position, s.Cause, s.Delay = messages[i].Position(), nil, 0
	}
}

// turn returns the item of the i-th message, whose turn it is.
func (c *chunk[T]) turn(i int) *item {
	c.at = i
	if c.tab == nil {
		return &c.items[i]
	}
	it := c.tab.turn(c.messages[i].Meta)
	if c.begin != nil {
		c.begin(it, &c.messages[i].Value)
	}

	return it
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
	var it *item
	defer func() {
		if resume == len(c.messages) {
			return
		}
		if r := recover(); r != nil {
			it.complete(l.panicked(it, r))
		} else if l.exits() { // nothing but a Goexit leaves the loop without a panic
			it.complete(l.panicked(it, errGoexit))
		}
		resume = c.at + 1
	}()
	aborted := &l.run.aborted
	for i := from; i < len(c.messages); i++ {
		it = c.turn(i)
		if aborted.Load() {
			it.complete(connector.ErrStopped)

			continue
		}
		err := next(ctx, it, &c.messages[i].Value)
		switch {
		case err == nil && c.tab != nil && it.plain():
			c.tab.end()
		case err != errHeld: //nolint:errorlint // a sentinel that is never wrapped
			it.complete(err)
		}
	}

	return len(c.messages)
}
