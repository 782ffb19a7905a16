package postgresconn

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlstate"
)

// rollbackTime bounds a rollback after the context of the Write has ended.
const rollbackTime = 5 * time.Second

// transaction is one attempt to write a batch.
type transaction[T any] struct {
	copy     *Copy[T]
	tx       pgx.Tx
	stream   stream[T]
	into     string // what is copied into, quoted
	relation string // the same, as errors name it
	columns  []string
}

// method is how an attempt puts its rows into the transaction.
type method[T any] func(w *transaction[T], ctx context.Context) *failure

// attempt runs one transaction. Nothing was committed when it returns a failure, unless
// that is an ambiguous one of the commit.
func (c *Copy[T]) attempt(
	ctx context.Context, messages []connector.Message[T], members []connector.Member, write method[T],
) *failure {
	conn, err := c.config.Pool.Acquire(ctx)
	if err != nil {
		return c.fail(messages, "begin", err)
	}
	defer conn.Release() // last: what the session has is noted after the commit
	tx, err := conn.Begin(ctx)
	if err != nil {
		return c.fail(messages, "begin", err)
	}
	// After a commit this does nothing. Its own error changes nothing either: what was
	// not committed is not kept.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	w, known, failed := c.begin(ctx, tx, messages, members)
	if failed == nil {
		failed = write(w, ctx)
	}
	if failed == nil && known {
		failed = w.checkLayout(ctx)
	}
	if failed == nil {
		failed = w.mark(ctx)
	}
	if failed != nil {
		failed.stale = failed.stale || known && failed.fault == sqlstate.Refused

		return failed
	}
	if err := ctx.Err(); err != nil {
		return c.fail(messages, "commit", err)
	}
	if err := tx.Commit(ctx); err != nil {
		err = fmt.Errorf("postgresconn: copy %s: commit of %s: %w", c.config.Table, label(messages), err)
		if c.config.Checkpoint != nil {
			c.config.Checkpoint.book.Doubt()
		}

		return &failure{fault: faultOf(err), row: unknownRow, unsaved: true, err: classifyCommit(err)}
	}
	if c.config.OnConflict != Refuse {
		conn.Conn().PgConn().CustomData()[w.relation] = w.stream.layout
	}

	return nil
}

// begin looks at the table, unless that is known.
func (c *Copy[T]) begin(
	ctx context.Context, tx pgx.Tx, messages []connector.Message[T], members []connector.Member,
) (w *transaction[T], known bool, failed *failure) {
	w = &transaction[T]{copy: c, tx: tx, into: c.names.table, columns: c.names.columns}
	if err := w.hold(ctx); err != nil {
		return nil, false, c.fail(messages, "checkpoint", err)
	}
	l := c.layout.Load()
	known = l != nil
	if !known {
		var err error
		if l, err = c.describe(ctx, tx); err != nil {
			return nil, false, c.fail(messages, "look at the table", err)
		}
	}
	w.relation = l.relation
	w.stream = stream[T]{layout: l, messages: messages, members: members, describe: w.describe}
	if c.config.OnConflict != Refuse {
		if err := w.stage(ctx); err != nil {
			return nil, known, c.fail(messages, "make the staging table", err)
		}
	}

	return w, known, nil
}

// checkLayout fails where the rows were encoded for a table that has changed.
func (w *transaction[T]) checkLayout(ctx context.Context) *failure {
	same, err := w.unchanged(ctx)
	switch {
	case err != nil:
		return w.copy.fail(w.stream.messages, "look at the table", err)
	case same:
		return nil
	default:
		err := connector.Transient(fmt.Errorf("postgresconn: copy %s: the table has changed", w.copy.config.Table))

		return &failure{fault: sqlstate.Undone, row: unknownRow, stale: true, err: err}
	}
}

// describe is the error of a row that cannot be encoded.
func (w *transaction[T]) describe(i int, err error) error {
	return connector.Permanent(fmt.Errorf("postgresconn: copy %s: %s: %w",
		w.copy.config.Table, label(w.stream.messages[i:i+1]), err))
}

// together writes all rows, or fails with all of them.
func (w *transaction[T]) together(ctx context.Context) *failure {
	rows := len(w.stream.messages)
	if failed := w.send(ctx, 0, rows); failed != nil {
		return failed
	}

	return w.merge(ctx, 0, rows)
}

// send copies the rows from at to end that have no fate yet.
func (w *transaction[T]) send(ctx context.Context, at, end int) *failure {
	w.stream.begin(at, end)
	_, err := w.tx.Conn().PgConn().CopyFrom(ctx, &w.stream, copyStatement(w.into, w.columns))
	defer w.stream.stop()
	if err == nil {
		return nil
	}
	failed := w.copy.fail(w.stream.messages[at:end], "copy", err)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == "22P03" {
		failed.fault = sqlstate.Refused // the encoding is not that of the column
	}
	if line, found := lineOf(err, w.relation); found && failed.isolates() {
		failed.row = w.stream.row(line)
	}

	return failed
}

// copyPlace is the part of an error's context that names a line of a COPY.
var copyPlace = regexp.MustCompile(`(?m)^COPY ([^,\n]+), \S+ (\d+)`)

// lineOf reads the line of the COPY that err names. Whatever the language of the server's
// messages, the context names the relation and then the line; the outermost COPY, which is
// ours, comes last.
func lineOf(err error, relation string) (int, bool) {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return 0, false
	}
	places := copyPlace.FindAllStringSubmatch(answer.Where, -1)
	if len(places) == 0 || places[len(places)-1][1] != relation {
		return 0, false
	}
	line, err := strconv.Atoi(places[len(places)-1][2])

	return line, err == nil
}

// run executes statements that no row has a part in.
func (w *transaction[T]) run(ctx context.Context, statements ...string) *failure {
	for _, statement := range statements {
		if _, err := w.tx.Exec(ctx, statement); err != nil {
			failed := w.copy.fail(w.stream.messages, statement, err)
			if failed.fault == sqlstate.BadRow || failed.fault == sqlstate.Unnamed {
				failed.fault = sqlstate.Refused
			}

			return failed
		}
	}

	return nil
}

// fail describes an error met before the commit.
func (c *Copy[T]) fail(rows []connector.Message[T], what string, err error) *failure {
	err = fmt.Errorf("postgresconn: copy %s: %s: %s: %w", c.config.Table, label(rows), what, err)

	return &failure{fault: faultOf(err), row: unknownRow, err: classify(err)}
}

// label names the rows in errors.
func label[T any](rows []connector.Message[T]) string {
	switch {
	case len(rows) != 1:
		return fmt.Sprintf("%d rows", len(rows))
	case rows[0].ID() == "":
		return "1 row"
	default:
		return "row of message " + rows[0].ID()
	}
}
