package postgresconn

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/checkpoint"
)

// errNoPosition is for messages that no checkpoint can tell apart.
var errNoPosition = errors.New("the message has no position, so the checkpoint cannot mark it")

// deliverOnce leaves out what an earlier run has written, and delivers the rest.
func (c *Copy[T]) deliverOnce(
	ctx context.Context, messages []connector.Message[T], members []connector.Member,
) {
	if c.config.Checkpoint.book.Doubtful() {
		if _, err := c.config.Checkpoint.Begin(ctx); err != nil {
			failAll(members, c.fail(messages, "look for marks", err))

			return
		}
	}
	var rest []connector.Message[T]
	var at []int
	for i, m := range messages {
		switch {
		case m.Position().IsZero():
			err := fmt.Errorf("postgresconn: copy %s: %s: %w", c.config.Table, label(messages[i:i+1]), errNoPosition)
			members[i] = connector.Member{Fate: connector.Failed, Err: connector.Permanent(err)}
		case c.config.Checkpoint.book.Written(m.Meta):
			members[i] = connector.Member{Fate: connector.Accepted}
		default:
			rest, at = append(rest, m), append(at, i)
		}
	}
	if len(rest) == 0 {
		return
	}
	fates := make([]connector.Member, len(rest))
	c.deliver(ctx, rest, fates)
	for i, fate := range fates {
		members[at[i]] = fate
	}
}

// hold keeps the checkpoint for the transaction.
func (w *transaction[T]) hold(ctx context.Context) error {
	if w.copy.config.Checkpoint == nil {
		return nil
	}

	return w.copy.config.Checkpoint.book.Hold(ctx, transactionOf{w.tx})
}

// mark records the rows that go with the commit.
func (w *transaction[T]) mark(ctx context.Context) *failure {
	if w.copy.config.Checkpoint == nil {
		return nil
	}
	var written []checkpoint.Identity
	for i, m := range w.stream.messages {
		if w.stream.members[i].Err == nil {
			written = append(written, checkpoint.IdentityOf(m.Meta))
		}
	}
	if err := w.copy.config.Checkpoint.book.Mark(ctx, transactionOf{w.tx}, written); err != nil {
		return w.copy.fail(w.stream.messages, "checkpoint", err)
	}

	return nil
}
