package postgresconn

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlstate"
)

// faultOf says what err means for the work. What has no SQLSTATE is no answer of the
// database but a connection that failed, or a context that ended.
func faultOf(err error) sqlstate.Fault {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return sqlstate.Of(answer.Code)
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, pgx.ErrTxClosed) {
		return sqlstate.Undone
	}
	if class := connector.ClassOf(err); class == connector.ClassPermanent {
		return sqlstate.Refused
	}

	return sqlstate.Passing
}

// classify gives err the class of its fault, for work that was not committed.
func classify(err error) error {
	if _, done := errors.AsType[*connector.Error](err); done || err == nil {
		return err
	}
	switch faultOf(err) {
	case sqlstate.BadRow, sqlstate.Refused:
		return connector.Permanent(err)
	case sqlstate.Passing, sqlstate.Undone:
		return connector.Transient(err)
	case sqlstate.Unnamed:
	}

	return err
}

// classifyCommit gives the error of a commit its class: unless it is certain that the
// database rolled back, the work may have been done. pgconn.SafeToRetry is no help: it
// says yes to a commit that was sent and whose answer was lost ("conn closed").
func classifyCommit(err error) error {
	switch faultOf(err) {
	case sqlstate.BadRow:
		return connector.Permanent(err)
	case sqlstate.Undone:
		return connector.Transient(err)
	case sqlstate.Unnamed, sqlstate.Refused, sqlstate.Passing:
	}

	return connector.Ambiguous(err)
}
