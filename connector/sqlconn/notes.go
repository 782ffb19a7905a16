package sqlconn

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// notes are what a Write records of its messages in the transaction of their rows, so that
// no message has its row twice.
type notes interface {
	// written tells which messages have their row already.
	written(ctx context.Context, metas []*connector.Meta) ([]bool, error)
	// check tells why a message cannot be noted; nil when it can.
	check(meta *connector.Meta) error
	// hold comes first in the transaction.
	hold(ctx context.Context, tx *sql.Tx) error
	// mark comes last in it.
	mark(ctx context.Context, tx *sql.Tx, metas []*connector.Meta) error
	// doubt says that a commit may have happened.
	doubt()
}

// deliverOnce leaves out the messages that were written before, and delivers the rest.
func (t *Table[T]) deliverOnce(
	ctx context.Context, messages []connector.Message[T], members []connector.Member,
) {
	before, err := t.notes.written(ctx, metasOf(messages))
	if err != nil {
		failAll(members, t.failConnection("look for notes", err))

		return
	}
	var rest []connector.Message[T]
	var at []int
	for i, m := range messages {
		switch err := t.notes.check(m.Meta); {
		case err != nil:
			err = fmt.Errorf("sqlconn: table %s: %s: %w", t.name, label(messages[i:i+1]), err)
			members[i] = connector.Member{Fate: connector.Failed, Err: connector.Permanent(err)}
		case before[i]:
			members[i] = connector.Member{Fate: connector.Accepted}
		default:
			rest, at = append(rest, m), append(at, i)
		}
	}
	if len(rest) == 0 {
		return
	}
	fates := make([]connector.Member, len(rest))
	t.deliver(ctx, rest, fates)
	for i, fate := range fates {
		members[at[i]] = fate
	}
}

// note records the rows that go with the commit.
func (t *Table[T]) note(
	ctx context.Context, tx *sql.Tx, rows []connector.Message[T], members []connector.Member,
) *failure {
	if t.notes == nil {
		return nil
	}
	var metas []*connector.Meta
	for i, m := range rows {
		if members[i].Err == nil {
			metas = append(metas, m.Meta)
		}
	}
	err := t.notes.mark(ctx, tx, metas)
	switch {
	case err == nil:
		return nil
	case faultOf(err) == badRow: // another writer was faster with the same message
		err = connector.Transient(fmt.Errorf("sqlconn: table %s: notes of %s: %w", t.name, label(rows), err))

		return &failure{fault: undone, err: err}
	default:
		return t.failConnection("notes of "+label(rows), err)
	}
}

func metasOf[T any](messages []connector.Message[T]) []*connector.Meta {
	metas := make([]*connector.Meta, len(messages))
	for i, m := range messages {
		metas[i] = m.Meta
	}

	return metas
}
