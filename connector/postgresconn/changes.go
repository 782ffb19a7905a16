package postgresconn

import (
	"context"
	"fmt"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlfields"
	"github.com/millrace-go/millrace/internal/sqlnames"
)

// Changes is a source of the changes of a table, captured by logical replication. Make one
// with [NewChanges]. The server must run with wal_level = logical.
//
// The first Open makes a replication slot and, in the snapshot of the same moment, a copy
// of the table, millrace_snapshot_ and the name of the slot. The rows of the copy come
// first, and then every change since, in the order of the commits, with no gap and no
// repetition between the two. The copy is removed when its rows are settled. Because it is
// a table, a process that dies half way goes on where it was.
//
// Positions count the changes. What is settled is recorded in the table
// millrace_slots, in the captured database, before the slot is told to forget it; the next
// Open goes on behind it, and hands out what was not settled under the same positions. So
// the grade is at least once, and exactly once with the [Checkpoint] of a sink:
//
//	flow.From(done.Resume(changes)).Batch(1000, time.Second).To(sink)
//
// The server keeps the write-ahead log until the slot is told to forget it: a source that
// nobody reads fills its disk. [Changes.Drop] removes the slot and what belongs to it.
//
// Changes cannot be taken back: a message that returns to the source stops the pipeline.
// A slot has one reader; Open waits some seconds for the session of one that died. Read
// waits for changes, without an end.
//
// A column without a field is left out. A field without a column ends the reading with an
// error, and so does a value that does not fit its field.
type Changes[T any] struct {
	config ChangesConfig
	table  string // quoted
	fields []sqlfields.Field
}

// NewChanges returns a source for the table, or all errors of the configuration and of the
// struct tags of T. It does not touch the database.
func NewChanges[T any](config ChangesConfig) (*Changes[T], error) {
	fields, err := sqlfields.Of(reflect.TypeFor[T]())
	if err != nil {
		return nil, fmt.Errorf("postgresconn: changes %q: %w", config.Slot, err)
	}
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("postgresconn: changes %q: %w", config.Slot, err)
	}
	table, err := sqlnames.PostgreSQL.QuotePath(config.Table)

	return &Changes[T]{config: config, table: table, fields: fields}, err
}

// Open begins the capture, or goes on with it.
func (c *Changes[T]) Open(ctx context.Context) (connector.Reader[Change[T]], error) {
	conn, err := pgx.Connect(ctx, c.config.Address)
	if err != nil {
		return nil, c.wrap("connect", err)
	}
	r, err := c.open(ctx, conn)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx)) // the error that counts is there already

		return nil, c.wrap("open", err)
	}

	return r, nil
}

func (c *Changes[T]) open(ctx context.Context, conn *pgx.Conn) (*changesReader[T], error) {
	s := &slot{config: c.config, table: c.table, conn: conn}
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	if !s.state.ready {
		if err := s.begin(ctx); err != nil {
			return nil, err
		}
	}

	return newChangesReader(c, s), nil
}

// Drop removes the slot, the copy of the table and the record of what is settled, and the
// publication if it is ours. No reader may be open.
func (c *Changes[T]) Drop(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.config.Address)
	if err != nil {
		return c.wrap("connect", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	s := &slot{config: c.config, table: c.table, conn: conn}
	if err := s.lock(ctx); err != nil {
		return c.wrap("drop", err)
	}

	return c.wrap("drop", s.drop(ctx))
}

// Describe names the slot, which wants settlements in order and takes nothing back.
func (c *Changes[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "changes " + c.config.Slot, Ordered: true}
}

// CheckHealth connects to the database.
func (c *Changes[T]) CheckHealth(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.config.Address)
	if err != nil {
		return c.wrap("connect", err)
	}

	return c.wrap("close", conn.Close(ctx))
}

func (c *Changes[T]) wrap(what string, err error) error {
	if err == nil {
		return nil
	}

	return classify(fmt.Errorf("postgresconn: changes %s: %s: %w", c.config.Slot, what, err))
}
