package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/checkpoint"
)

// CheckpointConfig says where a [Checkpoint] is kept.
type CheckpointConfig struct {
	// DB is the database; required. It must be that of the sink.
	DB *sql.DB
	// Dialect is the kind of SQL; required.
	Dialect Dialect
	// Name tells checkpoints of one database apart; required, 128 bytes at most. Every pair
	// of a source and a sink has one of its own.
	Name string
}

// Checkpoint keeps what of a source is done in the database of the sink, so that each
// message has its row exactly once, over crashes too. Make one with [NewCheckpoint], read
// the source through [Checkpoint.Resume], and give the same Checkpoint to the [Table]:
//
//	done, err := sqlconn.NewCheckpoint(sqlconn.CheckpointConfig{DB: db, Dialect: sqlconn.SQLite, Name: "orders"})
//	sink, err := sqlconn.NewTable[Order](sqlconn.TableConfig{DB: db, Table: "orders", Dialect: sqlconn.SQLite, Checkpoint: done})
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
	db   *sql.DB
	book checkpoint.Book
}

var statementsOf = map[Dialect]checkpoint.Statements{
	SQLite: checkpoint.SQLite, PostgreSQL: checkpoint.PostgreSQL, MySQL: checkpoint.MySQL,
}

// mostName is the most bytes of the name of a checkpoint or an inbox.
const mostName = 128

// NewCheckpoint returns a checkpoint, or all errors of the configuration. It does not touch
// the database.
func NewCheckpoint(config CheckpointConfig) (*Checkpoint, error) {
	err := errors.Join(
		checkDB("CheckpointConfig", config.DB, config.Dialect),
		checkName("CheckpointConfig", config.Name))
	if err != nil {
		return nil, fmt.Errorf("sqlconn: checkpoint %.80q: %w", config.Name, err)
	}

	return &Checkpoint{
		db: config.DB, book: checkpoint.Book{Name: config.Name, Statements: statementsOf[config.Dialect]},
	}, nil
}

func checkDB(config string, db *sql.DB, dialect Dialect) error {
	var errs []error
	if db == nil {
		errs = append(errs, fmt.Errorf("%s.DB is nil: give an open *sql.DB", config))
	}
	if !dialect.known() {
		errs = append(errs, fmt.Errorf("%s.Dialect is not set: choose SQLite, PostgreSQL or MySQL", config))
	}

	return errors.Join(errs...)
}

func checkName(config, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s.Name is empty: it tells this one from others in the database", config)
	case len(name) > mostName:
		return fmt.Errorf("%s.Name has %d bytes, more than the %d that are kept", config, len(name), mostName)
	default:
		return nil
	}
}

// Resume is the source, read from where the checkpoint stands: by its OpenAfter where it is
// a [connector.Resumer], and else by leaving out what is done. Its messages are settled in
// order. A source that takes messages back keeps account by itself and is refused at Open.
func (c *Checkpoint) Resume[T any](source connector.Source[T]) connector.Source[T] {
	return checkpoint.Source(source, c)
}

// Begin is for Resume alone: it takes the checkpoint over.
func (c *Checkpoint) Begin(ctx context.Context) (done map[string]int64, err error) {
	err = within(ctx, c.db, c.book.Statements.Create, func(tx *sql.Tx) error {
		done, err = c.book.Begin(ctx, transactionOf{tx})

		return err
	})

	return done, c.wrap(err)
}

// Advance is for Resume alone: it records what is settled.
func (c *Checkpoint) Advance(ctx context.Context, done map[string]int64) error {
	return c.wrap(within(ctx, c.db, nil, func(tx *sql.Tx) error { return c.book.Advance(ctx, transactionOf{tx}, done) }))
}

func (c *Checkpoint) wrap(err error) error {
	return classified(wrap(err, "sqlconn: checkpoint "+c.book.Name))
}

// classified is classify for an error that may be nil.
func classified(err error) error {
	if err == nil {
		return nil
	}

	return classify(err)
}

func (c *Checkpoint) written(ctx context.Context, metas []*connector.Meta) ([]bool, error) {
	if c.book.Doubtful() {
		if _, err := c.Begin(ctx); err != nil {
			return nil, err
		}
	}
	list := make([]bool, len(metas))
	for i, meta := range metas {
		list[i] = c.book.Written(meta)
	}

	return list, nil
}

var errNoPosition = errors.New("the message has no position, so the checkpoint cannot mark it")

func (c *Checkpoint) check(meta *connector.Meta) error {
	if meta.Position().IsZero() {
		return errNoPosition
	}

	return nil
}

func (c *Checkpoint) hold(ctx context.Context, tx *sql.Tx) error {
	return c.book.Hold(ctx, transactionOf{tx})
}

func (c *Checkpoint) mark(ctx context.Context, tx *sql.Tx, metas []*connector.Meta) error {
	written := make([]checkpoint.Identity, len(metas))
	for i, meta := range metas {
		written[i] = checkpoint.IdentityOf(meta)
	}

	return c.book.Mark(ctx, transactionOf{tx}, written)
}

func (c *Checkpoint) doubt() { c.book.Doubt() }
