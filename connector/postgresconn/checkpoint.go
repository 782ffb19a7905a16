package postgresconn

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/checkpoint"
)

// CheckpointConfig says where a [Checkpoint] is kept.
type CheckpointConfig struct {
	// Pool is the database; required. It must be that of the sink.
	Pool *pgxpool.Pool
	// Name tells checkpoints of one database apart; required. Every pair of a source and a
	// sink has one of its own.
	Name string
}

// Checkpoint keeps what of a source is done in the database of the sink, so that each
// message has its row exactly once, over crashes too. Make one with [NewCheckpoint], read
// the source through [Checkpoint.Resume], and give the same Checkpoint to the sink:
//
//	done, err := postgresconn.NewCheckpoint(postgresconn.CheckpointConfig{Pool: pool, Name: "orders"})
//	sink, err := postgresconn.NewCopy[Order](postgresconn.CopyConfig{Pool: pool, Table: "orders", Checkpoint: done})
//	pipeline := flow.New("orders", flow.From(done.Resume(source)).Batch(1000, time.Second).To(sink))
//
// The sink leaves a mark for each message in the transaction of its row, and accepts a
// message that has one without writing it again. The source advances as messages are
// settled, and starts behind that the next time. What fails on the way, or is dead-lettered
// and not yet settled when the process dies, is handed out again.
//
// It holds for stages between the two that make one message of one message, or parts of a
// Split. A Batch, Window or Aggregate that makes one value of several groups them anew
// after a crash, which the marks cannot know: there the grade is that of the sink alone.
// The positions of the source must be the same in every run.
//
// A run that opens the source takes the checkpoint over: what an earlier run that still
// lives tries to write or settle fails with [connector.ErrFenced]. The tables
// millrace_checkpoints and millrace_marks are made where they are missing.
//
// A Checkpoint is safe for concurrent use.
type Checkpoint struct {
	pool *pgxpool.Pool
	book checkpoint.Book
}

// NewCheckpoint returns a checkpoint, or all errors of the configuration. It does not touch
// the database.
func NewCheckpoint(config CheckpointConfig) (*Checkpoint, error) {
	var errs []error
	if config.Pool == nil {
		errs = append(errs, errors.New("CheckpointConfig.Pool is nil: give an open *pgxpool.Pool"))
	}
	if config.Name == "" {
		errs = append(errs, errors.New("CheckpointConfig.Name is empty: name what is read and where it goes"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("postgresconn: checkpoint %q: %w", config.Name, err)
	}

	return &Checkpoint{
		pool: config.Pool, book: checkpoint.Book{Name: config.Name, Statements: checkpoint.PostgreSQL},
	}, nil
}

// Resume is the source, read from where the checkpoint stands: by its OpenAfter where it is
// a [connector.Resumer], and else by leaving out what is done. Its messages are settled in
// order. A source that takes messages back keeps account by itself and is refused at Open.
func (c *Checkpoint) Resume[T any](source connector.Source[T]) connector.Source[T] {
	return checkpoint.Source(source, c)
}

// Begin is for Resume alone: it takes the checkpoint over.
func (c *Checkpoint) Begin(ctx context.Context) (done map[string]int64, err error) {
	err = c.within(ctx, func(tx pgx.Tx) error {
		done, err = c.book.Begin(ctx, transactionOf{tx})

		return err
	})
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == undefinedTable {
		if err := c.create(ctx); err != nil {
			return nil, c.wrap(err)
		}

		return c.Begin(ctx)
	}

	return done, c.wrap(err)
}

// Advance is for Resume alone: it records what is settled.
func (c *Checkpoint) Advance(ctx context.Context, done map[string]int64) error {
	return c.wrap(c.within(ctx, func(tx pgx.Tx) error { return c.book.Advance(ctx, transactionOf{tx}, done) }))
}

const undefinedTable = "42P01"

// create makes the tables. Two sessions that make them at once trip over each other, so a
// lock keeps them apart.
func (c *Checkpoint) create(ctx context.Context) error {
	return c.within(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('millrace_checkpoints'))"); err != nil {
			return err
		}
		for _, statement := range checkpoint.PostgreSQL.Create {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}

		return nil
	})
}

func (c *Checkpoint) within(ctx context.Context, work func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, c.pool, work)
}

func (c *Checkpoint) wrap(err error) error {
	if err == nil {
		return nil
	}

	return classify(fmt.Errorf("postgresconn: checkpoint %s: %w", c.book.Name, err))
}

// transactionOf is a transaction as package checkpoint takes it.
type transactionOf struct{ tx pgx.Tx }

// Exec implements checkpoint.Tx.
func (t transactionOf) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := t.tx.Exec(ctx, statement, args...)

	return err
}

// Query implements checkpoint.Tx.
func (t transactionOf) Query(
	ctx context.Context, row func(scan func(targets ...any) error) error, statement string, args ...any,
) error {
	rows, err := t.tx.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}

	return rows.Err()
}
