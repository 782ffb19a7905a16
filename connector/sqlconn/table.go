package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/millrace-go/millrace/connector"
)

// Table is a sink that inserts or upserts one row for each message. Make one with
// [NewTable]. It is safe for concurrent use.
//
// Each Write is one transaction of multi-row statements, which stay prepared between
// Writes. Where rows are refused for their values, the Write finds them by halving inside
// savepoints, commits the others, and returns a *[connector.PartialError] whose failed
// members tell why. A constraint that the database checks only at the commit has no
// savepoint to fall back to: there the halves are transactions of their own. Any other
// failure rolls everything back. A commit whose result is not known is ambiguous, and
// so are its messages, also where the Table is idempotent.
//
// Of messages with the same key in one Write, the last one wins with Update and the first
// one with Keep. PostgreSQL refuses a key that occurs twice in one statement, so there
// such batches take the slower way of the halves. MySQL must run in a strict sql_mode, its
// default: otherwise it cuts values to size without an error.
type Table[T any] struct {
	db         *sql.DB
	name       string
	fields     []field
	maxRows    int
	idempotent bool
	statements statements
	notes      notes
}

// NewTable returns a sink for the table, or all errors of the configuration and of the
// struct tags of T. It does not touch the database: a table or a column that does not
// exist there fails the first Write.
func NewTable[T any](config TableConfig) (*Table[T], error) {
	fields, err := typeOf[T]()
	if err != nil {
		return nil, fmt.Errorf("sqlconn: table %q: %w", config.Table, err)
	}
	insert, err := config.inserter(fields)
	kept, notesErr := config.notes()
	if err := errors.Join(err, notesErr); err != nil {
		return nil, fmt.Errorf("sqlconn: table %q: %w", config.Table, err)
	}

	return &Table[T]{
		db:         config.DB,
		name:       config.Table,
		fields:     fields,
		maxRows:    maxRows(config.Dialect, len(fields)),
		idempotent: config.OnConflict != Refuse || kept != nil,
		notes:      kept,
		statements: statements{db: config.DB, insert: insert, prepared: map[int]*sql.Stmt{}},
	}, nil
}

// Write inserts the messages; see [Table] for what becomes of rows that are refused.
func (t *Table[T]) Write(ctx context.Context, messages []connector.Message[T]) error {
	if len(messages) == 0 {
		return nil
	}
	partial := connector.NewPartialError(len(messages))
	if t.notes != nil {
		t.deliverOnce(ctx, messages, partial.Members)
	} else {
		t.deliver(ctx, messages, partial.Members)
	}

	return summary(partial)
}

// Describe says that the table keeps what it accepted, and is idempotent with Update, Keep,
// a Checkpoint or an Inbox.
func (t *Table[T]) Describe() connector.Capabilities {
	return connector.Capabilities{Name: "table " + t.name, Durable: true, Idempotent: t.idempotent}
}

// CheckHealth pings the database.
func (t *Table[T]) CheckHealth(ctx context.Context) error {
	return ping(ctx, t.db, "table "+t.name)
}

// Close releases the prepared statements. The database stays open, and a later Write
// prepares them again.
func (t *Table[T]) Close() error { return wrap(t.statements.close(), "sqlconn: table "+t.name) }

func ping(ctx context.Context, db *sql.DB, name string) error {
	if err := db.PingContext(ctx); err != nil {
		return connector.Transient(fmt.Errorf("sqlconn: %s: ping: %w", name, err))
	}

	return nil
}

// summary is nil when all members were accepted, their error when they share one, and
// otherwise the partial error.
func summary(partial *connector.PartialError) error {
	first := partial.Members[0]
	for _, member := range partial.Members {
		if member != first {
			return partial
		}
	}

	return first.Err
}
