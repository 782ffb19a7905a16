package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-go/millrace/connector"
)

const (
	inboxTable = "millrace_inbox"
	// mostID is the most bytes of the ID of a message in an inbox.
	mostID = 512
	// idsTogether is how many IDs go into one statement.
	idsTogether = 200
)

// InboxConfig says where an [Inbox] is kept.
type InboxConfig struct {
	// DB is the database; required. It must be that of the sink.
	DB *sql.DB
	// Dialect is the kind of SQL; required.
	Dialect Dialect
	// Name tells inboxes of one database apart; required, 128 bytes at most.
	Name string
}

// Inbox remembers the IDs of messages in the transaction of their rows. A [Table] that is
// given one accepts a message whose ID is known without writing it again, so that what a
// queue delivers twice has its row once. Make one with [NewInbox].
//
// The ID must be that of the message across redeliveries, and 512 bytes at most. IDs are
// kept until [Inbox.Prune] removes them, in the table millrace_inbox, which is made where
// it is missing. Where the source keeps its order and its positions, a [Checkpoint] does
// the same at less cost.
//
// An Inbox is safe for concurrent use, by several processes too.
type Inbox struct {
	config InboxConfig
}

// NewInbox returns an inbox, or all errors of the configuration. It does not touch the
// database.
func NewInbox(config InboxConfig) (*Inbox, error) {
	err := errors.Join(checkDB("InboxConfig", config.DB, config.Dialect), checkName("InboxConfig", config.Name))
	if err != nil {
		return nil, fmt.Errorf("sqlconn: inbox %.80q: %w", config.Name, err)
	}

	return &Inbox{config: config}, nil
}

// Prune removes the IDs of messages that were written longer ago than age, and tells how
// many they were. A message that comes again after that is written again.
func (b *Inbox) Prune(ctx context.Context, age time.Duration) (int64, error) {
	var removed int64
	err := within(ctx, b.config.DB, b.create(), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, b.bound("DELETE FROM "+inboxTable+" WHERE name = ? AND written < ?"),
			b.config.Name, time.Now().Add(-age).UnixMilli())
		if err != nil {
			return err
		}
		removed, err = result.RowsAffected()

		return err
	})

	return removed, classified(wrap(err, "sqlconn: inbox "+b.config.Name+": prune"))
}

func (b *Inbox) create() []string {
	text := "TEXT"
	if b.config.Dialect == MySQL {
		text = "VARBINARY(%d)"
	}
	column := func(most int) string { return strings.ReplaceAll(text, "%d", fmt.Sprint(most)) }

	return []string{"CREATE TABLE IF NOT EXISTS " + inboxTable + " (name " + column(mostName) + " NOT NULL, id " + column(mostID) +
		" NOT NULL, written BIGINT NOT NULL, PRIMARY KEY (name, id))"}
}

// bound turns question marks into the placeholders of the dialect.
func (b *Inbox) bound(statement string) string { return b.config.Dialect.bound(statement) }

// bound turns the question marks of a statement into the placeholders of the dialect.
func (d Dialect) bound(statement string) string {
	if d != PostgreSQL {
		return statement
	}
	parts := strings.Split(statement, "?")
	for i := range parts[:len(parts)-1] {
		parts[i] += d.placeholder(i + 1)
	}

	return strings.Join(parts, "")
}

func (b *Inbox) written(ctx context.Context, metas []*connector.Meta) ([]bool, error) {
	known := make(map[string]bool)
	err := within(ctx, b.config.DB, b.create(), func(tx *sql.Tx) error {
		for part := range slices.Chunk(metas, idsTogether) {
			args := []any{b.config.Name}
			for _, meta := range part {
				args = append(args, meta.ID())
			}
			err := transactionOf{tx}.Query(ctx, func(scan func(...any) error) error {
				var id string
				if err := scan(&id); err != nil {
					return err
				}
				known[id] = true

				return nil
			}, b.bound("SELECT id FROM "+inboxTable+" WHERE name = ? AND id IN (?"+strings.Repeat(", ?", len(part)-1)+")"), args...)
			if err != nil {
				return fmt.Errorf("inbox: %w", err)
			}
		}

		return nil
	})
	list := make([]bool, len(metas))
	for i, meta := range metas {
		list[i] = known[meta.ID()]
	}

	return list, err
}

var errNoID = errors.New("the message has no ID, so the inbox cannot know it again")

func (b *Inbox) check(meta *connector.Meta) error {
	switch id := meta.ID(); {
	case id == "":
		return errNoID
	case len(id) > mostID:
		return &connector.LimitError{What: "ID", Size: int64(len(id)), Limit: mostID}
	default:
		return nil
	}
}

func (b *Inbox) hold(context.Context, *sql.Tx) error { return nil }

func (b *Inbox) mark(ctx context.Context, tx *sql.Tx, metas []*connector.Meta) error {
	now := time.Now().UnixMilli()
	for part := range slices.Chunk(unique(metas), idsTogether) {
		args := make([]any, 0, 3*len(part))
		for _, id := range part {
			args = append(args, b.config.Name, id, now)
		}
		statement := "INSERT INTO " + inboxTable + " (name, id, written) VALUES (?, ?, ?)" + strings.Repeat(", (?, ?, ?)", len(part)-1)
		if _, err := tx.ExecContext(ctx, b.bound(statement), args...); err != nil {
			return fmt.Errorf("inbox: %w", err)
		}
	}

	return nil
}

// unique are the IDs, in an order that all writers share, so that they do not lock each
// other out.
func unique(metas []*connector.Meta) []string {
	ids := make([]string, len(metas))
	for i, meta := range metas {
		ids[i] = meta.ID()
	}
	slices.Sort(ids)

	return slices.Compact(ids)
}

func (b *Inbox) doubt() {} // the table is asked each time
